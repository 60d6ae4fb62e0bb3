// Pictures in memory: {width, height, channels, data}, row by row; in colour as a canvas gives them (red, green, blue and a
// fourth byte that nobody reads), or grey. Every step gives the bytes that OpenCV gives at the server: tests compare both.

const COLOURS = 4; // bytes of a pixel
const BLUE_GREEN_RED = [2, 1, 0]; // the order in which the networks take colours
const EVEN_BYTES = 0x00ff00ff; // of the four of a pixel

/** A canvas's picture. */
export function fromCanvas({ width, height, data }) {
  return { width, height, channels: COLOURS, data };
}

/** A number in the middle between two goes to the even one. */
export function rounded(value) {
  const low = Math.floor(value);
  const part = value - low;
  if (part !== 0.5) return part < 0.5 ? low : low + 1;
  return low % 2 ? low + 1 : low;
}

/** Corners [x0, y0, x1, y1] as whole pixels within a picture. */
export function inside([x0, y0, x1, y1], width, height) {
  const within = (value, most) => Math.min(Math.max(value, 0), most);
  return [within(Math.floor(x0), width), within(Math.floor(y0), height), within(Math.ceil(x1), width), within(Math.ceil(y1), height)];
}

/** The part of a picture between two corners in whole pixels, as a copy. */
export function cropped({ width, channels, data }, [x0, y0, x1, y1]) {
  const row = (x1 - x0) * channels;
  const out = new Uint8Array(row * (y1 - y0));
  for (let y = y0, to = 0; y < y1; y += 1, to += row) {
    const from = (y * width + x0) * channels;
    out.set(data.subarray(from, from + row), to);
  }
  return { width: x1 - x0, height: y1 - y0, channels, data: out };
}

/** As grey, by the weights of Rec. 601 in whole numbers. */
export function grey({ width, height, data }) {
  const out = new Uint8Array(width * height);
  for (let to = 0, from = 0; to < out.length; to += 1, from += COLOURS) {
    out[to] = (data[from] * 9798 + data[from + 1] * 19235 + data[from + 2] * 3735 + 16384) >> 15;
  }
  return { width, height, channels: 1, data: out };
}

/** Half as wide and as high: each pixel the mean of four. */
function halved(picture) {
  return picture.channels === COLOURS ? halvedInColour(picture) : halvedGrey(picture);
}

function halvedGrey({ width, height, data }) {
  const [columns, rows] = [width / 2, height / 2];
  const out = new Uint8Array(columns * rows);
  for (let to = 0, y = 0; y < rows; y += 1) {
    for (let x = 0, from = 2 * y * width; x < columns; x += 1, from += 2) {
      out[to++] = (data[from] + data[from + 1] + data[from + width] + data[from + width + 1] + 2) >> 2;
    }
  }
  return { width: columns, height: rows, channels: 1, data: out };
}

/** Two colours at a time: a whole pixel is one number, and the sum of four bytes needs ten bits. */
function halvedInColour({ width, height, data }) {
  const [columns, rows] = [width / 2, height / 2];
  const pixels = new Uint32Array(data.buffer, data.byteOffset, width * height);
  const out = new Uint32Array(columns * rows);
  const half = 0x00020002;
  for (let to = 0, y = 0; y < rows; y += 1) {
    for (let x = 0, from = 2 * y * width; x < columns; x += 1, from += 2) {
      const one = pixels[from];
      const two = pixels[from + 1];
      const three = pixels[from + width];
      const four = pixels[from + width + 1];
      const even = (one & EVEN_BYTES) + (two & EVEN_BYTES) + (three & EVEN_BYTES) + (four & EVEN_BYTES) + half;
      const odd = ((one >>> 8) & EVEN_BYTES) + ((two >>> 8) & EVEN_BYTES) + ((three >>> 8) & EVEN_BYTES) + ((four >>> 8) & EVEN_BYTES) + half;
      out[to++] = ((even >>> 2) & EVEN_BYTES) | (((odd >>> 2) & EVEN_BYTES) << 8);
    }
  }
  return { width: columns, height: rows, channels: COLOURS, data: new Uint8Array(out.buffer) };
}

