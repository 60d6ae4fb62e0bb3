// The difference of each variant to the control as a dot on a line, with zero in the middle of all of them.

import { el } from "../core/dom.js";
import { t } from "../core/words.js";
import { difference } from "./words.js";

const SVG = "http://www.w3.org/2000/svg";
const [ROW, LEFT, RIGHT, TOP] = [56, 44, 20, 30];
const width = () => (matchMedia("(max-width: 40rem)").matches ? 320 : 640); // letters stay readable on a phone

function node(name, attributes, text) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  if (text !== undefined) made.textContent = text;
  return made;
}

function row(one, at, x, said, wide) {
  const y = TOP + ROW * at + ROW / 2;
  const certain = one.low > 0 ? " good" : one.high < 0 ? " bad" : "";
  const label = t("experiments-chart-row", { name: one.name, value: said(one.difference), low: said(one.low), high: said(one.high) });
  const group = node("g", { class: `variant${certain}`, tabindex: "0", role: "img", "aria-label": label });
  group.append(
    node("title", {}, label),
    node("rect", { class: "hover", x: 0, y: y - ROW / 2, width: wide, height: ROW }),
    node("text", { x: 8, y: y + 5, class: "strong" }, one.name),
    node("line", { class: "span", x1: x(one.low), x2: x(one.high), y1: y, y2: y }),
    node("circle", { class: "dot", cx: x(one.difference), cy: y, r: 7 }),
    node("text", { class: "tick", x: x(one.difference), y: y - 14, "text-anchor": "middle" }, said(one.difference)),
  );
  return group;
}

// rows: variants of the reply; those without a difference (the control, small ones) have no line. null: none has one.
export function chart(rows, metric, currency) {
  const known = rows.filter((one) => one.difference !== null && one.difference !== undefined);
  if (!known.length) return null;
  const far = Math.max(...known.flatMap((one) => [Math.abs(one.low), Math.abs(one.high)])) * 1.1;
  const wide = width();
  const x = (value) => LEFT + ((value + far) / (2 * far)) * (wide - LEFT - RIGHT);
  const said = (value) => difference(metric, value, currency);
  const height = TOP + ROW * known.length + 28;
  const svg = node("svg", { viewBox: `0 0 ${wide} ${height}`, role: "group", "aria-label": t("experiments-chart") });
  svg.append(node("line", { class: "zero", x1: x(0), x2: x(0), y1: TOP - 10, y2: height - 24 }));
  for (const value of [-far, 0, far].map((one) => one / 1.1)) {
    svg.append(node("text", { class: "tick", x: x(value), y: height - 6, "text-anchor": "middle" }, value === 0 ? "A" : said(value)));
  }
  known.forEach((one, at) => svg.append(row(one, at, x, said, wide)));
  return el("figure", { className: "chart forest" }, el("figcaption", {}, t("experiments-chart")), svg);
}
