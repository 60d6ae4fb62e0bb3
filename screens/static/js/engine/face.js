// One detected face: {box: [x, y, width, height], landmarks: [[x, y], ...], score, covered}, in pixels of a picture.
// The landmarks are left eye, right eye, tip of the nose, left and right corner of the mouth, as the picture shows them.

export const areaOf = ({ box }) => box[2] * box[3];

/** Pixels between the eyes. */
export function eyeDistance({ landmarks: [left, right] }) {
  return Math.hypot(right[0] - left[0], right[1] - left[1]);
}

/** Degrees by which the head is turned to either side: the nose moves, and the eyes come together. */
export function yawOf({ landmarks: [left, right, nose] }) {
  const [x, y] = [right[0] - left[0], right[1] - left[1]];
  const square = x * x + y * y;
  if (square < 1e-12) return 90;
  const offset = (nose[0] - (left[0] + right[0]) / 2) * x + (nose[1] - (left[1] + right[1]) / 2) * y;
  return degrees(Math.atan(Math.abs(offset / square) / 0.6));
}

export const degrees = (radians) => (radians * 180) / Math.PI;

/** The face in a picture whose origin is at (-dx, -dy) of this one. */
export function moved({ box: [x, y, w, h], landmarks, ...rest }, dx, dy) {
  return { ...rest, box: [x + dx, y + dy, w, h], landmarks: landmarks.map(([left, top]) => [left + dx, top + dy]) };
}

/** The face in a picture whose pixels are factor x factor pixels of this one. */
export function shrunk({ box, landmarks, ...rest }, factor) {
  const point = (place) => (place + 0.5) / factor - 0.5;
  return { ...rest, box: box.map((value) => value / factor), landmarks: landmarks.map(([x, y]) => [point(x), point(y)]) };
}

/** Whether two boxes share a pixel. */
export function overlap(a, b) {
  return a[0] < b[0] + b[2] && b[0] < a[0] + a[2] && a[1] < b[1] + b[3] && b[1] < a[1] + a[3];
}

/** How much two boxes have in common: 0 to 1. */
export function sharedShare(a, b) {
  const across = Math.max(Math.min(a[0] + a[2], b[0] + b[2]) - Math.max(a[0], b[0]), 0);
  const down = Math.max(Math.min(a[1] + a[3], b[1] + b[3]) - Math.max(a[1], b[1]), 0);
  const both = across * down;
  return both / Math.max(a[2] * a[3] + b[2] * b[3] - both, 1e-9);
}
