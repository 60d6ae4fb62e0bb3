// Tables and bars from plain values. Colour is never the only sign: the winner is bold and named.

const SVG = "http://www.w3.org/2000/svg";

export function number(value) {
  if (typeof value !== "number") return String(value ?? "–");
  return Number.isInteger(value) ? value.toLocaleString() : value.toFixed(3);
}

export function table(names, rows) {
  const head = document.createElement("thead");
  head.append(line(names.map((name) => cell("th", name))));
  const body = document.createElement("tbody");
  body.append(...rows.map((row) => {
    const made = line(row.cells.map((value) => cell("td", value)));
    made.className = row.className;
    return made;
  }));
  return [head, body];
}

function line(cells) {
  const row = document.createElement("tr");
  row.append(...cells);
  return row;
}

function cell(kind, value) {
  const made = document.createElement(kind);
  if (value instanceof Node) made.append(value);
  else made.textContent = number(value);
  if (typeof value === "number") made.className = "number";
  if (kind === "th") made.scope = "col";
  return made;
}

export function mark(kind, attributes, text) {
  const made = document.createElementNS(SVG, kind);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  if (text !== undefined) made.textContent = text;
  return made;
}

// Horizontal bars from zero, best first; a dashed line at the value of the counting method.
export function chart(scene, version, room = 720) {
  const metric = version.metric;
  const rows = scene.methods.filter((row) => typeof row[metric] === "number").sort((a, b) => b[metric] - a[metric]);
  const width = Math.min(Math.max(room, 300), 900); // drawn at its real size: text stays readable on a phone
  const [left, step, top] = [width < 560 ? 130 : 190, 34, 26];
  const span = width - left - 60;
  const most = Math.max(...rows.map((row) => row[metric]), version.baseline_value ?? 0, 1e-9);
  const at = (value) => left + (span * value) / most;
  const height = top + step * rows.length + 6;
  const words = rows.map((row) => `${row.method} ${number(row[metric])}`).join(", ");
  const svg = mark("svg", { viewBox: `0 0 ${width} ${height}`, width, height, role: "img", "aria-label": `${metric}: ${words}` });
  const labels = [];
  rows.forEach((row, index) => {
    const wins = row.method === scene.in_force;
    const y = top + step * index;
    const strong = wins ? "strong" : "";
    svg.append(mark("rect", { x: left, y: y + 3, width: Math.max(at(row[metric]) - left, 1), height: step - 12, rx: 3, class: wins ? "winner" : "other" }));
    labels.push(
      mark("text", { x: left - 10, y: y + 18, "text-anchor": "end", class: strong }, wins ? `${row.method} (in use)` : row.method),
      mark("text", { x: at(row[metric]) + 8, y: y + 18, class: strong }, number(row[metric])),
    );
  });
  if (typeof version.baseline_value === "number") {
    const x = at(version.baseline_value);
    svg.append(mark("line", { x1: x, x2: x, y1: top - 4, y2: height - 4, class: "baseline" }));
    labels.push(mark("text", { x, y: top - 10, "text-anchor": "middle", class: "baseline-text" }, `counting ${number(version.baseline_value)}`));
  }
  svg.append(...labels); // last, so that no line crosses a number
  return svg;
}
