// What works beside the page: decodes a photo, runs the network with ONNX Runtime Web, and derives what is asked.
((sd) => {
  "use strict";

  /** Sides of the small planes behind the read-out, in pixels at most. */
  const SMALL_SIDE = 288;
  /** Pixels of a photo that is read back as it is; larger ones are reduced by the browser first. */
  const READ_PIXELS = 16_000_000;
  const SESSIONS = 2;

  /** The photo upright over white, as RGBA of at most READ_PIXELS. */
  const decode = async (file) => {
    let bitmap;
    try {
      bitmap = await createImageBitmap(file, { imageOrientation: "from-image" });
    } catch {
      throw new Error("This file is no picture that this browser can read: choose a JPEG, PNG or WebP.");
    }
    const size = sd.within(bitmap.height, bitmap.width, READ_PIXELS);
    const context = new OffscreenCanvas(size.width, size.height).getContext("2d", { willReadFrequently: true });
    context.fillStyle = "#ffffff";
    context.fillRect(0, 0, size.width, size.height);
    context.imageSmoothingQuality = "high";
    context.drawImage(bitmap, 0, 0, size.width, size.height);
    bitmap.close();
    return context.getImageData(0, 0, size.width, size.height);
  };

  /**
   * @param {object} about the page's web.json
   * @param {object} ort ONNX Runtime Web
   * @param {(kind: string, values: object) => void} tell the page
   */
  sd.createWork = (about, ort, tell) => {
    const sessions = new Map();
    /** The network's answer to the photo on the page. */
    let answer = null;

    const load = async (graph) => {
      const known = sessions.get(graph.name);
      if (known) return known;
      const total = graph.parts.reduce((sum, part) => sum + part.bytes, 0);
      let bytes = 0;
      const model = await sd.fetchJoined(graph.parts.map(({ name }) => name), (count) => {
        bytes += count;
        tell("progress", { text: `Fetching the network: ${(bytes / 1e6).toFixed(0)} of ${(total / 1e6).toFixed(0)} MB`, fraction: 0.9 * Math.min(1, bytes / total) });
      });
      tell("progress", { text: "Preparing the network", fraction: null });
      const session = await ort.InferenceSession.create(model, { executionProviders: ["wasm"], graphOptimizationLevel: "all" });
      if (sessions.size >= SESSIONS) {
        const [oldest, old] = sessions.entries().next().value;
        sessions.delete(oldest);
        await old.release();
      }
      sessions.set(graph.name, session);
      return session;
    };

    const seconds = async (work) => {
      const start = performance.now();
      const value = await work();
      return [value, (performance.now() - start) / 1000];
    };

    const work = {};

    /** Run a photo forward. */
    work.open = async ({ file }) => {
      tell("progress", { text: "Reading the photo", fraction: null });
      const image = await decode(file);
      const wanted = sd.checkpointSize(image.height, image.width, about.preprocessing);
      const graph = sd.fittingGraph(about.graphs, wanted);
      // A graph for any size has none of its own.
      const { height, width } = graph.height ? graph : wanted;
      const [session, loading] = await seconds(() => load(graph));
      tell("progress", { text: "Looking at the photo", fraction: null });
      const [pixels, preparing] = await seconds(() => sd.normalised(
        sd.resizeLikePillow(image, width, height, about.preprocessing.resample), about.preprocessing.table));
      const input = new ort.Tensor("float32", pixels, [1, 3, height, width]);
      const [found, network] = await seconds(() => session.run({ pixel_values: input }));
      const [logits, masks] = [found.class_queries_logits, found.masks_queries_logits];
      if (!logits.data.every(Number.isFinite)) throw new Error("The network's answer holds values that are not numbers: try another photo.");
      answer = {
        queries: masks.dims[1], height: masks.dims[2], width: masks.dims[3], classes: logits.dims[2] - 1,
        inputHeight: height, inputWidth: width, masks: masks.data, logits: logits.data,
      };
      return { inputSize: [height, width], times: { loading, preparing, network } };
    };

    /** The semantic map at a size, with the read-out's planes. */
    work.semantic = async ({ height, width }) => {
      const [map, deriving] = await seconds(() => sd.semanticMap(answer, height, width, about.least_score));
      const small = Math.min(1, SMALL_SIDE / Math.max(height, width));
      const planes = sd.readoutPlanes(answer, Math.max(1, Math.round(height * small)), Math.max(1, Math.round(width * small)));
      return { ids: map.labels, found: sd.presentClasses(map, answer.classes), planes, deriving };
    };

    const segments = ({ height, width, thresholds }) => sd.panopticSegments(answer, height, width, {
      ...thresholds, stuff: new Set(about.classes.flatMap((entry, id) => (entry.isthing ? [] : [id]))),
    });

    /** Panoptic segments at a size. */
    work.panoptic = async (asked) => {
      const [found, deriving] = await seconds(() => segments(asked));
      return { ids: found.ids, found: found.segments, deriving };
    };

    /** The map as a PNG of the photo's own size, as `segdemo segment` writes it. */
    work.save = async (asked) => {
      const { height, width } = asked;
      const file = asked.task === "semantic"
        ? await sd.indexPng(sd.semanticMap(answer, height, width, about.least_score).labels, height, width, about.classes.map(({ color }) => color))
        : await sd.idPng(segments(asked).ids, height, width);
      return { file };
    };

    /** The network's answer itself. */
    work.answer = async () => ({ answer });
    return work;
  };
})((window.segdemo ??= {}));
