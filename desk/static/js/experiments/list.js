// All experiments: what runs first, then drafts, then what was learned.

import { button, el } from "../core/dom.js";
import { answer } from "../core/page.js";
import { api } from "../core/server.js";
import { table } from "../core/table.js";
import { day, t } from "../core/words.js";
import { EXPERIMENTS, moment, state } from "./words.js";

const link = (row) => el("a", { href: `#${encodeURIComponent(row.experiment_id)}` }, row.name);

function card(row) {
  return el("li", { className: "experiment" }, el("h3", {}, link(row)),
    row.question ? el("p", { className: "quiet" }, row.question) : null,
    el("p", {}, row.sentence),
    row.started_us ? el("p", { className: "quiet" }, t("experiments-since", { date: day(moment(row.started_us)) })) : null);
}

const group = (title, rows) => el("section", {}, el("h2", {}, title), el("ul", { className: "experiments" }, ...rows.map(card)));

function finished(rows) {
  const columns = [
    { name: "name", label: t("experiments-column-name"), show: (value, row) => link(row) },
    { name: "state", label: t("experiments-column-state"), show: state },
    { name: "sentence", label: t("experiments-column-verdict"), show: (value) => el("span", { className: "long" }, value) },
  ];
  const caption = t("experiments-finished");
  return el("section", {}, el("h2", {}, caption), table(columns, rows, { caption, file: "experiments" }));
}

export async function drawList(may) {
  const reply = await api("GET", EXPERIMENTS);
  answer(reply.answer);
  const of = (...states) => reply.experiments.filter((row) => states.includes(row.state));
  const fresh = may ? el("p", { className: "actions" }, button(t("experiments-new"), () => { location.hash = "new"; }, { primary: true })) : null;
  if (!reply.experiments.length) return [el("section", {}, el("p", {}, t("experiments-none-yet")), fresh ?? "")];
  return [
    fresh ?? "",
    of("running").length ? group(t("experiments-running"), of("running")) : "",
    of("draft").length ? group(t("experiments-drafts"), of("draft")) : "",
    of("stopped", "decided").length ? finished(of("stopped", "decided")) : "",
  ];
}
