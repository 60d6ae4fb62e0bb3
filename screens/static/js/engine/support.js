// What the engine needs of a browser.

/** A module with one instruction on 128 bits at once: a browser without such instructions does not accept it. */
const WITH_SIMD = [0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0, 10, 10, 1, 8, 0, 65, 0, 253, 15, 253, 98, 11];

const THERE = {
  wasm_simd: () => WebAssembly.validate(Uint8Array.from(WITH_SIMD)),
  web_crypto: () => Boolean(crypto.subtle),
  x25519: async () => Boolean(await crypto.subtle.generateKey({ name: "X25519" }, false, ["deriveBits"])),
  threads: () => Boolean(Worker) && Boolean(OffscreenCanvas) && Boolean(createImageBitmap),
};

/** What this browser does not have, the first of it: wasm_simd, web_crypto, x25519 or threads; "" when it has all. */
export async function lacking() {
  for (const [name, there] of Object.entries(THERE)) {
    try {
      if (!(await there())) return name;
    } catch {
      return name; // what a browser lacks has no name in it
    }
  }
  return "";
}
