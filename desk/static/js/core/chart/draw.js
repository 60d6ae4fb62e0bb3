// What every chart is made of: marks, round ticks, and labels that are measured before they are drawn.

const SVG = "http://www.w3.org/2000/svg";
const FONT = "14px system-ui, sans-serif"; // as in desk.css
export const LINE = 18;

const paper = document.createElement("canvas").getContext("2d");

// Width of a text in pixels.
export function widthOf(text, strong = false) {
  paper.font = strong ? `700 ${FONT}` : FONT;
  return paper.measureText(String(text)).width;
}

export function mark(kind, attributes = {}, text) {
  const made = document.createElementNS(SVG, kind);
  for (const [name, value] of Object.entries(attributes)) if (value !== undefined) made.setAttribute(name, value);
  if (text !== undefined) made.textContent = text;
  return made;
}

export const canvas = (width, height) => mark("svg", { viewBox: `0 0 ${width} ${height}`, width, height, "aria-hidden": "true" });

// The text in lines that fit into `room` pixels, at most `most` lines; a word that is too long is shortened with an ellipsis.
export function wrapped(text, room, { most = 2, strong = false } = {}) {
  const fits = (line) => widthOf(line, strong) <= room;
  if (fits(text)) return [text];
  // Languages without spaces break between any two characters.
  const words = /\s/.test(text) ? text.split(/\s+/) : [...text];
  const between = /\s/.test(text) ? " " : "";
  const lines = [""];
  for (const word of words) {
    const longer = lines.at(-1) ? lines.at(-1) + between + word : word;
    if (fits(longer) || !lines.at(-1)) lines[lines.length - 1] = longer;
    else lines.push(word);
  }
  if (lines.length > most) lines.splice(most - 1, lines.length, lines.slice(most - 1).join(between));
  return lines.map((line) => shortened(line, room, strong));
}

export function shortened(text, room, strong = false) {
  if (widthOf(text, strong) <= room) return text;
  let kept = [...text];
  while (kept.length > 1 && widthOf(`${kept.join("")}…`, strong) > room) kept = kept.slice(0, -1);
  return `${kept.join("")}…`;
}

// A label of one or more lines; `y` is the middle of all of them. Its whole text is in its title.
export function label(text, { x, y, room, anchor = "start", className = "", most = 2, strong = false }) {
  const lines = wrapped(String(text), room, { most, strong });
  const made = mark("text", { "text-anchor": anchor, class: `${className}${strong ? " strong" : ""}` });
  lines.forEach((line, at) => made.append(mark("tspan", { x, y: y + 5 + (at - (lines.length - 1) / 2) * LINE }, line)));
  if (lines.join("").length < String(text).replaceAll(/\s/g, "").length || lines.some((line) => line.endsWith("…"))) made.append(mark("title", {}, text));
  return made;
}

// About `count` round numbers that cover low..high.
export function ticks(low, high, count = 5) {
  const span = high - low || Math.abs(high) || 1;
  const raw = span / Math.max(count, 1);
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 2.5, 5, 10].map((one) => one * power).find((one) => one >= raw * 0.999);
  const found = [];
  for (let at = Math.ceil(low / step - 1e-9); at * step <= high + step * 1e-9; at += 1) found.push(at === 0 ? 0 : at * step);
  return found;
}

// low..high of these values, with zero unless `free`; widened to round numbers.
export function reach(values, { free = false, count = 5 } = {}) {
  const known = values.filter((one) => Number.isFinite(one));
  let low = Math.min(...known, ...(free ? [] : [0]));
  let high = Math.max(...known, ...(free ? [] : [0]));
  if (!known.length) [low, high] = [0, 1];
  if (low === high) [low, high] = low === 0 ? [0, 1] : [Math.min(0, low * 1.2), Math.max(0, high * 1.2)];
  const found = ticks(low, high, count);
  const step = found.length > 1 ? found[1] - found[0] : high - low;
  return [Math.floor(low / step + 1e-9) * step, Math.ceil(high / step - 1e-9) * step];
}

// Labels along the bottom, as many as fit without touching. spots: [{ x, text }]
export function axis(spots, { y, width, className = "tick" }) {
  const made = [];
  let taken = -Infinity;
  const last = spots.at(-1);
  const box = ({ x, text }) => {
    const half = widthOf(text) / 2;
    const middle = Math.min(Math.max(x, half + 2), width - half - 2);
    return { from: middle - half, to: middle + half, middle };
  };
  const end = last ? box(last).from - 12 : Infinity;
  for (const spot of spots) {
    const { from, to, middle } = box(spot);
    if (from < taken + 12 || (spot !== last && to > end)) continue;
    made.push(mark("text", { x: middle, y, "text-anchor": "middle", class: className }, spot.text));
    taken = to;
  }
  return made;
}
