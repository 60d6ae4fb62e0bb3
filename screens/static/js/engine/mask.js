// Draws a surgical mask over a face, in memory: who joins is known with a mask, too.

import { eyeDistance } from "./face.js";
import { grey, rounded, shrinkOnce } from "./pixels.js";

const RED_GREEN_BLUE = [168, 196, 214];
/** Its outline in eye distances, to the right and down from between the eyes. */
const OUTLINE = [
  [-0.95, 0.42], [-0.4, 0.34], [0, 0.24], [0.4, 0.34], [0.95, 0.42],
  [0.85, 1.05], [0.55, 1.5], [0, 1.75], [-0.55, 1.5], [-0.85, 1.05],
];
const ROUGHER = 16; // the light is that of a picture so many times smaller

/** A copy of a picture with a mask from the bridge of the nose to below the chin, in the light of the picture. */
export function withMask(picture, face) {
  const { width, height } = picture;
  const span = Math.max(eyeDistance(face), 1);
  const cover = blurred(filled(outlineOf(face, span), width, height), width, Math.max(0.5, span / 60), 4);
  const light = lightOf(picture, span);
  const middle = Math.max(light.reduce((sum, value) => sum + value, 0) / light.length, 1);
  const data = Uint8Array.from(picture.data);
  for (let at = 0, from = 0; at < cover.length; at += 1, from += 4) {
    const share = cover[at];
    if (!share) continue;
    const shade = Math.min(Math.max(0.75 + (0.25 * light[at]) / middle, 0.5), 1.2);
    for (let c = 0; c < 3; c += 1) data[from + c] = Math.min(255, data[from + c] * (1 - share) + RED_GREEN_BLUE[c] * shade * share);
  }
  return { ...picture, data };
}

function outlineOf({ landmarks: [left, right] }, span) {
  const [x, y] = [(right[0] - left[0]) / span, (right[1] - left[1]) / span];
  const [fromX, fromY] = [(left[0] + right[0]) / 2, (left[1] + right[1]) / 2];
  return OUTLINE.map(([across, down]) => [rounded(fromX + (across * x - down * y) * span), rounded(fromY + (across * y + down * x) * span)]);
}

/** 1 inside the outline and 0 outside, for each pixel. */
function filled(outline, width, height) {
  const out = new Float32Array(width * height);
  for (let row = 0; row < height; row += 1) {
    const crossed = outline.flatMap(([x0, y0], n) => {
      const [x1, y1] = outline[(n + 1) % outline.length];
      return y0 <= row !== y1 <= row ? [x0 + ((row - y0) * (x1 - x0)) / (y1 - y0)] : [];
    });
    if (!crossed.length) continue;
    const first = Math.max(0, Math.round(Math.min(...crossed)));
    const last = Math.min(width - 1, Math.round(Math.max(...crossed)));
    if (first <= last) out.fill(1, row * width + first, row * width + last + 1);
  }
  return out;
}

/** How light each pixel's surroundings are, without any detail. */
function lightOf(picture, span) {
  const { width, height } = picture;
  const [columns, rows] = [width, height].map((side) => Math.max(1, Math.floor(side / ROUGHER)));
  const rough = Float32Array.from(shrinkOnce(grey(picture), columns, rows).data);
  return enlarged(blurred(rough, columns, 1 + span / 48, 3), columns, rows, width, height);
}

/** Blurred by a Gaussian that ends after `reach` of its widths. */
function blurred(values, width, sigma, reach) {
  const half = Math.floor((Math.round(sigma * reach * 2 + 1) | 1) / 2);
  const weights = Array.from({ length: 2 * half + 1 }, (_, n) => Math.exp(-((n - half) ** 2) / (2 * sigma * sigma)));
  const whole = weights.reduce((sum, weight) => sum + weight, 0);
  const height = values.length / width;
  const across = along(values, width, height, 1, width, weights, whole);
  return along(across, height, width, width, 1, weights, whole);
}

/** Each line of `length` places, `step` apart, weighed with its neighbours; beyond its ends it is mirrored. */
function along(values, length, lines, step, next, weights, whole) {
  const half = (weights.length - 1) / 2;
  const out = new Float32Array(values.length);
  for (let line = 0; line < lines; line += 1) {
    for (let place = 0; place < length; place += 1) {
      let sum = 0;
      for (let n = 0; n < weights.length; n += 1) sum += weights[n] * values[line * next + mirrored(place + n - half, length) * step];
      out[line * next + place * step] = sum / whole;
    }
  }
  return out;
}

function mirrored(place, length) {
  if (length === 1) return 0;
  const turn = 2 * (length - 1);
  const within = ((place % turn) + turn) % turn;
  return within < length ? within : turn - within;
}

/** A small field at another size, between its places by straight lines. */
function enlarged(values, columns, rows, width, height) {
  const between = (to, from, place) => {
    const at = Math.min(Math.max(((place + 0.5) * from) / to - 0.5, 0), from - 1);
    const low = Math.min(Math.floor(at), Math.max(from - 2, 0));
    return [low, Math.min(low + 1, from - 1), at - low];
  };
  const across = Array.from({ length: width }, (_, x) => between(width, columns, x));
  const out = new Float32Array(width * height);
  for (let y = 0, to = 0; y < height; y += 1) {
    const [above, below, down] = between(height, rows, y);
    for (let x = 0; x < width; x += 1) {
      const [left, right, aside] = across[x];
      const top = values[above * columns + left] * (1 - aside) + values[above * columns + right] * aside;
      const bottom = values[below * columns + left] * (1 - aside) + values[below * columns + right] * aside;
      out[to++] = top * (1 - down) + bottom * down;
    }
  }
  return out;
}
