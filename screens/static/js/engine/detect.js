// YuNet: faces with five landmarks, from the numbers that its network gives for every cell of a picture.

import { areaOf, sharedShare } from "./face.js";
import { planes, rounded, shrink } from "./pixels.js";
import { warpSmall } from "./warp.js";

const STRIDES = [8, 16, 32];
const LEAST_SCORE = 0.7;
const LARGEST_OVERLAP = 0.3;
const MOST_FACES = 50;
const MOST_CELLS = 500; // the best of them: more never belong to faces
const REFINE_SIDE = 320; // pixels of the square in which the landmarks of a face are refined
const SAME_FACE = 0.5; // cells whose boxes have so much in common belong to one face

export class Detector {
  /**
   * @param {(numbers: Float32Array, shape: number[]) => Promise<Record<string, Float32Array>>} network
   * @param {number} width the picture is shrunk to so many pixels
   */
  constructor(network, width) {
    Object.assign(this, { network, width });
  }

  /** All faces of a picture, the largest first. */
  async detect(picture) {
    const scale = Math.min(1, this.width / picture.width);
    const [columns, rows] = [picture.width, picture.height].map((side) => Math.max(1, rounded(side * scale)));
    const small = scale < 1 ? shrink(picture, columns, rows) : picture;
    const [wide, high] = [small.width, small.height].map((side) => Math.ceil(side / 32) * 32);
    const cells = await this.#cells(planes(small, wide, high), wide, high);
    const [growX, growY] = [picture.width / small.width, picture.height / small.height];
    const faces = best(cells).map(({ box: [x, y, w, h], landmarks, score }) => ({
      box: [x * growX, y * growY, w * growX, h * growY],
      landmarks: landmarks.map(([left, top]) => [left * growX, top * growY]),
      score,
      covered: false,
    }));
    return faces.sort((one, other) => areaOf(other) - areaOf(one));
  }

  /** Better landmarks of a face: the mean over all cells that show it in a picture of it alone. */
  async refined(picture, face) {
    const [x, y, w, h] = face.box;
    const scale = 1 / shrinkFactor(face);
    const shift = [REFINE_SIDE / 2 - scale * (x + w / 2), REFINE_SIDE / 2 - scale * (y + h / 2)];
    const square = warpSmall(picture, [[scale, 0, shift[0]], [0, scale, shift[1]]], REFINE_SIDE);
    const cells = await this.#cells(planes(square), REFINE_SIDE, REFINE_SIDE);
    const expected = [scale * x + shift[0], scale * y + shift[1], scale * w, scale * h];
    const near = cells.filter((cell) => sharedShare(cell.box, expected) > SAME_FACE);
    if (!near.length) return face.landmarks;
    const { box } = near.reduce((one, other) => (other.score > one.score ? other : one));
    const same = cells.filter((cell) => sharedShare(cell.box, box) > SAME_FACE);
    const whole = same.reduce((sum, { score }) => sum + score, 0);
    return face.landmarks.map((_, n) => [0, 1].map((axis) => {
      const mean = same.reduce((sum, { landmarks, score }) => sum + landmarks[n][axis] * (score / whole), 0);
      return (mean - shift[axis]) / scale;
    }));
  }

  async #cells(numbers, columns, rows) {
    return cellsOf(await this.network(numbers, [1, 3, rows, columns]), columns);
  }
}

/** How many times larger a face is than in the square of `refined`. */
export const shrinkFactor = ({ box }) => (2 * Math.max(box[2], box[3])) / REFINE_SIDE;

/** The cells that show a face, each with its box and landmarks in pixels of the network's picture. */
export function cellsOf(outputs, columns) {
  const found = [];
  for (const stride of STRIDES) {
    const [cls, obj, bbox, kps] = ["cls", "obj", "bbox", "kps"].map((kind) => outputs[`${kind}_${stride}`]);
    const across = Math.floor(columns / stride);
    for (let cell = 0; cell < cls.length; cell += 1) {
      const score = Math.sqrt(clipped(cls[cell]) * clipped(obj[cell]));
      if (score >= LEAST_SCORE) found.push(faceIn(bbox.subarray(4 * cell), kps.subarray(10 * cell), cell, across, stride, score));
    }
  }
  return found;
}

const clipped = (share) => Math.min(Math.max(share, 0), 1);

function faceIn(bbox, kps, cell, across, stride, score) {
  const [column, row] = [cell % across, Math.floor(cell / across)];
  const [w, h] = [Math.exp(Math.min(bbox[2], 10)) * stride, Math.exp(Math.min(bbox[3], 10)) * stride];
  const box = [(column + bbox[0]) * stride - w / 2, (row + bbox[1]) * stride - h / 2, w, h];
  const landmarks = [0, 2, 4, 6, 8].map((at) => [(kps[at] + column) * stride, (kps[at + 1] + row) * stride]);
  return { box, landmarks, score };
}

/** One cell for each face: those that no better one overlaps too much. */
function best(cells) {
  let left = [...cells].sort((one, other) => other.score - one.score).slice(0, MOST_CELLS);
  const kept = [];
  while (left.length && kept.length < MOST_FACES) {
    const [first] = left;
    kept.push(first);
    left = left.slice(1).filter(({ box }) => sharedShare(box, first.box) <= LARGEST_OVERLAP);
  }
  return kept;
}
