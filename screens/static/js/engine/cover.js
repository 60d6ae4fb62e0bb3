// Whether a mask or sunglasses cover a face, from edges in an upright patch of it (96 x 96 grey, as numbers).

export const SIDE = 96;
const EYES = { rows: [20, 42], columns: [14, 82] };
const LOWER = { rows: [54, 92], columns: [30, 66] }; // nostrils to chin
const MOUTH = { rows: [66, 92], columns: [24, 72] };
const MASKED_BELOW = 0.225;
const DARK_BELOW = 0.25;
const EVEN_BELOW = 0.06;
const BLUR = 15; // columns over which a row near the mouth is smoothed

const isEye = (row, column) => Math.hypot((Math.abs(column - 48) - 24) / 9, (row - 31) / 6) < 1;
/** The forehead, and the cheeks below the eyes. */
function isSkin(row, column) {
  const forehead = Math.abs(column - 48) < 18 && row >= 2 && row < 14;
  return forehead || (Math.abs(Math.abs(column - 48) - 23) < 9 && row >= 44 && row < 54);
}
const places = (belongs) => [...Array(SIDE * SIDE).keys()].filter((at) => belongs(Math.floor(at / SIDE), at % SIDE));
const [EYE_PLACES, SKIN_PLACES] = [places(isEye), places(isSkin)];

/** none, mask or sunglasses. */
export function coverOf(patch) {
  if (lowerFaceEdges(patch) < MASKED_BELOW) return "mask";
  const [eyes, skin] = [EYE_PLACES, SKIN_PLACES].map((those) => Float32Array.from(those, (at) => patch[at]));
  const bright = median(skin) + 10;
  return (median(eyes) + 2) / bright < DARK_BELOW && deviation(eyes) / bright < EVEN_BELOW ? "sunglasses" : "none";
}

/** How strong the edges of the lower face are, relative to those around the eyes: about .7, less with a mask. */
export function lowerFaceEdges(patch) {
  const smooth = smoothed(patch, SIDE);
  const edges = edgesOf(smooth, SIDE);
  const contrast = deviation(zone(smooth, EYES)) + 1;
  const texture = (mean(zone(edges, LOWER)) + 0.05) / (mean(zone(edges, EYES)) + 0.2);
  const rows = mouthRows(zone(smooth, MOUTH), MOUTH.columns[1] - MOUTH.columns[0]);
  const step = Math.max(...rows.slice(1).map((value, n) => Math.abs(value - rows[n])));
  return Math.sqrt((texture * (step + 0.1)) / contrast);
}

/** The mean of each row near the mouth, smoothed across, without its ends. */
function mouthRows(part, width) {
  const [ends, reach] = [10, (BLUR - 1) / 2];
  return Array.from({ length: part.length / width }, (_, row) => {
    let sum = 0;
    for (let column = ends; column < width - ends; column += 1) {
      sum += mean(part.subarray(row * width + column - reach, row * width + column + reach + 1));
    }
    return sum / (width - 2 * ends);
  });
}

function zone(patch, { rows, columns }) {
  const wide = columns[1] - columns[0];
  const out = new Float32Array(wide * (rows[1] - rows[0]));
  for (let row = rows[0]; row < rows[1]; row += 1) {
    out.set(patch.subarray(row * SIDE + columns[0], row * SIDE + columns[1]), (row - rows[0]) * wide);
  }
  return out;
}

/** The places before and behind each of some places; beyond the edge is its mirror image. */
function besides(length) {
  const at = [...Array(length).keys()];
  return [at.map((one) => (one ? one - 1 : 1)), at.map((one) => (one < length - 1 ? one + 1 : length - 2))];
}

/** Each pixel with the four around it, as numbers. */
function withNeighbours(patch, width, work) {
  const height = patch.length / width;
  const [[before, behind], [above, below]] = [besides(width), besides(height)];
  const out = new Float32Array(patch.length);
  for (let row = 0, at = 0; row < height; row += 1) {
    const [start, up, down] = [row * width, above[row] * width, below[row] * width];
    for (let column = 0; column < width; column += 1, at += 1) {
      out[at] = work(patch[at], patch[start + before[column]], patch[start + behind[column]], patch[up + column], patch[down + column]);
    }
  }
  return out;
}

/** Blurred a little, against noise: weights 1, 2, 1 across and down. */
export function smoothed(patch, width) {
  const across = withNeighbours(patch, width, (own, left, right) => (left + 2 * own + right) / 4);
  return withNeighbours(across, width, (own, _left, _right, up, down) => (up + 2 * own + down) / 4);
}

/** How much each pixel differs from the four around it: the amount of a Laplacian. */
export function edgesOf(patch, width) {
  return withNeighbours(patch, width, (own, left, right, up, down) => Math.abs(up + down + left + right - 4 * own));
}

export const mean = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;

export function deviation(values) {
  const middle = mean(values);
  return Math.sqrt(mean(Float64Array.from(values, (value) => (value - middle) ** 2)));
}

function median(values) {
  const sorted = values.slice().sort();
  const half = sorted.length / 2;
  return half % 1 ? sorted[Math.floor(half)] : (sorted[half - 1] + sorted[half]) / 2;
}
