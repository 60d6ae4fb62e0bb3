// Charts of the desk: lines with intervals, bars, columns, stacked shares, intervals. Ours, see docs/decisions/0147-charts.md.
//
// Each function gives a <figure>: the drawing at the width it has, a cursor (mouse and arrow keys) that reads values,
// the table behind it, the download beside it. Colour is never the only sign: series are named, and lines differ in dashes.

import { axis, canvas, label as labelOf, LINE, mark, reach, shortened, ticks, widthOf } from "./chart/draw.js";
import { figure } from "./chart/figure.js";
import { t } from "./words.js";

const plain = (value) => String(value);
const between = (format, row) => (Number.isFinite(row.low) ? t("chart-between", { low: format(row.low), high: format(row.high) }) : "");

// Series over time (or any order).
//   x: [{ text, long }]        the places along the bottom; `long` is read by the cursor (default: text)
//   series: [{ name, label, values, low, high, quiet }]   arrays as long as x, null for a gap; low/high: an interval; quiet: dashed
//   format(value) -> text;  zero: text at the line of zero (then zero is drawn stronger);  free: the axis need not hold zero
export function lines({ label, caption, x, series, format = plain, zero = "", free = false, file }) {
  const all = series.flatMap((one) => [...one.values, ...(one.low || []), ...(one.high || [])]).filter((one) => Number.isFinite(one));
  const [low, high] = reach(all, { free });
  const columns = [{ name: "x", label: t("chart-when") }, ...series.flatMap((one) => columnsOf(one, format))];
  const rows = x.map((place, at) => Object.assign({ x: place.long || place.text }, ...series.map((one) => cellsOf(one, at))));
  const draw = (width) => {
    const height = width < 480 ? 220 : 280;
    const amounts = ticks(low, high);
    const left = Math.max(...amounts.map((one) => widthOf(format(one)))) + 14;
    const [top, bottom, right] = [14, 32, 14];
    const px = (at) => left + ((width - left - right) * (x.length > 1 ? at / (x.length - 1) : 0.5));
    const py = (value) => top + ((height - top - bottom) * (high - value)) / (high - low);
    const svg = canvas(width, height);
    for (const one of amounts) {
      svg.append(mark("line", { x1: left, x2: width - right, y1: py(one), y2: py(one), class: one === 0 ? "zero" : "grid" }),
        mark("text", { x: left - 8, y: py(one) + 5, "text-anchor": "end", class: "tick" }, format(one)));
    }
    if (zero) svg.append(labelOf(zero, { x: left + 4, y: py(0) - 12, room: width - left - right, className: "quiet-text", most: 1 }));
    series.forEach((one, n) => drawSeries(svg, one, n, px, py));
    svg.append(...axis(x.map((place, at) => ({ x: px(at), text: place.text })), { y: height - 8, width }));
    const step = x.length > 1 ? px(1) - px(0) : width - left - right;
    const spots = x.map((place, at) => ({ x: px(at) - Math.min(step, 24) / 2, y: top, width: Math.min(step, 24), height: height - top - bottom, text: read(place, series, at, format) }));
    return { svg, spots };
  };
  const legend = series.length > 1 ? series.map((one, n) => ({ label: one.label, className: keyOf(one, n) })) : undefined;
  return figure({ label, caption, draw, columns, rows, file, legend });
}

const keyOf = (one, n) => (one.quiet ? "line-quiet" : `line-${n % 3}`);

function drawSeries(svg, one, n, px, py) {
  const known = one.values.map((value, at) => at).filter((at) => Number.isFinite(one.values[at]));
  if (one.low) {
    const edge = [...known.map((at) => `${px(at)},${py(one.high[at])}`), ...known.toReversed().map((at) => `${px(at)},${py(one.low[at])}`)];
    svg.append(mark("polygon", { points: edge.join(" "), class: `band band-${n % 3}` }));
  }
  const parts = []; // a gap in the values is a gap in the line
  known.forEach((at, place) => { if (place && known[place - 1] === at - 1) parts.at(-1).push(at); else parts.push([at]); });
  for (const part of parts) {
    if (part.length === 1) svg.append(mark("circle", { cx: px(part[0]), cy: py(one.values[part[0]]), r: 3.5, class: `dot ${keyOf(one, n)}` }));
    else svg.append(mark("polyline", { points: part.map((at) => `${px(at)},${py(one.values[at])}`).join(" "), class: `line ${keyOf(one, n)}` }));
  }
}

