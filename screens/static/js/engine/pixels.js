// Pictures in memory: {width, height, channels, data}, row by row. Colours stand as blue, green, red, as the networks
// take them. Every step gives the bytes that OpenCV gives at the server: tests compare the two.

/** A canvas's picture (red, green, blue, alpha) without its alpha. */
export function fromCanvas({ width, height, data }) {
  const out = new Uint8Array(width * height * 3);
  for (let from = 0, to = 0; to < out.length; from += 4, to += 3) {
    out[to] = data[from + 2];
    out[to + 1] = data[from + 1];
    out[to + 2] = data[from];
  }
  return { width, height, channels: 3, data: out };
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
  for (let to = 0, from = 0; to < out.length; to += 1, from += 3) {
    out[to] = (data[from] * 3735 + data[from + 1] * 19235 + data[from + 2] * 9798 + 16384) >> 15;
  }
  return { width, height, channels: 1, data: out };
}

/** Half as wide and as high: each pixel the mean of four. */
function halved({ width, height, channels, data }) {
  const [columns, rows, line] = [width / 2, height / 2, width * channels];
  const out = new Uint8Array(columns * rows * channels);
  let to = 0;
  for (let y = 0; y < rows; y += 1) {
    for (let x = 0; x < columns; x += 1) {
      const from = 2 * (y * line + x * channels);
      for (let c = from; c < from + channels; c += 1) {
        out[to++] = (data[c] + data[c + channels] + data[c + line] + data[c + line + channels] + 2) >> 2;
      }
    }
  }
  return { width: columns, height: rows, channels, data: out };
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
    return [first, parts.map((part) => part / whole)];
  });
}

/** The picture at another, smaller size: each pixel the mean of the area that it covers. */
function byArea({ width, height, channels, data }, columns, rows) {
  const across = covers(width, columns);
  const narrow = new Float32Array(columns * height * channels);
  for (let y = 0, to = 0; y < height; y += 1) {
    for (const [first, shares] of across) {
      for (let c = 0; c < channels; c += 1, to += 1) {
        let from = (y * width + first) * channels + c;
        let sum = 0;
        for (const share of shares) {
          sum += share * data[from];
          from += channels;
        }
        narrow[to] = sum;
      }
    }
  }
  const [out, line] = [new Uint8Array(columns * rows * channels), columns * channels];
  covers(height, rows).forEach(([first, shares], y) => {
    for (let x = 0; x < line; x += 1) {
      const sum = shares.reduce((total, share, n) => total + share * narrow[(first + n) * line + x], 0);
      out[y * line + x] = rounded(sum);
    }
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
export function planes({ width, height, channels, data }, columns = width, rows = height) {
  const out = new Float32Array(channels * rows * columns);
  for (let c = 0; c < channels; c += 1) {
    for (let y = 0; y < height; y += 1) {
      let from = y * width * channels + c;
      let to = (c * rows + y) * columns;
      for (let x = 0; x < width; x += 1, from += channels) out[to++] = data[from];
    }
  }
  return out;
}
