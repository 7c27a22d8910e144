// The page's own files, fetched with progress; nothing is asked of any other host.
((sd) => {
  "use strict";

  /**
   * @param {string} name a file beside the page
   * @param {(bytes: number) => void} onBytes called with the bytes of each part that came
   * @returns {Promise<Uint8Array>}
   * @throws {Error} with a sentence when the file does not come
   */
  const fetchFile = async (name, onBytes) => {
    let response;
    try {
      response = await fetch(name);
    } catch {
      throw new Error(`${name} could not be fetched: check the connection and try again.`);
    }
    if (!response.ok) throw new Error(`${name} is not beside this page (${response.status}): whoever put it here left a file out.`);
    const parts = [];
    let size = 0;
    for (const reader = response.body.getReader(); ;) {
      const { done, value } = await reader.read();
      if (done) break;
      parts.push(value);
      size += value.length;
      onBytes(value.length);
    }
    const bytes = new Uint8Array(size);
    parts.reduce((at, part) => {
      bytes.set(part, at);
      return at + part.length;
    }, 0);
    return bytes;
  };

  /** Several files as one, in their order; `onBytes` as above. */
  sd.fetchJoined = async (names, onBytes) => {
    const parts = await Promise.all(names.map((name) => fetchFile(name, onBytes)));
    if (parts.length === 1) return parts[0];
    const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
    parts.reduce((at, part) => {
      bytes.set(part, at);
      return at + part.length;
    }, 0);
    return bytes;
  };
})((window.segdemo ??= {}));
