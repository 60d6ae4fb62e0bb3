// A QR code drawn in the page, so that a receipt needs neither a line nor a server: bytes, error correction L,
// versions 1 to 15 (ISO/IEC 18004). Pure functions.

/** Of each version: codewords for correction in a block, and the data codewords of each block. */
const BLOCKS = [
  [7, [19]], [10, [34]], [15, [55]], [20, [80]], [26, [108]], [18, [68, 68]], [20, [78, 78]], [24, [97, 97]],
  [30, [116, 116]], [18, [68, 68, 69, 69]], [20, [81, 81, 81, 81]], [24, [92, 92, 93, 93]], [26, [107, 107, 107, 107]],
  [30, [115, 115, 115, 116]], [22, [87, 87, 87, 87, 87, 88]],
];
const ALIGNED = [
  [], [6, 18], [6, 22], [6, 26], [6, 30], [6, 34], [6, 22, 38], [6, 24, 42], [6, 26, 46], [6, 28, 50], [6, 30, 54],
  [6, 32, 58], [6, 34, 62], [6, 26, 46, 66], [6, 26, 48, 70],
];
const MASKS = [
  (x, y) => (x + y) % 2, (x, y) => y % 2, (x) => x % 3, (x, y) => (x + y) % 3,
  (x, y) => (Math.floor(x / 3) + Math.floor(y / 2)) % 2, (x, y) => ((x * y) % 2) + ((x * y) % 3),
  (x, y) => (((x * y) % 2) + ((x * y) % 3)) % 2, (x, y) => (((x + y) % 2) + ((x * y) % 3)) % 2,
];

const sum = (numbers) => numbers.reduce((total, one) => total + one, 0);

/** The most bytes that a code here can hold. */
export const MOST_BYTES = sum(BLOCKS.at(-1)[1]) - 3;

/**
 * The modules of a text as rows of booleans, true is dark.
 * @throws {RangeError} a text of more than MOST_BYTES bytes
 */
export function qrModules(text) {
  const bytes = new TextEncoder().encode(text);
  const version = 1 + BLOCKS.findIndex(([, blocks], k) => bytes.length + (k < 9 ? 2 : 3) <= sum(blocks));
  if (!version) throw new RangeError(`${bytes.length} bytes are too many for a QR code of this size`);
  const codewords = interleaved(version, dataOf(version, bytes));
  const codes = MASKS.map((mask, number) => drawn(version, codewords, mask, number));
  return codes.reduce((best, one) => (penalty(one) < penalty(best) ? one : best));
}

/** The same as one SVG element, with its quiet zone. */
export function qrSvg(text) {
  const rows = qrModules(text);
  const path = rows.flatMap((row, y) => row.map((dark, x) => (dark ? `M${x + 4} ${y + 4}h1v1h-1z` : ""))).join("");
  const size = rows.length + 8;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${size} ${size}" shape-rendering="crispEdges">`
    + `<path fill="#fff" d="M0 0h${size}v${size}H0z"/><path d="${path}"/></svg>`;
}

/** Mode, length, bytes, end and padding, as bytes. */
function dataOf(version, bytes) {
  const length = sum(BLOCKS[version - 1][1]);
  const bits = [4, bytes.length, ...bytes].map((value, k) =>
    value.toString(2).padStart(k === 0 ? 4 : k === 1 && version > 9 ? 16 : 8, "0")).join("");
  const ended = (bits + "0000").slice(0, length * 8);
  const whole = ended.padEnd(Math.ceil(ended.length / 8) * 8, "0").match(/.{8}/g).map((byte) => parseInt(byte, 2));
  return [...whole, ...Array.from({ length: length - whole.length }, (_, k) => (k % 2 ? 0x11 : 0xec))];
}

/** The blocks with their correction, one byte of each in turn. */
function interleaved(version, data) {
  const [correction, sizes] = BLOCKS[version - 1];
  let start = 0;
  const blocks = sizes.map((size) => data.slice(start, (start += size)));
  const checks = blocks.map((block) => remainder(block, divisor(correction)));
  const turn = (lists) => Array.from({ length: Math.max(...lists.map(({ length }) => length)) }, (_, k) =>
    lists.map((list) => list[k]).filter((byte) => byte !== undefined)).flat();
  return [...turn(blocks), ...turn(checks)];
}

/** The product in GF(2^8) modulo x^8 + x^4 + x^3 + x^2 + 1. */
function times(a, b) {
  let product = 0;
  for (let bit = 7; bit >= 0; bit -= 1) {
    product = (product << 1) ^ ((product >> 7) * 0x11d);
    product ^= ((b >> bit) & 1) * a;
  }
  return product;
}

