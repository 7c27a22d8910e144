// Arrays from the server: base64 text holding zlib-compressed little-endian bytes, turned into typed arrays.
((sd) => {
  "use strict";

  const KINDS = { uint8: Uint8Array, uint16: Uint16Array, float32: Float32Array };

  /**
   * @param {string} text base64
   * @returns {Uint8Array<ArrayBuffer>}
   */
  const fromBase64 = (text) => {
    const binary = atob(text);
    const bytes = new Uint8Array(binary.length);
    for (let i = 0; i < bytes.length; i += 1) bytes[i] = binary.charCodeAt(i);
    return bytes;
  };

  /**
   * @param {Uint8Array<ArrayBuffer>} bytes a zlib stream (what Python's zlib.compress writes)
   * @returns {Promise<Uint8Array<ArrayBuffer>>}
   */
  const inflate = async (bytes) => {
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
    return new Uint8Array(await new Response(stream).arrayBuffer());
  };

  /**
   * Unpack what `segdemo.packing.pack` wrote.
   * @param {{data: string, dtype: "uint8"|"uint16"|"float32", shape: number[]}} packed
   * @returns {Promise<Uint8Array|Uint16Array|Float32Array>} row-major values
   * @throws {Error} when the bytes do not fill the shape
   */
  sd.unpack = async (packed) => {
    const Kind = KINDS[packed.dtype];
    if (!Kind) throw new Error(`Cannot unpack an array of ${packed.dtype}.`);
    const bytes = await inflate(fromBase64(packed.data));
    const count = packed.shape.reduce((product, side) => product * side, 1);
    if (bytes.byteLength !== count * Kind.BYTES_PER_ELEMENT) {
      throw new Error(`${bytes.byteLength} bytes do not fill ${packed.shape.join(" x ")} of ${packed.dtype}.`);
    }
    return new Kind(bytes.buffer, 0, count);
  };
})((window.segdemo ??= {}));