function columnsOf(one, format) {
  const column = (name, label) => ({ name, label, number: true, show: (value) => (Number.isFinite(value) ? format(value) : "–") });
  const spans = one.low ? [column(`${one.name}-low`, t("chart-low", { name: one.label })), column(`${one.name}-high`, t("chart-high", { name: one.label }))] : [];
  return [column(one.name, one.label), ...spans];
}

const cellsOf = (one, at) => ({ [one.name]: one.values[at], ...(one.low ? { [`${one.name}-low`]: one.low[at], [`${one.name}-high`]: one.high[at] } : {}) });

function read(place, series, at, format) {
  const said = series.filter((one) => Number.isFinite(one.values[at])).map((one) => {
    const span = one.low ? ` (${between(format, { low: one.low[at], high: one.high[at] })})` : "";
    return `${one.label} ${format(one.values[at])}${span}`;
  });
  return `${place.long || place.text}: ${said.join(", ") || t("chart-nothing")}`;
}

// Horizontal bars from zero, one for each row; with `low` and `high` a whisker, with `baseline` a dashed line.
//   rows: [{ label, value, low, high, strong, note }]  value null: the note alone;  baseline: { value, label }
export function bars({ label, caption, rows, format = plain, baseline, valueLabel, nameLabel, file }) {
  const draw = (width) => {
    const names = column(rows, width);
    const values = Math.max(...rows.map((row) => widthOf(textOf(row, format), row.strong)), 20) + 12;
    const [, high] = reach([...rows.flatMap((row) => [row.value, row.high]), baseline?.value]);
    const [low] = reach([...rows.flatMap((row) => [row.value, row.low]), baseline?.value]);
    const px = (value) => names + 10 + ((width - names - 10 - values) * (value - low)) / (high - low);
    const top = baseline ? 26 : 4;
    const tall = heights(rows, names, top);
    const svg = canvas(width, tall.end);
    const texts = [];
    rows.forEach((row, at) => {
      const [y, size] = [tall.y[at], tall.size[at]];
      const right = Number.isFinite(row.value) ? Math.max(px(row.value), px(0), Number.isFinite(row.high) ? px(row.high) : 0) : px(0);
      if (Number.isFinite(row.value)) {
        svg.append(mark("rect", { x: Math.min(px(0), px(row.value)), y: y + size / 2 - 10, width: Math.max(Math.abs(px(row.value) - px(0)), 1), height: 20, rx: 3, class: row.strong ? "winner" : "other" }));
        if (Number.isFinite(row.low)) svg.append(mark("line", { x1: px(row.low), x2: px(row.high), y1: y + size / 2, y2: y + size / 2, class: "whisker" }));
      }
      texts.push(labelOf(row.label, { x: names, y: y + size / 2, room: names, anchor: "end", strong: row.strong }),
        mark("text", { x: right + 8, y: y + size / 2 + 5, class: row.strong ? "strong" : "" }, textOf(row, format)));
    });
    if (baseline && Number.isFinite(baseline.value)) {
      const x = px(baseline.value);
      const said = shortened(baseline.label, width - 8, true);
      const half = widthOf(said, true) / 2;
      svg.append(mark("line", { x1: x, x2: x, y1: top - 4, y2: tall.end - 2, class: "baseline" }));
      texts.push(mark("text", { x: Math.min(Math.max(x, half + 2), width - half - 2), y: 16, "text-anchor": "middle", class: "baseline-text" }, said));
    }
    svg.append(...texts); // last, so that no line crosses a number
    return { svg, spots: spotsOf(rows, tall, width, format) };
  };
  return figure({ label, caption, draw, ...tableOf(rows, format, { valueLabel, nameLabel }), file });
}

