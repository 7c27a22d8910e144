// Where photos come from: file, drop, paste, camera, examples; and the button that deletes them.
((sd) => {
  "use strict";

  /** A dialog with the camera's picture; resolves to a JPEG file, or null when closed. */
  const takePhoto = async () => {
    const stream = await navigator.mediaDevices.getUserMedia({
      video: { facingMode: "environment", width: { ideal: 1920 } }, audio: false,
    });
    const e = sd.element;
    const video = e("video", { autoplay: "", playsinline: "", muted: "" });
    video.srcObject = stream;
    const dialog = e("dialog", { class: "sd-dialog", "aria-label": "Take a photo" });
    return new Promise((resolve) => {
      const close = (file) => {
        stream.getTracks().forEach((track) => track.stop());
        dialog.remove();
        resolve(file);
      };
      const shoot = sd.button("Take the photo", () => {
        const canvas = document.createElement("canvas");
        canvas.width = video.videoWidth;
        canvas.height = video.videoHeight;
        canvas.getContext("2d").drawImage(video, 0, 0);
        canvas.toBlob((blob) => close(blob && new File([blob], "camera.jpg", { type: "image/jpeg" })), "image/jpeg", 0.92);
      }, "sd-primary");
      shoot.disabled = true;
      video.addEventListener("loadeddata", () => {
        shoot.disabled = false;
      });
      dialog.addEventListener("cancel", () => close(null));
      dialog.append(video, e("div", { class: "sd-row" }, shoot, sd.button("Cancel", () => close(null))));
      document.querySelector(".sd-app").append(dialog);
      dialog.showModal();
    });
  };

  const imageIn = (items) => [...(items ?? [])].find((item) => item.kind === "file" && item.type.startsWith("image/"))?.getAsFile();

  /**
   * @param {HTMLElement} container
   * @param {{examples: Object[], keptMinutes: number, open: Function, openExample: Function, release: Function, say: Function}} options
   */
  sd.buildSource = (container, { examples, keptMinutes, open, openExample, release, say }) => {
    const e = sd.element;
    const input = e("input", { type: "file", accept: "image/*", class: "sd-hidden", "aria-label": "Choose a photo", tabindex: "-1" });
    input.addEventListener("change", () => {
      if (input.files[0]) open(input.files[0]);
      input.value = "";
    });
    const choose = sd.button("Open a photo", () => input.click(), "sd-primary");
    const camera = sd.button("Camera", async () => {
      try {
        const file = await takePhoto();
        if (file) open(file);
      } catch {
        say("The camera is not available: allow it in the browser, or open a file instead.");
      }
    });
    const paste = sd.button("Paste", async () => {
      try {
        for (const item of await navigator.clipboard.read()) {
          const type = item.types.find((name) => name.startsWith("image/"));
          if (type) {
            open(new File([await item.getType(type)], "pasted", { type }));
            return;
          }
        }
        say("There is no picture on the clipboard: copy one first.");
      } catch {
        say("The browser keeps the clipboard to itself: press Ctrl+V (or Cmd+V) on the page instead.");
      }
    });
    camera.hidden = !navigator.mediaDevices?.getUserMedia;
    paste.hidden = !navigator.clipboard?.read;
    document.addEventListener("paste", (event) => {
      const file = imageIn(event.clipboardData?.items);
      if (file) {
        event.preventDefault();
        open(file);
      }
    });
    const remove = sd.button("Delete photo", release);
    remove.title = `Photos stay in the server's memory for at most ${keptMinutes} minutes after their last use. This deletes yours now.`;

    const strip = e("div", { class: "sd-examples", role: "group", "aria-label": "Examples" });
    const menu = sd.popover({ label: "Examples ▾", content: strip, kind: "sd-examples-menu" });
    const buttons = new Map();
    let drawn = null;
    for (const example of examples) {
      if (example.drawn !== drawn) strip.append(e("p", { class: "sd-examples-kind", text: example.drawn ? "Drawn scenes, with their ground truth" : "Photographs" }));
      drawn = example.drawn;
      const picture = e("img", { src: example.thumbnail, alt: "", width: "72", height: "54", loading: "lazy" });
      const button = e("button", { type: "button", class: "sd-example", title: example.description },
        picture, e("span", { text: example.title }));
      button.addEventListener("click", () => {
        menu.close();
        openExample(example.id);
      });
      strip.append(button);
      buttons.set(example.id, button);
    }
    container.append(e("div", { class: "sd-row sd-source-buttons" }, input, choose, camera, paste, menu, remove));
    return {
      mark: (id) => {
        for (const [key, button] of buttons) button.setAttribute("aria-pressed", String(key === id));
      },
      /** Only a photo of one's own can be deleted. */
      setPhoto: (own) => {
        remove.hidden = !own;
      },
    };
  };
})((window.segdemo ??= {}));
