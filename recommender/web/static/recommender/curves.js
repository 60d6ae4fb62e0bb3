// Charts of values with their uncertainty, in units of the currency. Colour is never the only sign: lines are named.
import { mark } from "./figures.js";

const LEFT = 64;

// Minor units as money: 1234 -> "12.34", with a sign if `signed`.
export function money(minor, signed = false) {
  if (typeof minor !== "number") return "–";
  const text = (Math.abs(minor) / 100).toLocaleString(undefined, { minimumFractionDigits: 2, maximumFractionDigits: 2 });
  const sign = /^[0.,]*$/.test(text) ? "" : minor < 0 ? "−" : signed ? "+" : "";
  return sign + text;
}

function room(width) {
  return Math.min(Math.max(width || 720, 300), 900); // drawn at its real size: text stays readable on a phone
}

// About `count` round numbers that cover low..high.
export function ticks(low, high, count = 5) {
  const span = high - low || 1;
  const raw = span / count;
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 2.5, 5, 10].map((one) => one * power).find((one) => one >= raw);
  const found = [];
  for (let at = Math.ceil(low / step) * step; at <= high + step / 1e6; at += step) found.push(Math.abs(at) < step / 1e6 ? 0 : at);
  return found;
}

function canvas(width, height, label) {
  return mark("svg", { viewBox: `0 0 ${width} ${height}`, width, height, role: "img", "aria-label": label });
}

// Horizontal grid lines with their amounts at the left; the line at zero is drawn stronger.
function grid(svg, low, high, y, width, right) {
  for (const value of ticks(low, high)) {
    svg.append(
      mark("line", { x1: LEFT, x2: width - right, y1: y(value), y2: y(value), class: value === 0 ? "zero" : "grid" }),
      mark("text", { x: LEFT - 8, y: y(value) + 5, "text-anchor": "end", class: "tick" }, money(value, true)),
    );
  }
}

// A difference over time with its always-valid confidence interval; `zero` is the text at the zero line.
// rows: {until, difference, low, high}
export function ribbon(rows, { label, zero, width }) {
  const wide = room(width);
  const [height, top, bottom, right] = [300, 24, 34, 74];
  const last = rows[rows.length - 1];
  const shown = rows.map((row) => row.difference);
  const reach = Math.max(...shown.map(Math.abs), Math.abs(last.low), Math.abs(last.high)) * 1.6; // early intervals run out of the picture
  const high = Math.min(Math.max(0, ...rows.map((row) => row.high)), reach);
  const low = Math.max(Math.min(0, ...rows.map((row) => row.low)), -reach);
  const x = (at) => LEFT + ((wide - LEFT - right) * at) / Math.max(rows.length - 1, 1);
  const y = (value) => top + ((height - top - bottom) * (high - Math.min(Math.max(value, low), high))) / (high - low || 1);
  const svg = canvas(wide, height, label);
  grid(svg, low, high, y, wide, right);
  const upper = rows.map((row, at) => `${x(at)},${y(row.high)}`);
  const lower = rows.map((row, at) => `${x(at)},${y(row.low)}`).reverse();
  svg.append(mark("polygon", { points: [...upper, ...lower].join(" "), class: "band" }));
  svg.append(mark("polyline", { points: rows.map((row, at) => `${x(at)},${y(row.difference)}`).join(" "), class: "line" }));
  svg.append(mark("circle", { cx: x(rows.length - 1), cy: y(last.difference), r: 4.5, class: "dot" }));
  svg.append(mark("text", { x: x(rows.length - 1) + 9, y: y(last.difference) + 5, class: "strong result" }, money(last.difference, true)));
  svg.append(mark("text", { x: LEFT + 4, y: y(0) - 6, class: "quiet-text" }, zero));
  const every = Math.max(1, Math.ceil(rows.length / (wide < 560 ? 3 : 6)));
  rows.forEach((row, at) => {
    if (at % every && at !== rows.length - 1) return;
    if (at !== rows.length - 1 && rows.length - 1 - at < every * 0.7) return; // it would touch the last one
    const day = new Date(row.until).toLocaleDateString(undefined, { day: "numeric", month: "short" });
    svg.append(mark("text", { x: x(at), y: height - 10, "text-anchor": "middle", class: "tick" }, day));
  });
  return svg;
}

