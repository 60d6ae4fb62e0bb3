// The message in which a device sends vectors in place of pictures, as bytes: docs/api/vectors.md. Numbers are
// little-endian. All messages of one purpose and engine pack have one size, whatever they hold.

import { joined, utf8 } from "./bytes.js";

const VERSION = 1;
const PURPOSES = ["recognise", "enrol", "opt_out", "add_face"];
const SLOTS = Object.freeze({ recognise: 3, opt_out: 3, enrol: 4, add_face: 4 }); // vectors that there is room for
const WITH_TWINS = ["enrol", "add_face"];
const MOVES = ["", "left", "right", "closer"];
const LIVENESS = ["not_run", "passed", "failed"];
const COVERS = ["none", "mask", "sunglasses"];
const [HEAD, CLAIMS, SCALE, PACK] = [8, 12, 4, 32]; // bytes
const [TENTHS, HUNDREDTHS] = [10, 100];

/** What a message is bound to: HPKE's `info`, and the beginning of what is signed. */
export function boundText({ purpose, pack, device, nonce }) {
  return utf8(["usual-vectors-1", purpose, pack, device, nonce].join("\n"));
}

/** The header: what the server needs to know before it opens the seal. */
export function headerOf(purpose, keyId, pack) {
  const name = utf8(pack);
  if (name.length > PACK) throw new RangeError(`the name of the pack ${pack} is too long for a message`);
  const padded = joined(name, new Uint8Array(PACK - name.length));
  return joined(utf8("uvec"), [VERSION, 1 + PURPOSES.indexOf(purpose), 0, 0], keyId, padded);
}

/**
 * What is sealed, always as many bytes.
 * @param {{vectors, scales, claims, masked?}} look of `Press.look`; `masked` are vectors with a mask drawn over the face
 * @param {{purpose: string, size: number, masks: boolean}} shape numbers of a vector, and whether the pack has masks
 */
export function contentOf({ vectors, scales, claims, masked = [] }, { purpose, size, masks }) {
  if (!vectors.length || vectors.length > SLOTS[purpose]) throw new RangeError(`${vectors.length} vectors for ${purpose}`);
  if ([...vectors, ...masked.map(({ numbers }) => numbers)].some(({ length }) => length !== size)) throw new RangeError("a vector of another pack");
  const room = masks && WITH_TWINS.includes(purpose);
  const twins = room && masked.length === vectors.length;
  const { moves, liveness, qualities } = claims;
  const steps = [...moves.map((move) => MOVES.indexOf(move)), 0, 0, 0, 0].slice(0, 4);
  const parts = [[vectors.length, moves.length, LIVENESS.indexOf(liveness), Number(twins), ...steps]];
  vectors.forEach((numbers, n) => {
    parts.push(claimsOf(qualities[n]), vectorOf(numbers, scales[n]));
    if (twins) parts.push(vectorOf(masked[n].numbers, masked[n].scale));
    else if (room) parts.push(new Uint8Array(SCALE + size));
  });
  const whole = HEAD + SLOTS[purpose] * (CLAIMS + (SCALE + size) * (room ? 2 : 1));
  const content = joined(...parts);
  return joined(content, new Uint8Array(whole - content.length));
}

function vectorOf(numbers, scale) {
  const head = new DataView(new ArrayBuffer(SCALE));
  head.setFloat32(0, scale, true);
  return joined(new Uint8Array(head.buffer), new Uint8Array(Int8Array.from(numbers).buffer));
}

function claimsOf({ faces, cover, eyeDistance, yaw, sharpness, brightness, contrast }) {
  const out = new DataView(new ArrayBuffer(CLAIMS));
  out.setUint8(0, Math.min(255, faces));
  out.setUint8(1, COVERS.indexOf(cover));
  const hundredths = [yaw, sharpness, brightness, contrast].map((value) => value * HUNDREDTHS);
  [eyeDistance * TENTHS, ...hundredths].forEach((value, n) => out.setUint16(2 + 2 * n, Math.min(65535, Math.round(value)), true));
  return new Uint8Array(out.buffer);
}
