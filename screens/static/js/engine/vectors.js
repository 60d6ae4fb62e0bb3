// Vectors of faces: at unit length, and as whole numbers of a byte with a scale, as they are sent.

const MOST = 127;

/** @throws {RangeError} a zero, or a number that is not finite */
export function unit(vector) {
  const length = Math.sqrt(Float64Array.from(vector, (value) => value * value).reduce((sum, square) => sum + square, 0));
  if (!Number.isFinite(length) || length < 1e-6) throw new RangeError("a face vector is zero or not finite");
  return vector.map((value) => value / length);
}

/** The product of two unit vectors: 1 for the same. */
export const cosine = (one, other) => one.reduce((sum, value, n) => sum + value * other[n], 0);

/** @returns {{numbers: Int8Array, scale: number}} a number times the scale is the value */
export function inBytes(vector) {
  const scale = Math.fround(vector.reduce((most, value) => Math.max(most, Math.abs(value)), 0) / MOST);
  return { numbers: Int8Array.from(vector, (value) => Math.max(-MOST, Math.min(MOST, Math.round(value / scale)))), scale };
}
