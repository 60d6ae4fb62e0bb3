// What the engine needs of a browser.

/** A module with one instruction on 128 bits at once: a browser without such instructions does not accept it. */
const WITH_SIMD = [0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0, 10, 10, 1, 8, 0, 65, 0, 253, 15, 253, 98, 11];

const THERE = {
  wasm_simd: () => WebAssembly.validate(Uint8Array.from(WITH_SIMD)),
  web_crypto: () => Boolean(crypto.subtle),
  threads: () => Boolean(Worker) && Boolean(OffscreenCanvas) && Boolean(createImageBitmap),
};

/** The names of what this browser does not have: wasm_simd, web_crypto, threads. */
export function lacking() {
  return Object.keys(THERE).filter((name) => {
    try {
      return !THERE[name]();
    } catch {
      return true; // what a browser lacks has no name in it
    }
  });
}