// Values with their intervals, one line each, on a common axis (a forest plot).
//   rows: [{ label, value, low, high, strong, note, other }]  other: a second value, drawn hollow;  zero: text at the line of zero
export function intervals({ label, caption, rows, format = plain, zero = "", valueLabel, nameLabel, file }) {
  const draw = (width) => {
    const names = column(rows, width);
    const values = Math.max(...rows.map((row) => widthOf(textOf(row, format), row.strong)), 20) + 12;
    const [low, high] = reach(rows.flatMap((row) => [row.value, row.low, row.high, row.other]), { free: !zero, count: width < 560 ? 3 : 5 });
    const px = (value) => names + 14 + ((width - names - 14 - values) * (value - low)) / (high - low);
    const top = 30 + (zero ? LINE : 0);
    const tall = heights(rows, names, top);
    const svg = canvas(width, tall.end);
    const amounts = ticks(low, high, width < 560 ? 3 : 5);
    for (const one of amounts) svg.append(mark("line", { x1: px(one), x2: px(one), y1: top - 4, y2: tall.end - 2, class: one === 0 && zero ? "zero" : "grid" }));
    svg.append(...axis(amounts.map((one) => ({ x: px(one), text: format(one) })), { y: top - 12, width }));
    if (zero) svg.append(mark("text", { x: Math.min(Math.max(px(0), widthOf(zero) / 2 + 2), width - widthOf(zero) / 2 - 2), y: 16, "text-anchor": "middle", class: "quiet-text" }, zero));
    rows.forEach((row, at) => {
      const y = tall.y[at] + tall.size[at] / 2;
      if (Number.isFinite(row.low)) svg.append(mark("line", { x1: px(row.low), x2: px(row.high), y1: y, y2: y, class: row.strong ? "span winner-line" : "span" }));
      if (Number.isFinite(row.value)) svg.append(mark("circle", { cx: px(row.value), cy: y, r: 5.5, class: row.strong ? "dot" : "dot other-dot" }));
      if (Number.isFinite(row.other)) svg.append(mark("rect", { x: px(row.other) - 4, y: y - 4, width: 8, height: 8, class: "hollow" }));
      svg.append(labelOf(row.label, { x: names, y, room: names, anchor: "end", strong: row.strong }),
        mark("text", { x: width - values + 10, y: y + 5, class: row.strong ? "strong" : "" }, textOf(row, format)));
    });
    return { svg, spots: spotsOf(rows, tall, width, format) };
  };
  return figure({ label, caption, draw, ...tableOf(rows, format, { valueLabel, nameLabel }), file });
}

// Upright bars, one for each row, with a whisker, and a tick at a second value (such as what was expected).
//   rows: [{ label, value, low, high, other }];  below: text under the axis;  otherLabel names the tick
export function columns({ label, caption, rows, format = plain, below = "", valueLabel, otherLabel, nameLabel, file }) {
  const draw = (width) => {
    const [low, high] = reach(rows.flatMap((row) => [row.value, row.low, row.high, row.other]));
    const amounts = ticks(low, high);
    const left = Math.max(...amounts.map((one) => widthOf(format(one)))) + 14;
    const [height, top, bottom] = [280, 14, below ? 50 : 32];
    const step = (width - left - 8) / Math.max(rows.length, 1);
    const py = (value) => top + ((height - top - bottom) * (high - value)) / (high - low);
    const svg = canvas(width, height);
    for (const one of amounts) {
      svg.append(mark("line", { x1: left, x2: width - 8, y1: py(one), y2: py(one), class: one === 0 ? "zero" : "grid" }),
        mark("text", { x: left - 8, y: py(one) + 5, "text-anchor": "end", class: "tick" }, format(one)));
    }
    rows.forEach((row, at) => {
      const x = left + step * at;
      if (Number.isFinite(row.value)) svg.append(mark("rect", { x: x + step * 0.18, width: step * 0.64, y: Math.min(py(row.value), py(0)), height: Math.max(Math.abs(py(row.value) - py(0)), 1), rx: 2, class: row.value >= 0 ? "winner" : "other" }));
      if (Number.isFinite(row.low)) svg.append(mark("line", { x1: x + step / 2, x2: x + step / 2, y1: py(row.high), y2: py(row.low), class: "whisker" }));
      if (Number.isFinite(row.other)) svg.append(mark("line", { x1: x + step * 0.1, x2: x + step * 0.9, y1: py(row.other), y2: py(row.other), class: "predicted" }));
    });
    svg.append(...axis(rows.map((row, at) => ({ x: left + step * (at + 0.5), text: row.label })), { y: height - bottom + 20, width }));
    if (below) svg.append(labelOf(below, { x: left + 4, y: height - 12, room: width - left, className: "quiet-text", most: 1 }));
    const spots = rows.map((row, at) => ({ x: left + step * at, y: top, width: step, height: height - top - bottom, text: `${row.label}: ${textOf(row, format)} ${between(format, row)}`.trim() }));
    return { svg, spots };
  };
  const legend = otherLabel ? [{ label: valueLabel || label, className: "box" }, { label: otherLabel, className: "predicted" }] : undefined;
  return figure({ label, caption, draw, ...tableOf(rows, format, { valueLabel, nameLabel, otherLabel }), file, legend });
}

