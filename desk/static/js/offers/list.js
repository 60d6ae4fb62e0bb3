// The list of all offers: what each gives, in which state it really is, what it earned, and what can be done.

import { button, el, say } from "../core/dom.js";
import { api, RECOMMENDER } from "../core/server.js";
import { table } from "../core/table.js";
import { money, number, t } from "../core/words.js";
import { parse, spread } from "./files.js";

const EXTRA = ["tag", "state", "state_name", "why", "warnings", "gives", "as_shown", "spent_count", "reserved_count", "spent_money", "reserved_money", "shown", "refused", "refused_text"];
const path = (offer, more = "") => `${RECOMMENDER}/offers/${encodeURIComponent(offer.offer_id)}${more}`;

/** The fields of an offer as the API takes them. */
export const plain = (offer) => Object.fromEntries(Object.entries(offer).filter(([name]) => !EXTRA.includes(name)));

export function drawList(portfolio, proof, { mayChange, changed, open }) {
  const lifts = new Map((proof.lifts || []).map((row) => [row.offer_id, row]));
  const { currency } = portfolio;
  const of = (now, most, show) => (most === null ? show(now) : t("offers-of", { now: show(now), most: show(most) }));
  const columns = [
    { name: "name", label: t("offers-column-name"), show: (_, row) => nameCell(row, mayChange, open) },
    { name: "state_name", label: t("offers-column-state"), show: (text, row) => el("span", { className: `state state-${row.state}`, title: row.why }, text) },
    { name: "lift", label: t("offers-column-lift"), number: true, show: (_, row) => liftCell(lifts.get(row.offer_id), currency) },
    { name: "shown", label: t("offers-column-shown"), number: true, show: (value) => number(value) },
    { name: "spent_count", label: t("offers-column-redeemed"), number: true, show: (value, row) => of(value, row.budget_count, number) },
    { name: "spent_money", label: t("offers-column-cost"), number: true, show: (value, row) => of(value, row.budget_money, (one) => money(one, currency)) },
  ];
  if (mayChange) columns.push({ name: "do", label: t("offers-column-do"), download: false, show: (_, row) => actions(row, changed, open) });
  const rows = portfolio.rows.map((row) => ({ ...row, lift: lifts.get(row.offer_id)?.difference ?? "" }));
  return el("section", { id: "offers", "aria-labelledby": "offers-list-title" },
    el("h2", { id: "offers-list-title" }, t("offers-list")),
    el("p", { className: "answer" }, portfolio.answer),
    rows.length ? table(columns, rows, { caption: t("offers-list"), file: "offers-list", rowClass: (row) => (row.state === "running" ? "" : "resting") }) : null,
    el("div", { className: "actions" },
      mayChange ? button(t("offers-write"), () => open("new"), { primary: true }) : null,
      mayChange ? fileInput(changed) : null,
      rows.length ? button(t("offers-download"), () => download(portfolio.rows)) : null));
}

function nameCell(row, mayChange, open) {
  const name = mayChange ? el("a", { href: `#${encodeURIComponent(row.offer_id)}`, onclick: (event) => { event.preventDefault(); open(row.offer_id); } }, row.name) : row.name;
  return el("div", { className: "offer-name" }, name,
    el("span", { className: "quiet" }, row.as_shown[document.documentElement.lang] || row.gives),
    row.state === "running" ? null : el("span", { className: "quiet" }, row.why),
    row.refused_text ? el("span", { className: "quiet" }, row.refused_text) : null,
    ...row.warnings.map((text) => el("span", { className: "warning" }, text)));
}

function liftCell(lift, currency) {
  if (!lift || lift.difference === null) return el("span", { className: "quiet", title: lift?.answer || "" }, t("offers-lift-unknown"));
  const sign = (value) => (value > 0 ? "+" : "");
  return el("span", { title: lift.answer, className: lift.decided ? "strong" : "" },
    `${sign(lift.difference)}${money(lift.difference, currency)}`, el("span", { className: "quiet" }, lift.decided ? t("offers-lift-certain") : t("offers-lift-open")));
}

function actions(offer, changed, open) {
  const turn = (status) => () => api("PUT", path(offer), { ...plain(offer), status }, { tag: offer.tag });
  const made = [];
  const add = (label, work) => made.push(button(t(label), work, { name: `${t(label)}: ${offer.name}` }));
  const { name } = offer;
  if (offer.status === "draft") add("offers-start", () => changed(turn("active"), t("offers-started-name", { name })));
  if (offer.status === "active") add("offers-pause", () => changed(turn("paused"), t("offers-paused-name", { name })));
  if (offer.status === "paused") add("offers-go-on", () => changed(turn("active"), t("offers-started-name", { name })));
  if (["active", "paused"].includes(offer.status)) {
    add("offers-end", () => changed(() => api("DELETE", path(offer), undefined, { tag: offer.tag }), t("offers-ended-name", { name }),
      () => api("POST", path(offer, "/restore"))));
  }
  if (offer.status === "ended") add("offers-restore", () => changed(() => api("POST", path(offer, "/restore")), t("offers-restored-name", { name })));
  add("offers-duplicate", () => changed(async () => {
    const copy = await api("POST", path(offer, "/duplicate"));
    open(copy.offer_id);
  }, t("offers-duplicated-name", { name })));
  if (offer.status === "draft") {
    add("offers-delete", () => changed(() => api("DELETE", path(offer), undefined, { tag: offer.tag }), t("offers-deleted-name", { name }),
      () => api("PUT", path(offer), plain(offer))));
  }
  return el("span", { className: "row-actions" }, ...made);
}

function fileInput(changed) {
  const input = el("input", { type: "file", accept: ".csv", onchange: async () => {
    const [file] = input.files;
    if (!file) return;
    let rows = [];
    try {
      rows = parse((await file.text()).replace(/^\ufeff/, ""));
    } catch (error) {
      say(error.message);
    }
    input.value = "";
    await changed(() => api("POST", `${RECOMMENDER}/offers`, { rows }), t("offers-taken-in", { n: rows.length, file: file.name }));
  } });
  return el("label", { className: "file" }, t("offers-upload"), input);
}

// All fields, as the file is taken in again.
function download(offers) {
  const text = (value) => (Array.isArray(value) ? value.join("|") : value && typeof value === "object" ? `${value.kind}:${value.kind === "free_item" ? value.item : value.value}` : value ?? "");
  const full = offers.map((offer) => spread(plain(offer)));
  const names = [...new Set(full.flatMap(Object.keys))];
  const rows = full.map((row) => Object.fromEntries(names.map((name) => [name, text(row[name])])));
  import("../core/table.js").then(({ save }) => save("offers.csv", names.map((name) => ({ name, label: name })), rows));
}
