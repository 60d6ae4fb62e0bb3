// How often suggestions are taken on the screens: by day, part of the day, site, and how well a customer is known.

import { el } from "../core/dom.js";
import { intervals, lines } from "../core/chart.js";
import { day, number, percent, t } from "../core/words.js";

const share = (value) => percent(value);
const rowOf = (label, one) => ({ label, value: one?.value ?? null, low: one?.low, high: one?.high, note: one ? "" : t("too-few-short") });

export function liveOf(scene) {
  const { live } = scene;
  const made = el("div", { className: "live" }, el("h3", {}, t("live-title")));
  if (!live.any) {
    made.append(el("p", {}, t("live-empty")));
    return made;
  }
  made.append(el("p", {}, t("live-sentence", { n: number(live.shown), any: percent(live.any.value), first: percent(live.first.value) })));
  const x = live.by_day.map((row) => ({ text: day(row.day).replace(/[,.]? ?\d{4}年?/, ""), long: day(row.day) }));
  const of = (name, bound) => live.by_day.map((row) => (row[name] ? row[name][bound] : null));
  if (x.length > 1) {
    made.append(lines({ label: t("live-by-day"), x, format: share, file: `usual-${scene.scene}-by-day`, series: [
      { name: "any", label: t("live-any"), values: of("any", "value"), low: of("any", "low"), high: of("any", "high") },
      { name: "first", label: t("live-first"), values: of("first", "value") },
    ] }));
  }
  made.append(group(scene, t("live-by-daypart"), live.by_daypart.map((row) => rowOf(t(`daypart-${row.daypart}`), row.any)), "daypart"));
  if (live.by_site.length > 1) made.append(group(scene, t("live-by-site"), live.by_site.map((row) => rowOf(row.site || t("live-no-site"), row.any)), "site"));
  const history = scene.by_history || [];
  if (history.length) made.append(group(scene, t("live-by-history"), history.map((row) => rowOf(t(`history-${row.orders}`), row.any)), "history"));
  return made;
}

function group(scene, label, rows, name) {
  if (!rows.length) return el("span", { hidden: true });
  return el("details", { className: "group" }, el("summary", {}, label),
    intervals({ label, rows, format: share, valueLabel: t("live-any"), file: `usual-${scene.scene}-by-${name}` }));
}
