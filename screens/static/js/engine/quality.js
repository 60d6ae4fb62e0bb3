// Whether a face is good enough to be embedded: size, sharpness, light and pose.

import { SIDE, coverOf, deviation, edgesOf, mean, smoothed } from "./cover.js";
import { eyeDistance, yawOf } from "./face.js";
import { cropped, grey, inside, rounded, shrinkOnce } from "./pixels.js";
import { Refusal } from "./refusal.js";
import { warp } from "./warp.js";

/** What a usable picture is, in the units of `qualityOf`. */
const RULES = Object.freeze({ eyeDistance: 60, yaw: 25, sharpness: 4.5, darkest: 35, brightest: 235, contrast: 12 });
/** Stricter: a picture that is usable but misses these can be improved. */
const COMFORTABLE = Object.freeze({ eyeDistance: 80, yaw: 15, sharpness: 6, darkest: 50, brightest: 215, contrast: 16 });
const MASK_TOP_ROW = 48; // row of the upright patch below which a mask lies
const EYES = { apart: 48, row: SIDE * 0.32 }; // where they lie in the upright patch

/** The face as 96 x 96 grey numbers, from brows to chin, with the eyes level. */
export function uprightPatch(picture, face) {
  const [left, right] = face.landmarks;
  const span = Math.max(eyeDistance(face), 1);
  const [x, y] = [(left[0] + right[0]) / 2, (left[1] + right[1]) / 2];
  const around = [x - 1.5 * span, y - 1.5 * span, x + 1.5 * span, y + 2 * span];
  const corners = inside(around, picture.width, picture.height);
  if (corners[2] - corners[0] < 2 || corners[3] - corners[1] < 2) return new Float32Array(SIDE * SIDE);
  let part = grey(cropped(picture, corners));
  const scale = Math.min(1, EYES.apart / span);
  if (scale < 1) part = shrinkOnce(part, ...[part.width, part.height].map((side) => Math.max(1, rounded(side * scale))));
  // The middle of the eyes lies where it lies in the small picture: its pixels are those of the large one together.
  const [middleX, middleY] = [(x - corners[0] + 0.5) * scale - 0.5, (y - corners[1] + 0.5) * scale - 0.5];
  const larger = EYES.apart / span / scale;
  const angle = Math.atan2(right[1] - left[1], right[0] - left[0]);
  const [a, b] = [larger * Math.cos(angle), larger * Math.sin(angle)];
  const turn = [[a, b, SIDE / 2 - a * middleX - b * middleY], [-b, a, EYES.row + b * middleX - a * middleY]];
  return Float32Array.from(warp(part, turn, SIDE, true).data);
}

/** Measurements of one face; none of them identifies the person. */
export function qualityOf(picture, face) {
  const patch = uprightPatch(picture, face);
  const cover = coverOf(patch);
  const shown = cover === "mask" ? patch.subarray(0, MASK_TOP_ROW * SIDE) : patch; // a mask is smooth even when sharp
  const contrast = deviation(shown);
  const sharpness = (100 * mean(edgesOf(smoothed(shown, SIDE), SIDE))) / Math.max(contrast, 1);
  return { eyeDistance: eyeDistance(face), yaw: yawOf(face), sharpness, brightness: mean(shown), contrast, cover };
}

/** Why a face is not good enough, as the code of the first thing that the person can change; null when it is. */
function lackOf(quality, rules) {
  const blurred = quality.contrast < rules.contrast || quality.sharpness < rules.sharpness;
  // A small face is blurred as well, and coming closer solves both.
  if (quality.eyeDistance < rules.eyeDistance * (blurred ? 0.75 : 1)) return "face_too_small";
  if (quality.yaw > rules.yaw) return "face_turned";
  if (quality.brightness < rules.darkest) return "too_dark";
  if (quality.brightness > rules.brightest) return "too_bright";
  return blurred ? "face_blurred" : null;
}

/** @throws {Refusal} with the first hint that the person can follow */
export function checkQuality(quality) {
  const lack = lackOf(quality, RULES);
  if (lack) throw new Refusal(lack);
}

/** The hint of the first picture that could be better; null when one of them is good. */
export function qualityHint(qualities) {
  const lacks = qualities.map((quality) => lackOf(quality, COMFORTABLE));
  return lacks.length && lacks.every(Boolean) ? new Refusal(lacks[0]).hint : null;
}