// Shares of a whole, one bar for each row.  parts: [{ name, label }];  rows: [{ label, NAME: count, ... }]
export function shares({ label, caption, rows, parts, format = plain, nameLabel, file }) {
  const total = (row) => parts.reduce((sum, part) => sum + (row[part.name] || 0), 0);
  const share = (row, part) => (total(row) ? Math.round((100 * (row[part.name] || 0)) / total(row)) : 0);
  const draw = (width) => {
    const names = column(rows, width);
    const tall = heights(rows, names, 4);
    const svg = canvas(width, tall.end);
    rows.forEach((row, at) => {
      const y = tall.y[at] + tall.size[at] / 2;
      let x = names + 10;
      svg.append(labelOf(row.label, { x: names, y, room: names, anchor: "end" }));
      parts.forEach((part, n) => {
        const size = total(row) ? ((width - names - 12) * (row[part.name] || 0)) / total(row) : 0;
        if (size < 0.5) return;
        svg.append(mark("rect", { x, y: y - 12, width: Math.max(size - 1, 0.5), height: 24, class: `part part-${n % 6}` }));
        const text = `${share(row, part)} %`;
        if (widthOf(text) + 8 < size) svg.append(mark("text", { x: x + size / 2, y: y + 5, "text-anchor": "middle", class: `on-part on-part-${n % 6}` }, text));
        x += size;
      });
    });
    const said = (row) => parts.map((part) => `${part.label} ${format(row[part.name] || 0)} (${share(row, part)} %)`).join(", ");
    return { svg, spots: rows.map((row, at) => ({ x: names + 8, y: tall.y[at], width: width - names - 8, height: tall.size[at], text: `${row.label}: ${said(row)}` })) };
  };
  const columnsShown = [{ name: "label", label: nameLabel || t("chart-what") }, ...parts.map((part) => ({ name: part.name, label: part.label, number: true, show: (value) => format(value || 0) }))];
  return figure({ label, caption, draw, columns: columnsShown, rows, file, legend: parts.map((part, n) => ({ label: part.label, className: `box part-${n % 6}` })) });
}

// Width of the column of names: as wide as the longest one, at most two fifths; longer ones are wrapped.
const column = (rows, width) => Math.min(Math.max(...rows.map((row) => widthOf(row.label, row.strong)), 40), width * 0.4);

function heights(rows, names, top) {
  const size = rows.map((row) => (widthOf(row.label, row.strong) > names ? 2 * LINE + 8 : 34));
  const y = [];
  let end = top;
  for (const one of size) { y.push(end); end += one; }
  return { y, size, end: end + 6 };
}

const textOf = (row, format) => [Number.isFinite(row.value) ? format(row.value) : "", row.note || ""].filter(Boolean).join(" ") || "–";

const spotsOf = (rows, tall, width, format) => rows.map((row, at) => ({
  x: 0, y: tall.y[at], width, height: tall.size[at], text: `${row.label}: ${textOf(row, format)} ${between(format, row)}`.trim() }));

function tableOf(rows, format, { valueLabel, nameLabel, otherLabel }) {
  const amount = (name, label) => ({ name, label, number: true, show: (value) => (Number.isFinite(value) ? format(value) : "–") });
  const spans = rows.some((row) => Number.isFinite(row.low)) ? [amount("low", t("chart-at-least")), amount("high", t("chart-at-most"))] : [];
  const others = otherLabel ? [amount("other", otherLabel)] : [];
  return { columns: [{ name: "label", label: nameLabel || t("chart-what") }, amount("value", valueLabel || t("chart-value")), ...spans, ...others], rows };
}
