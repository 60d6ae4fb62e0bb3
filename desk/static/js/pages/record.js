// Who changed what? The changes that wait for a second person, then the record with its filters.

import { $, button, el, say } from "../core/dom.js";
import { answer, start } from "../core/page.js";
import { api, DESK } from "../core/server.js";
import { language, t, when } from "../core/words.js";
import { choice } from "../record/choice.js";
import { proposals } from "../record/proposals.js";

const FILTERS = "usual-record-filters";
const dayOf = (date) => date.toISOString().slice(0, 10);
const weekAgo = () => dayOf(new Date(Date.now() - 7 * 86_400_000));

function kept() {
  try {
    return JSON.parse(sessionStorage.getItem(FILTERS)) || {};
  } catch {
    return {};
  }
}

function select(label, name, entries, value) {
  const options = entries.map(([key, text]) => el("option", { value: key, selected: key === value }, text));
  return el("label", {}, label, el("select", { name }, ...options));
}

const day = (label, name, value) => el("label", {}, label, el("input", { type: "date", name, value }));

function filterForm(reply, values, show) {
  const kinds = [["", t("record-kind-all")], ...reply.kinds.map((kind) => [kind, t(`record-kind-${kind.replace("_", "-")}`)])];
  const people = [["", t("record-everybody")], ...reply.people.map((one) => [one.who, one.name])];
  const form = el("form", { className: "filters", id: "record-filters" },
    select(t("record-who"), "who", people, values.who),
    select(t("record-kind"), "kind", kinds, values.kind),
    day(t("record-from"), "from", values.from), day(t("record-to"), "to", values.to),
    el("button", {}, t("record-show")));
  form.onsubmit = (event) => {
    event.preventDefault();
    const given = Object.fromEntries(new FormData(form));
    sessionStorage.setItem(FILTERS, JSON.stringify(given));
    show(given);
  };
  return form;
}

function whoCell(row) {
  const who = row.who_name || t("record-nobody");
  return row.second_name ? t("record-with", { who, second: row.second_name }) : who;
}

// Before and after side by side, only what differs.
export function sideBySide(differences) {
  const head = ["record-field", "record-earlier", "record-later"].map((id) => el("th", { scope: "col" }, t(id)));
  const rows = differences.map((one) => el("tr", {}, el("th", { scope: "row" }, one.field || "–"),
    el("td", { className: "earlier" }, one.earlier ?? "–"), el("td", { className: "later" }, one.later ?? "–")));
  return el("table", { className: "differences" }, el("thead", {}, el("tr", {}, ...head)), el("tbody", {}, ...rows));
}

function details(row) {
  if (row.hidden) return el("p", { className: "hint" }, t("record-hidden"));
  if (!row.differences.length) return null;
  return el("details", {}, el("summary", {}, t("record-differences")), el("div", { className: "scroll" }, sideBySide(row.differences)));
}

function line(row) {
  const what = row.times > 1 ? t("record-times", { what: row.what, n: row.times }) : row.what;
  const how = t(`record-state-${row.state}`, { why: row.why });
  return el("tr", { className: `is-${row.kind}` },
    el("td", {}, el("time", { dateTime: row.at }, when(row.at))), el("td", {}, whoCell(row)),
    el("td", {}, what, details(row)), el("td", {}, how));
}

async function download(values) {
  const response = await fetch(`${DESK}/changes.csv?${new URLSearchParams(values)}`, {
    headers: { "X-Usual-Page": "desk", "Accept-Language": language }, credentials: "same-origin", cache: "no-store",
  });
  if (response.status === 202) return say(t("waits-for-second"));
  if (!response.ok) return say((await response.json()).detail);
  const link = el("a", { href: URL.createObjectURL(await response.blob()), download: "record.csv" });
  link.click();
  return URL.revokeObjectURL(link.href);
}

function tableOf(values) {
  const body = el("tbody", {});
  const empty = el("p", { className: "empty", id: "record-empty", hidden: true }, t("record-empty"));
  const more = button(t("record-older"), () => load(more.dataset.cursor), { id: "older", hidden: true });
  const head = ["record-when", "record-who", "record-what", "record-how"].map((id) => el("th", { scope: "col" }, t(id)));

  async function load(before = "") {
    const reply = await api("GET", `${DESK}/changes?${new URLSearchParams({ ...values, ...(before ? { before } : {}) })}`);
    body.append(...reply.rows.map(line));
    empty.hidden = body.children.length > 0;
    more.hidden = !reply.next_cursor;
    more.dataset.cursor = reply.next_cursor || "";
    return reply;
  }

  const made = el("table", { id: "changes" }, el("caption", {}, t("record-table")), el("thead", {}, el("tr", {}, ...head)), body);
  const around = el("div", { className: "scroll", tabIndex: 0, role: "region", "aria-label": t("record-table") }, made);
  const file = button(t("record-file"), () => download(values), { className: "download", id: "record-file" });
  return { box: el("div", { className: "table" }, around, empty, more, file), load };
}

start(async (person) => {
  const place = el("div", { id: "record" });
  let filters = null;

  async function show(values) {
    const made = tableOf(values);
    const reply = await made.load();
    answer(reply.answer);
    filters ||= filterForm(reply, values, (given) => show(given).catch((error) => say(error.message)));
    $("filters").replaceChildren(filters);
    place.replaceChildren(made.box);
  }

  const values = { who: "", kind: "", from: weekAgo(), to: dayOf(new Date()), ...kept() };
  const again = () => show(values).catch((error) => say(error.message));
  const waiting = el("section", { id: "waiting" });
  $("content").replaceChildren(waiting, place);
  await Promise.all([show(values), proposals(waiting, again)]);
  $("content").append(await choice(person, () => proposals(waiting, again)));
});
