// The engine's own thread: it gets pictures, and answers with vectors or with why there are none. It sends nothing.
//
// Messages: {id, work: "load", engine} or {id, work: "look", pictures, asked}; answers: {id, result} or {id, refusal}
// or {id, failed}. Pictures are ImageBitmaps, which are closed, or {width, height, data} as a canvas gives them.

import { openPress } from "./open.js";
import { fromCanvas } from "./pixels.js";
import { Refusal } from "./refusal.js";

const WORKS = { load, look };
let press = null;
let canvas = null;

/** @param engine what the server says of its files and of the pack */
async function load({ engine }) {
  press = await openPress(engine);
  return { pack: press.pack };
}

async function look({ pictures, asked }) {
  const read = ({ moves = [], ...rest }) => ({ ...rest, moves: moves.map(pixelsOf) });
  return press.look(pictures.map(pixelsOf), read(asked ?? {}));
}

/** The pixels of a picture; of a bitmap through a canvas that is emptied at once. */
function pixelsOf(picture) {
  if (!(picture instanceof ImageBitmap)) return fromCanvas(picture);
  const { width, height } = picture;
  if (canvas?.width !== width || canvas?.height !== height) canvas = new OffscreenCanvas(width, height);
  const pen = canvas.getContext("2d", { willReadFrequently: true, alpha: false });
  pen.drawImage(picture, 0, 0);
  picture.close();
  const read = fromCanvas(pen.getImageData(0, 0, width, height));
  pen.clearRect(0, 0, width, height);
  return read;
}

self.addEventListener("message", async ({ data: { id, work, ...given } }) => {
  try {
    self.postMessage({ id, result: await WORKS[work](given) });
  } catch (error) {
    const { code, hint, where } = error;
    self.postMessage(error instanceof Refusal ? { id, refusal: { code, hint, where } } : { id, failed: String(error) });
  }
});
