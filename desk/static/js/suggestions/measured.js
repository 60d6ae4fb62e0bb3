// How good each way of suggesting was on orders that were kept aside: plain words; the analysts' table behind a switch.

import { el } from "../core/dom.js";
import { bars } from "../core/chart.js";
import { table } from "../core/table.js";
import { number, t } from "../core/words.js";

const hundred = (value) => number(100 * value);

export function measuredOf(scene, analysts) {
  const made = el("div", { className: "measured" }, el("h3", {}, t("measured-title")));
  if (!scene.measured.length) {
    made.append(el("p", {}, t("measured-empty")));
    return made;
  }
  made.append(el("p", {}, t("measured-method", { method: scene.method_name })));
  const plain = scene.measured.filter((row) => row.right !== null);
  const shown = plain.length ? plain : scene.measured;
  const value = (row) => (plain.length ? row.right : row.value);
  const format = plain.length ? hundred : (one) => number(one, 3);
  const baseline = shown.find((row) => row.method === "counting" || row.method === "frequency");
  made.append(bars({
    label: plain.length ? t("measured-first") : t("measured-score"),
    caption: plain.length ? t("measured-first") : t("measured-score"),
    rows: shown.map((row) => ({ label: row.name, value: value(row), strong: row.used, note: row.used ? t("measured-used") : "" })),
    format,
    baseline: baseline ? { value: value(baseline), label: scene.baseline } : undefined,
    valueLabel: plain.length ? t("measured-right") : t("measured-score"),
    nameLabel: t("measured-way"),
    file: `usual-${scene.scene}-${scene.version}`,
  }));
  if (analysts && scene.methods.length) {
    const metrics = [...new Set(scene.methods.flatMap((row) => Object.keys(row)))].filter((name) => name !== "method").sort();
    const columns = [{ name: "method", label: "method" }, ...metrics.map((name) => ({ name, label: name, number: true, show: (one) => (typeof one === "number" ? number(one, 3) : String(one ?? "–")) }))];
    made.append(el("div", { className: "for-analysts" }, el("h4", {}, t("measured-analysts")), el("p", { className: "quiet" }, scene.explained),
      table(columns, scene.methods, { caption: t("measured-analysts"), file: `usual-${scene.scene}-${scene.version}-analysts`, rowClass: (row) => (row.method === scene.method ? "winner" : "") })));
  }
  return made;
}
