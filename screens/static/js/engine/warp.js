// Turning, scaling and moving a picture: from landmarks to the upright crop that the network needs.

import { rounded, shrinkByPowerOfTwo } from "./pixels.js";

/**
 * The similarity [[a, -b, x], [b, a, y]] that maps points nearest to others, in least squares (Umeyama 1991).
 * @param {number[][]} source [[x, y], ...]
 * @param {number[][]} target as many
 */
export function similarity(source, target) {
  const [from, to] = [middleOf(source), middleOf(target)];
  let [spread, cosine, sine] = [0, 0, 0];
  source.forEach(([x, y], n) => {
    const [ax, ay, bx, by] = [x - from[0], y - from[1], target[n][0] - to[0], target[n][1] - to[1]];
    spread += ax * ax + ay * ay;
    cosine += ax * bx + ay * by;
    sine += ax * by - ay * bx;
  });
  spread = Math.max(spread, 1e-12);
  const [a, b] = [cosine / spread, sine / spread];
  return [[a, -b, to[0] - a * from[0] + b * from[1]], [b, a, to[1] - b * from[0] - a * from[1]]];
}

export function middleOf(points) {
  const sum = points.reduce(([x, y], point) => [x + point[0], y + point[1]], [0, 0]);
  return [sum[0] / points.length, sum[1] / points.length];
}

/** How many times larger the warped picture is. */
export const scaleOf = (matrix) => Math.hypot(matrix[0][0], matrix[1][0]);

/**
 * The picture as a square of `side` pixels, between pixels by straight lines.
 * @param {number[][]} matrix from the picture to the square
 * @param {boolean} repeat whether the picture's edge goes on beyond it; else it is black there
 */
export function warp(picture, matrix, side, repeat = false) {
  const { width, height, channels, data } = picture;
  const [[a, b, shiftX], [c, d, shiftY]] = matrix;
  const one = 1 / (a * d - b * c);
  const back = [d * one, -b * one, -c * one, a * one];
  const [fromX, fromY] = [-(back[0] * shiftX + back[1] * shiftY), -(back[2] * shiftX + back[3] * shiftY)];
  const out = new Uint8Array(side * side * channels);
  const line = width * channels;
  const shown = Math.min(channels, 3); // the fourth byte of a colour is not read
  /** The channel of a place beyond the picture, too. */
  const at = (x, y, channel) => {
    const [near, level] = [Math.min(Math.max(x, 0), width - 1), Math.min(Math.max(y, 0), height - 1)];
    return repeat || (near === x && level === y) ? data[level * line + near * channels + channel] : 0;
  };
  for (let row = 0, to = 0; row < side; row += 1) {
    for (let column = 0; column < side; column += 1, to += channels) {
      const sx = back[0] * column + back[1] * row + fromX;
      const sy = back[2] * column + back[3] * row + fromY;
      const x = Math.floor(sx);
      const y = Math.floor(sy);
      const right = sx - x;
      const down = sy - y;
      const within = x >= 0 && y >= 0 && x < width - 1 && y < height - 1;
      for (let channel = 0, from = y * line + x * channels; channel < shown; channel += 1, from += 1) {
        const leftTop = within ? data[from] : at(x, y, channel);
        const rightTop = within ? data[from + channels] : at(x + 1, y, channel);
        const leftBottom = within ? data[from + line] : at(x, y + 1, channel);
        const rightBottom = within ? data[from + line + channels] : at(x + 1, y + 1, channel);
        const top = leftTop * (1 - right) + rightTop * right;
        const bottom = leftBottom * (1 - right) + rightBottom * right;
        out[to + channel] = rounded(top * (1 - down) + bottom * down);
      }
    }
  }
  return { width: side, height: side, channels, data: out };
}

/** The same, of a picture that is shrunk first where the square is much smaller. */
export function warpSmall(picture, matrix, side) {
  const [small, factor] = shrinkByPowerOfTwo(picture, 1 / Math.max(scaleOf(matrix), 1e-6));
  const moved = matrix.map(([a, b, shift]) => [a * factor, b * factor, shift + ((a + b) * (factor - 1)) / 2]);
  return warp(small, moved, side);
}