function divisor(degree) {
  const made = [...Array(degree - 1).fill(0), 1];
  let root = 1;
  for (let k = 0; k < degree; k += 1) {
    for (let j = 0; j < degree; j += 1) made[j] = times(made[j], root) ^ (made[j + 1] || 0);
    root = times(root, 2);
  }
  return made;
}

function remainder(data, by) {
  const left = by.map(() => 0);
  for (const byte of data) {
    const factor = byte ^ left.shift();
    left.push(0);
    by.forEach((one, k) => (left[k] ^= times(one, factor)));
  }
  return left;
}

function drawn(version, codewords, mask, number) {
  const size = version * 4 + 17;
  const code = Array.from({ length: size }, () => Array(size).fill(null));
  const set = (x, y, dark) => x >= 0 && y >= 0 && x < size && y < size && (code[y][x] = Boolean(dark));
  for (let k = 0; k < size; k += 1) {
    set(6, k, k % 2 === 0);
    set(k, 6, k % 2 === 0);
  }
  for (const [cx, cy] of [[3, 3], [size - 4, 3], [3, size - 4]]) square(cx, cy, 4, (far) => far !== 2 && far !== 4, set);
  alignments(version).forEach(([cx, cy]) => square(cx, cy, 2, (far) => far !== 1, set));
  formats(size, number, set);
  if (version > 6) versions(size, version, set);
  fill(code, codewords, mask);
  return code;
}

function square(cx, cy, reach, isDark, set) {
  for (let dy = -reach; dy <= reach; dy += 1) {
    for (let dx = -reach; dx <= reach; dx += 1) set(cx + dx, cy + dy, isDark(Math.max(Math.abs(dx), Math.abs(dy))));
  }
}

/** The middles of the small squares: none on the three large ones. */
function alignments(version) {
  const places = ALIGNED[version - 1];
  const [first, last] = [places[0], places.at(-1)];
  const corner = (x, y) => [[first, first], [first, last], [last, first]].some(([cx, cy]) => x === cx && y === cy);
  return places.flatMap((x) => places.map((y) => [x, y])).filter(([x, y]) => !corner(x, y));
}

/** A value with the remainder of its division behind it. */
function checked(value, degree, generator) {
  let rest = value;
  for (let k = 0; k < degree; k += 1) rest = (rest << 1) ^ ((rest >> (degree - 1)) * generator);
  return (value << degree) | rest;
}

function formats(size, number, set) {
  const bits = checked((1 << 3) | number, 10, 0x537) ^ 0x5412; // 01: correction L
  const bit = (k) => (bits >> k) & 1;
  for (let k = 0; k < 6; k += 1) set(8, k, bit(k));
  for (const [x, y, k] of [[8, 7, 6], [8, 8, 7], [7, 8, 8]]) set(x, y, bit(k));
  for (let k = 9; k < 15; k += 1) set(14 - k, 8, bit(k));
  for (let k = 0; k < 8; k += 1) set(size - 1 - k, 8, bit(k));
  for (let k = 8; k < 15; k += 1) set(8, size - 15 + k, bit(k));
  set(8, size - 8, true);
}

function versions(size, version, set) {
  const bits = checked(version, 12, 0x1f25);
  for (let k = 0; k < 18; k += 1) {
    const [a, b] = [size - 11 + (k % 3), Math.floor(k / 3)];
    set(a, b, (bits >> k) & 1);
    set(b, a, (bits >> k) & 1);
  }
}

/** The codewords in pairs of columns from the right, up and down in turn; what is set already stays. */
function fill(code, codewords, mask) {
  const size = code.length;
  let at = 0;
  for (let right = size - 1; right > 0; right -= 2) {
    if (right === 6) right = 5; // the column of the timing pattern
    const upward = ((right + 1) & 2) === 0;
    for (let step = 0; step < size; step += 1) {
      const y = upward ? size - 1 - step : step;
      for (const x of [right, right - 1]) {
        if (code[y][x] !== null) continue;
        const bit = ((codewords[at >> 3] ?? 0) >> (7 - (at & 7))) & 1;
        code[y][x] = Boolean(bit) !== (mask(x, y) === 0);
        at += 1;
      }
    }
  }
}

/** How hard a code is to read: long runs of one colour, and too much of one. */
function penalty(code) {
  const columns = code.map((_, x) => code.map((row) => row[x]));
  const runs = [...code, ...columns].map((line) => line.map((dark) => (dark ? "1" : "0")).join(""));
  const long = sum(runs.flatMap((line) => (line.match(/0{5,}|1{5,}/g) || []).map((run) => run.length - 2)));
  const like = runs.filter((line) => /10111010000|00001011101/.test(line)).length * 40;
  const dark = sum(code.flat().map(Number)) / code.length ** 2;
  return long + like + Math.floor(Math.abs(dark - 0.5) * 20) * 10;
}
