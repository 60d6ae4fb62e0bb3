// Tables with their download, and CSV that no spreadsheet takes for a formula.

import { button, el } from "./dom.js";
import { t } from "./words.js";

// columns: [{ name, label, number, show }] ; show(value, row) gives the cell's text or element; rows: objects.
export function table(columns, rows, { caption, file, rowClass } = {}) {
  const head = el("tr", {}, ...columns.map((one) => el("th", { scope: "col", className: one.number ? "number" : "" }, one.label)));
  const body = rows.map((row) => el("tr", { className: rowClass ? rowClass(row) : "" },
    ...columns.map((one) => el("td", { className: one.number ? "number" : "" }, shown(one, row)))));
  if (!rows.length) body.push(el("tr", {}, el("td", { colSpan: columns.length, className: "quiet" }, t("table-empty"))));
  const made = el("table", {}, caption ? el("caption", {}, caption) : null, el("thead", {}, head), el("tbody", {}, ...body));
  const around = el("div", { className: "scroll", tabIndex: 0, role: "region", "aria-label": caption || file || "" }, made);
  if (!file) return around;
  return el("div", { className: "table" }, around, button(t("download-table"), () => save(`${file}.csv`, columns, rows), { className: "download" }));
}

function shown(column, row) {
  const value = row[column.name];
  const made = column.show ? column.show(value, row) : value;
  return made instanceof Node ? made : String(made ?? "–");
}

export function csv(columns, rows) {
  // A text that a spreadsheet would take for a formula gets a quote in front; numbers stay numbers.
  const plain = (cell) => (typeof cell === "string" && /^\s*['=+\-@]/.test(cell) ? `'${cell}` : String(cell ?? ""));
  const quoted = (cell) => `"${plain(cell).replaceAll('"', '""')}"`;
  const kept = columns.filter((one) => one.download !== false);
  const lines = [kept.map((one) => one.label), ...rows.map((row) => kept.map((one) => row[one.name]))];
  return lines.map((line) => line.map(quoted).join(",")).join("\r\n") + "\r\n";
}

export function save(name, columns, rows) {
  const link = el("a", { href: URL.createObjectURL(new Blob(["\ufeff", csv(columns, rows)], { type: "text/csv" })), download: name });
  link.click();
  URL.revokeObjectURL(link.href);
}
