// Whose press it is: one face, by size and place alone. The embedder sees nobody else.

import { areaOf, moved, overlap } from "./face.js";
import { cropped, inside } from "./pixels.js";
import { Refusal } from "./refusal.js";

const DOMINANCE = 1.5; // the chosen face has at least this many times the area of the next
const MARGIN = [0.8, 0.6]; // of the box's width and height: what refining and aligning need around a face
const HAIR = 0.25; // of a box on each side: that much more of somebody else is blanked

/** The one face of a press. @throws {Refusal} nobody, several people, or a face at the edge */
export function choose(faces, { width, height }, middle = 0.6) {
  if (!faces.length) throw new Refusal("no_face");
  const [first, ...others] = [...faces].sort((one, other) => areaOf(other) - areaOf(one));
  if (others.length && areaOf(first) < DOMINANCE * areaOf(others[0])) throw new Refusal("several_faces");
  if (others.some(({ box }) => overlap(first.box, box))) throw new Refusal("several_faces");
  const [x, y, w, h] = first.box;
  const side = sideOf((x + w / 2) / width, (y + h / 2) / height, (1 - middle) / 2);
  if (side) throw new Refusal("face_off_centre", side);
  return first;
}

/** At which side of the picture, as the camera took it, a centre within `edge` of it lies; "" in the middle. */
function sideOf(across, down, edge) {
  const sides = [["left", across], ["right", 1 - across], ["top", down], ["bottom", 1 - down]];
  const [name, least] = sides.reduce((one, other) => (other[1] < one[1] ? other : one));
  return least < edge ? name : "";
}

/**
 * A copy of the chosen face and its surroundings, everybody else blanked.
 * @returns {[picture, face]} the crop, and the face in it
 */
export function isolate(picture, faces, chosen, covered) {
  const { width, height } = picture;
  const [x, y, w, h] = chosen.box;
  const [across, down] = [MARGIN[0] * w, MARGIN[1] * h];
  const [left, top] = [Math.max(0, Math.trunc(x - across)), Math.max(0, Math.trunc(y - down))];
  const right = Math.min(width, Math.trunc(x + w + across) + 1);
  const bottom = Math.min(height, Math.trunc(y + h + down) + 1);
  const crop = cropped(picture, [left, top, right, bottom]);
  const inCrop = ([x0, y0, x1, y1]) => [x0 - left, y0 - top, x1 - left, y1 - top].map((value) => Math.max(0, value));
  for (const { box: [ox, oy, ow, oh] } of faces.filter((face) => face !== chosen)) {
    const withHair = [ox - HAIR * ow, oy - HAIR * oh, ox + (1 + HAIR) * ow, oy + (1 + HAIR) * oh];
    put(crop, inCrop(inside(withHair, width, height)), null);
  }
  // A neighbour's enlarged box may reach into the chosen box; boxes themselves never overlap (see `choose`).
  const own = inside([x, y, x + w, y + h], width, height);
  put(crop, inCrop(own), cropped(picture, own));
  return [crop, { ...moved(chosen, -left, -top), covered }];
}

/** Put a picture between two corners of another one; without one, black. */
function put(picture, [x0, y0, x1, y1], part) {
  const { width, height, channels, data } = picture;
  const [end, row] = [Math.min(x1, width), (x1 - x0) * channels];
  for (let y = y0; y < Math.min(y1, height); y += 1) {
    const [from, to] = [(y * width + x0) * channels, (y * width + end) * channels];
    if (part) data.set(part.data.subarray((y - y0) * row, (y - y0) * row + to - from), from);
    else if (to > from) data.fill(0, from, to);
  }
}
