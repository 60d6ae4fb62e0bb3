// What is around every chart: its caption, the cursor that reads values, the table behind it, the download.

import { el } from "../dom.js";
import { save, table } from "../table.js";
import { t } from "../words.js";

const NARROWEST = 280;
const WIDEST = 1080;

// `draw(width)` gives { svg, spots: [{ x, y, width, height, text }] }: what the cursor stops at, and reads there.
// columns and rows are the table's (core/table.js); `file` is the name of the download without its ending.
export function figure({ label, caption, draw, columns, rows, file, legend }) {
  const picture = el("div", { className: "plot", tabIndex: 0, role: "slider", "aria-label": label, "aria-orientation": "horizontal" });
  const reading = el("p", { className: "reading", "aria-hidden": "true" });
  const shown = table(columns, rows, { caption: caption || label });
  const behind = el("details", { className: "behind" }, el("summary", {}, t("show-table")), shown);
  const download = el("button", { type: "button", className: "download", onclick: () => save(`${file}.csv`, columns, rows) }, t("download-table"));
  const made = el("figure", { className: "chart" }, caption ? el("figcaption", {}, caption) : null, legend ? legendOf(legend) : null,
    picture, reading, el("div", { className: "under" }, behind, file ? download : null));
  const cursor = cursorOf(picture, reading);
  let drawn = 0;
  const redraw = (width) => {
    const room = Math.round(Math.min(Math.max(width, NARROWEST), WIDEST));
    if (room === drawn) return;
    drawn = room;
    const { svg, spots } = draw(room);
    picture.replaceChildren(svg);
    cursor.set(svg, spots);
  };
  new ResizeObserver(([entry]) => redraw(entry.contentRect.width)).observe(picture);
  redraw(720);
  return made;
}

// Names of the series, each with its mark; a line is recognised by its dashes as well as by its colour.
function legendOf(items) {
  return el("ul", { className: "legend" }, ...items.map(({ label, className }) =>
    el("li", {}, el("span", { className: `key ${className}`, "aria-hidden": "true" }), label)));
}

function cursorOf(picture, reading) {
  let spots = [];
  let at = -1;
  let line = null;
  const show = (next) => {
    if (!spots.length) return;
    at = Math.min(Math.max(next, 0), spots.length - 1);
    const { x, y, width, height, text } = spots[at];
    for (const [name, value] of Object.entries({ x, y, width, height })) line.setAttribute(name, value);
    line.removeAttribute("visibility");
    reading.textContent = text;
    picture.setAttribute("aria-valuenow", at);
    picture.setAttribute("aria-valuetext", text);
  };
  picture.addEventListener("keydown", (event) => {
    const steps = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1, PageDown: 7, PageUp: -7 };
    const ends = { Home: 0, End: spots.length - 1 };
    if (event.key in steps) show(at + steps[event.key]);
    else if (event.key in ends) show(ends[event.key]);
    else return;
    event.preventDefault();
  });
  picture.addEventListener("focus", () => { if (at < 0) show(spots.length - 1); else show(at); });
  picture.addEventListener("pointermove", (event) => {
    const box = picture.firstElementChild.getBoundingClientRect();
    const [x, y] = [event.clientX - box.left, event.clientY - box.top];
    const far = (spot) => Math.hypot(...[[x, spot.x, spot.width], [y, spot.y, spot.height]].map(([p, from, size]) => Math.max(from - p, p - from - size, 0)));
    show(spots.reduce((best, spot, index) => (far(spot) < far(spots[best]) ? index : best), 0));
  });
  picture.addEventListener("pointerleave", () => { if (document.activeElement !== picture) hide(); });
  const hide = () => { line?.setAttribute("visibility", "hidden"); reading.textContent = ""; };
  picture.addEventListener("blur", hide);
  return {
    set(svg, found) {
      spots = found;
      at = Math.min(at, spots.length - 1);
      line = document.createElementNS("http://www.w3.org/2000/svg", "rect");
      line.setAttribute("class", "cursor");
      line.setAttribute("visibility", "hidden");
      svg.prepend(line);
      picture.setAttribute("aria-valuemin", 0);
      picture.setAttribute("aria-valuemax", Math.max(spots.length - 1, 0));
      picture.setAttribute("aria-valuenow", Math.max(at, 0));
      picture.setAttribute("aria-valuetext", spots[Math.max(at, 0)]?.text || "");
    },
  };
}

// On paper there is no hovering: the tables are printed.
addEventListener("beforeprint", () => { for (const one of document.querySelectorAll("details.behind")) one.open = true; });