// Policies with their value and interval, best first. rows: {policy, value, low, high, other, warning, strong}
export function intervals(rows, { label, width }) {
  const wide = room(width);
  const [step, top, names] = [32, 30, wide < 560 ? 120 : 210];
  const [low, high] = [Math.min(...rows.map((row) => row.low)), Math.max(...rows.map((row) => row.high))];
  const [from, until] = [names + 14, wide - 92];
  const x = (value) => from + ((until - from) * (value - low)) / (high - low || 1);
  const height = top + step * rows.length + 8;
  const svg = canvas(wide, height, label);
  for (const value of ticks(low, high, wide < 560 ? 2 : 5)) {
    svg.append(mark("line", { x1: x(value), x2: x(value), y1: top - 6, y2: height - 6, class: "grid" }));
    svg.append(mark("text", { x: x(value), y: top - 12, "text-anchor": "middle", class: "tick" }, money(value)));
  }
  rows.forEach((row, at) => {
    const y = top + step * at + step / 2;
    const strong = row.strong ? "strong" : "";
    const most = wide < 560 ? 15 : 27;
    const name = row.policy.length > most ? `${row.policy.slice(0, most - 1)}…` : row.policy;
    svg.append(
      mark("text", { x: names, y: y + 5, "text-anchor": "end", class: strong }, name),
      mark("line", { x1: x(row.low), x2: x(row.high), y1: y, y2: y, class: row.strong ? "span winner-line" : "span" }),
      mark("circle", { cx: x(row.value), cy: y, r: 5.5, class: row.strong ? "dot" : "dot other-dot" }),
      mark("text", { x: until + 12, y: y + 5, class: strong }, money(row.value) + (row.warning ? " (?)" : "")),
    );
    if (typeof row.other === "number" && row.other >= low && row.other <= high) {
      svg.append(mark("rect", { x: x(row.other) - 4, y: y - 4, width: 8, height: 8, class: "hollow" }));
    }
  });
  return svg;
}

// Bars with whiskers, one for each tenth of visits, and a tick at the value that the model predicted.
export function tenths(rows, { label, width }) {
  const wide = room(width);
  const [height, top, bottom, right] = [280, 24, 40, 12];
  const high = Math.max(0, ...rows.map((row) => Math.max(row.high ?? row.gain, row.predicted)));
  const low = Math.min(0, ...rows.map((row) => Math.min(row.low ?? row.gain, row.predicted)));
  const step = (wide - LEFT - right) / rows.length;
  const y = (value) => top + ((height - top - bottom) * (high - value)) / (high - low || 1);
  const svg = canvas(wide, height, label);
  grid(svg, low, high, y, wide, right);
  rows.forEach((row, at) => {
    const x = LEFT + step * at;
    const middle = x + step / 2;
    svg.append(mark("rect", {
      x: x + step * 0.18, width: step * 0.64, y: Math.min(y(row.gain), y(0)), height: Math.max(Math.abs(y(row.gain) - y(0)), 1), rx: 2,
      class: row.gain > 0 ? "winner" : "other",
    }));
    if (typeof row.low === "number") svg.append(mark("line", { x1: middle, x2: middle, y1: y(row.high), y2: y(row.low), class: "whisker" }));
    svg.append(
      mark("line", { x1: x + step * 0.1, x2: x + step * 0.9, y1: y(row.predicted), y2: y(row.predicted), class: "predicted" }),
      mark("text", { x: middle, y: height - 18, "text-anchor": "middle", class: "tick" }, String(row.decile)),
    );
  });
  svg.append(mark("text", { x: LEFT + 4, y: height - 2, class: "quiet-text" }, "most promising tenth first"));
  return svg;
}

// The Qini curve: gain per visit when only the most promising share of visits gets an offer, against a random choice.
export function gained(rows, { label, width }) {
  const wide = room(width);
  const [height, top, bottom, right] = [280, 24, 40, 30];
  const high = Math.max(0, ...rows.map((row) => Math.max(row.gained, row.random)));
  const low = Math.min(0, ...rows.map((row) => Math.min(row.gained, row.random)));
  const x = (share) => LEFT + (wide - LEFT - right) * share;
  const y = (value) => top + ((height - top - bottom) * (high - value)) / (high - low || 1);
  const svg = canvas(wide, height, label);
  grid(svg, low, high, y, wide, right);
  const line = (name) => rows.map((row) => `${x(row.share)},${y(row[name])}`).join(" ");
  const between = [...rows.map((row) => `${x(row.share)},${y(row.gained)}`), ...rows.map((row) => `${x(row.share)},${y(row.random)}`).reverse()];
  svg.append(
    mark("polygon", { points: between.join(" "), class: "band" }),
    mark("polyline", { points: line("random"), class: "line random" }),
    mark("polyline", { points: line("gained"), class: "line" }),
  );
  const at = rows[Math.floor(rows.length * 0.35)];
  svg.append(mark("text", { x: x(at.share) - 6, y: y(at.gained) - 10, "text-anchor": "end", class: "strong" }, "well chosen"));
  const other = rows[Math.floor(rows.length * 0.62)];
  svg.append(mark("text", { x: x(other.share) + 8, y: y(other.random) + 20, class: "baseline-text" }, "at random"));
  for (const share of [0, 0.2, 0.4, 0.6, 0.8, 1]) {
    svg.append(mark("text", { x: x(share), y: height - 18, "text-anchor": "middle", class: "tick" }, `${Math.round(100 * share)} %`));
  }
  svg.append(mark("text", { x: LEFT + 4, y: height - 2, class: "quiet-text" }, "share of visits with an offer"));
  return svg;
}
