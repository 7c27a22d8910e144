// Maps as PNG files (ISO/IEC 15948), 8 bits a channel, each row stored as its difference to the one above.
((sd) => {
  "use strict";

  const TABLE = Uint32Array.from({ length: 256 }, (_, n) => {
    let c = n;
    for (let k = 0; k < 8; k += 1) c = c & 1 ? 0xedb88320 ^ (c >>> 1) : c >>> 1;
    return c;
  });

  const crc = (bytes) => {
    let c = 0xffffffff;
    for (let i = 0; i < bytes.length; i += 1) c = TABLE[(c ^ bytes[i]) & 255] ^ (c >>> 8);
    return (c ^ 0xffffffff) >>> 0;
  };

  const chunk = (kind, content) => {
    const bytes = new Uint8Array(12 + content.length);
    const view = new DataView(bytes.buffer);
    view.setUint32(0, content.length);
    bytes.set(Array.from(kind, (letter) => letter.charCodeAt(0)), 4);
    bytes.set(content, 8);
    view.setUint32(8 + content.length, crc(bytes.subarray(4, 8 + content.length)));
    return bytes;
  };

  /** @param {(at: number, channel: number) => number} value of a pixel in reading order */
  const png = async (height, width, channels, value, palette) => {
    const line = width * channels;
    const rows = new Uint8Array(height * (line + 1));
    for (let y = 0; y < height; y += 1) {
      const from = y * (line + 1);
      rows[from] = 2;
      for (let x = 0; x < width; x += 1) {
        for (let k = 0; k < channels; k += 1) {
          const at = y * width + x;
          rows[from + 1 + x * channels + k] = value(at, k) - (y ? value(at - width, k) : 0);
        }
      }
    }
    const head = new Uint8Array(13);
    const view = new DataView(head.buffer);
    view.setUint32(0, width);
    view.setUint32(4, height);
    head.set([8, palette ? 3 : 2], 8);
    const packed = new Blob([rows]).stream().pipeThrough(new CompressionStream("deflate"));
    const data = new Uint8Array(await new Response(packed).arrayBuffer());
    const parts = [Uint8Array.of(137, 80, 78, 71, 13, 10, 26, 10), chunk("IHDR", head)];
    if (palette) parts.push(chunk("PLTE", palette));
    parts.push(chunk("IDAT", data), chunk("IEND", new Uint8Array(0)));
    return new Blob(parts, { type: "image/png" });
  };

  /** Class indices, 255 for none, in the classes' colours. @param {number[][]} colors by index */
  sd.indexPng = (labels, height, width, colors) => {
    const palette = new Uint8Array(768);
    colors.slice(0, 255).forEach((color, index) => palette.set(color, 3 * index));
    return png(height, width, 1, (at) => Math.min(labels[at], 255), palette);
  };

  /** Segment ids as in COCO panoptic: id = R + 256 G + 65536 B. */
  sd.idPng = (ids, height, width) => png(height, width, 3, (at, channel) => (ids[at] >> (8 * channel)) & 255, null);
})((window.segdemo ??= {}));
