// The moves of a press: does a head in front of the camera turn and come closer as it was asked? Only landmarks are read.

import { degrees, eyeDistance } from "./face.js";
import { middleOf } from "./warp.js";

/** When a picture shows a move: degrees, and shares of the first picture's sizes. */
const RULES = Object.freeze({ turned: 13, straight: 14, closer: 1.15, narrower: 0.82, drift: 1, shape: 0.28 });
const REACH = 0.55; // of the eye distance: how far the nose stands before the line from eyes to mouth

/** {yaw, size, drop, centre} of a face: degrees to the person's own left, and pixels. */
export function poseOf(face) {
  const [left, right, nose] = face.landmarks;
  const size = Math.max(eyeDistance(face), 1e-6);
  const across = [(right[0] - left[0]) / size, (right[1] - left[1]) / size];
  const centre = middleOf([left, right]);
  const along = ([x, y]) => (x - centre[0]) * across[0] + (y - centre[1]) * across[1];
  const below = ([x, y]) => (y - centre[1]) * across[0] - (x - centre[0]) * across[1];
  const mouth = middleOf(face.landmarks.slice(3));
  const drop = below(nose);
  // On a flat sheet of paper the nose stays on the line between eyes and mouth, however the sheet is turned.
  const aside = along(nose) - (along(mouth) * drop) / Math.max(below(mouth), 1e-6);
  return { yaw: degrees(Math.atan(aside / size / REACH)), size, drop, centre };
}

/**
 * Whether poses are the moves that were asked for, of the head in `reference`, which looks straight ahead.
 * @param {string[]} steps left, right, closer
 * @param {(object|null)[]} poses one for each step; null: not exactly one face
 */
export function judge(steps, reference, poses) {
  if (!poses.length) return "not_run";
  if (poses.length !== steps.length || Math.abs(reference.yaw) > RULES.straight) return "failed";
  const made = steps.every((step, n) => {
    const [before, pose] = [n ? poses[n - 1] : reference, poses[n]];
    return before && pose && goesOn(before, pose) && shows(step, reference, pose);
  });
  return made ? "passed" : "failed";
}

function shows(step, reference, pose) {
  const sameHead = Math.abs(shapeOf(pose) / Math.max(shapeOf(reference), 1e-6) - 1) <= RULES.shape;
  const larger = Math.abs(pose.drop) / Math.max(Math.abs(reference.drop), 1e-6);
  const grown = pose.size / reference.size;
  if (step === "closer") return sameHead && Math.abs(pose.yaw) <= RULES.straight && Math.min(larger, grown) >= RULES.closer;
  const turned = step === "left" ? pose.yaw : -pose.yaw;
  // A bent photograph shows a turn as well, but only when it is turned so far that its eyes come together.
  const wide = grown / Math.max(larger, 1e-6) >= RULES.narrower * Math.cos((pose.yaw * Math.PI) / 180);
  return turned >= RULES.turned && wide && sameHead;
}

/** The ratio (eyes to nose) / (eye to eye), corrected for yaw. */
const shapeOf = ({ drop, yaw, size }) => (Math.abs(drop) * Math.cos((yaw * Math.PI) / 180)) / size;

/** Whether a face could have moved from one picture to the next: no jump in place or size. */
function goesOn(before, after) {
  const width = 2.2 * Math.max(before.size, after.size);
  const distance = Math.hypot(after.centre[0] - before.centre[0], after.centre[1] - before.centre[1]);
  const grown = after.size / before.size;
  return distance <= RULES.drift * width && grown >= 0.5 && grown <= 2;
}
