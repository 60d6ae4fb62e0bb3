// Is the data good enough? What to do next, freshness, gaps, weekdays, how well customers are known, the menu, imports.

import { $, button, el, say } from "../core/dom.js";
import { columns as uprights } from "../core/chart.js";
import { filters, query } from "../core/filters.js";
import { answer, start } from "../core/page.js";
import { api, RECOMMENDER } from "../core/server.js";
import { save, table } from "../core/table.js";
import { day, language, number, t, when } from "../core/words.js";

const WHOLE = 5000; // wrong rows of one download page

start(async () => {
  const first = await api("GET", `${RECOMMENDER}/desk/data`);
  await filters(async (values) => {
    const reply = await api("GET", `${RECOMMENDER}/desk/data${query(values, first.today)}`);
    answer(reply.answer);
    $("content").replaceChildren(next(reply), fresh(reply), known(reply), weekdays(reply), menu(reply), imports(reply));
  }, { sites: first.sites, today: first.today });
});

const section = (id, title, ...parts) => el("section", { id }, el("h2", {}, title), ...parts.filter(Boolean));

function next({ next_steps: steps }) {
  if (!steps.length) return section("next", t("data-next"), el("p", {}, t("data-enough")));
  return section("next", t("data-next"), el("ol", {}, ...steps.map((text) => el("li", {}, text))));
}

function fresh(reply) {
  const rows = reply.freshness.map((row) => ({ ...row, site: row.site || t("live-no-site") }));
  const shown = table([
    { name: "site", label: t("filter-site") },
    { name: "latest", label: t("data-latest"), show: (value) => when(value) },
    { name: "hours", label: t("data-hours-ago"), number: true, show: (value) => number(value) },
  ], rows, { caption: t("data-fresh"), file: "usual-freshness" });
  const gaps = reply.gaps.length
    ? el("details", { className: "gaps" }, el("summary", {}, t("data-gaps", { n: number(reply.gaps.length) })), table([
      { name: "site", label: t("filter-site") }, { name: "day", label: t("data-day"), show: (value) => day(value) }], reply.gaps, { caption: t("data-gaps-title"), file: "usual-gaps" }))
    : el("p", { className: "quiet" }, t("data-no-gaps"));
  return section("fresh", t("data-fresh"), rows.length ? shown : el("p", {}, t("data-nothing-lately")), gaps);
}

function known(reply) {
  if (!Object.keys(reply.history).length) return ""; // a total of the tenant: not for people of some sites
  const made = Object.entries(reply.history).filter(([, found]) => found.rows.some((row) => row.customers !== 0)).map(([scene, found]) => uprights({
    label: t(`data-known-${scene}`), caption: t(`data-known-${scene}`),
    rows: found.rows.map((row) => ({ label: t(`history-short-${row.orders}`), value: row.customers, note: row.customers === null ? t("too-few-short") : "" })),
    format: (value) => number(value), below: t(`data-known-below-${scene}`), valueLabel: t("data-customers"), nameLabel: t(`data-known-below-${scene}`), file: `usual-history-${scene}`,
  }));
  return section("known", t("data-known"), ...(made.length ? made : [el("p", {}, t("data-known-nobody"))]), el("p", { className: "quiet" }, t("overview-hidden", { n: reply.least_people })));
}

// Monday 5 January 2026 begins a week: the names of the days come from the browser.
const weekday = (number_) => new Intl.DateTimeFormat(language, { weekday: "short", timeZone: "UTC" }).format(new Date(Date.UTC(2026, 0, 5 + number_)));

function weekdays(reply) {
  const rows = reply.weekdays.map((row) => ({ label: weekday(row.weekday), value: row.days && row.orders !== null ? row.orders / row.days : null }));
  if (!rows.some((row) => row.value)) return section("weekdays", t("data-weekdays"), el("p", {}, t("overview-empty")));
  return section("weekdays", t("data-weekdays"), ...(reply.drift.length ? reply.drift.map((text) => el("p", {}, text)) : [el("p", { className: "quiet" }, t("data-no-drift"))]),
    uprights({ label: t("data-weekdays"), rows, format: (value) => number(value), valueLabel: t("data-per-day"), nameLabel: t("data-weekday"), file: "usual-weekdays" }));
}

function menu({ catalogue }) {
  const rows = Object.entries(catalogue.lacks).map(([name, { n, items }]) => ({ name: t(`data-lacks-${name}`), n, items: items.join(", ") }));
  return section("menu", t("data-menu"), el("p", {}, t("data-menu-counts", { items: number(catalogue.items), places: number(catalogue.places) })),
    catalogue.items ? table([
      { name: "name", label: t("data-what-lacks") },
      { name: "n", label: t("data-dishes"), number: true, show: (value) => number(value) },
      { name: "items", label: t("data-which"), show: (value) => el("span", { className: "why" }, value || "–") },
    ], rows, { caption: t("data-menu"), file: "usual-menu" }) : null);
}

function imports({ imports: rows, imports_note: note }) {
  if (note) return section("imports", t("data-imports"), el("p", {}, note));
  if (!rows.length) return section("imports", t("data-imports"), el("p", {}, t("data-no-imports")), el("pre", {}, "usual import items menu.csv\nusual import events orders.csv"));
  return section("imports", t("data-imports"), table([
    { name: "began_at", label: t("chart-when"), show: (value) => when(value) },
    { name: "file", label: t("data-file") },
    { name: "what", label: t("chart-what"), show: (value) => t(`data-what-${value}`) },
    { name: "state", label: t("data-outcome"), show: (value) => t(`data-state-${value}`) },
    { name: "stored", label: t("data-stored"), number: true, show: (value) => number(value) },
    { name: "wrong", label: t("data-wrong"), number: true, show: (value, row) => (value ? button(number(value), () => wrong(row), { name: t("data-show-wrong", { n: number(value), file: row.file }) }) : "–") },
  ], rows, { caption: t("data-imports"), file: "usual-imports" }), el("div", { id: "wrong-rows", "aria-live": "polite" }));
}

const wrongColumns = () => [
  { name: "row", label: t("data-row"), number: true, show: (value) => number(value) },
  { name: "field", label: t("data-field") },
  { name: "value", label: t("chart-value"), show: (value) => el("code", {}, value || "–") },
  { name: "message", label: t("data-message"), show: (value) => el("span", { className: "why" }, value) },
];

async function wrong(row) {
  try {
    const path = `${RECOMMENDER}/desk/imports/${row.import_id}`;
    const first = await api("GET", `${path}?n=200`);
    const all = async () => {
      const rows = [];
      for (let after = -1; after !== null;) {
        const page = await api("GET", `${path}?n=${WHOLE}&after=${after}`);
        rows.push(...page.rows);
        after = page.next;
      }
      save(`usual-wrong-rows-${row.import_id}.csv`, wrongColumns(), rows);
    };
    $("wrong-rows").replaceChildren(el("h3", {}, t("data-wrong-of", { file: row.file })), el("p", { className: "quiet" }, t("data-wrong-explained")),
      table(wrongColumns(), first.rows, { caption: t("data-wrong-of", { file: row.file }) }), button(t("data-download-wrong"), all, { className: "download" }));
    $("wrong-rows").scrollIntoView({ block: "nearest" });
  } catch (error) {
    say(error.message);
  }
}