/** Which old pixels each of `to` new ones covers, and which share of it each of them is: [[first, shares], ...]. */
function covers(from, to) {
  const scale = from / to;
  return Array.from({ length: to }, (_, place) => {
    const [begin, end] = [place * scale, (place + 1) * scale];
    const [first, last] = [Math.floor(begin + 1e-3), Math.min(Math.ceil(end - 1e-3), from)];
    const parts = [];
    for (let one = first; one < last; one += 1) parts.push(Math.min(end, one + 1) - Math.max(begin, one));
    const whole = parts.reduce((sum, part) => sum + part, 0);
    return [first, Float64Array.from(parts, (part) => part / whole)];
  });
}

/** The picture at another, smaller size: each pixel the mean of the area that it covers. */
function byArea({ width, height, channels, data }, columns, rows) {
  const across = covers(width, columns);
  const line = columns * channels;
  const narrow = new Float64Array(line * height);
  for (let y = 0, to = 0; y < height; y += 1) {
    for (let x = 0; x < columns; x += 1, to += channels) {
      const [first, shares] = across[x];
      let from = (y * width + first) * channels;
      for (let n = 0; n < shares.length; n += 1, from += channels) {
        for (let c = 0; c < channels; c += 1) narrow[to + c] += shares[n] * data[from + c];
      }
    }
  }
  const out = new Uint8Array(line * rows);
  covers(height, rows).forEach(([first, shares], y) => {
    const sums = new Float64Array(line);
    for (let n = 0, from = first * line; n < shares.length; n += 1, from += line) {
      for (let x = 0; x < line; x += 1) sums[x] += shares[n] * narrow[from + x];
    }
    for (let x = 0; x < line; x += 1) out[y * line + x] = rounded(sums[x]);
  });
  return { width: columns, height: rows, channels, data: out };
}

/** The picture at (columns, rows), halved as long as that goes. */
export function shrink(picture, columns, rows) {
  let small = picture;
  while (small.height >= 2 * rows && small.width >= 2 * columns && small.height % 2 === 0 && small.width % 2 === 0) {
    small = halved(small);
  }
  return small.width === columns && small.height === rows ? small : byArea(small, columns, rows);
}

/** Shrunk in one step, by halves where it is exactly that. */
export function shrinkOnce(picture, columns, rows) {
  return picture.width === 2 * columns && picture.height === 2 * rows ? halved(picture) : byArea(picture, columns, rows);
}

/**
 * Shrunk by the largest power of two up to `most`, so that a warp to a small size skips no pixels.
 * @returns {[picture, factor]}
 */
export function shrinkByPowerOfTwo(picture, most) {
  const factor = Math.min(2 ** Math.floor(Math.log2(Math.max(most, 1))), picture.width, picture.height);
  if (factor === 1) return [picture, 1];
  const [columns, rows] = [Math.floor(picture.width / factor), Math.floor(picture.height / factor)];
  return [shrink(cropped(picture, [0, 0, columns * factor, rows * factor]), columns, rows), factor];
}

/** The numbers that a network takes: one plane for each colour, in a field of (columns, rows) that is black beyond. */
export function planes({ width, height, data }, columns = width, rows = height) {
  const out = new Float32Array(BLUE_GREEN_RED.length * rows * columns);
  BLUE_GREEN_RED.forEach((colour, plane) => {
    for (let y = 0; y < height; y += 1) {
      let from = y * width * COLOURS + colour;
      let to = (plane * rows + y) * columns;
      for (let x = 0; x < width; x += 1, from += COLOURS) out[to++] = data[from];
    }
  });
  return out;
}
