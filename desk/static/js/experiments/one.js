// One experiment: the verdict, its chart and table, what else changed, and what can be done with it.

import { button, el, say } from "../core/dom.js";
import { answer } from "../core/page.js";
import { api } from "../core/server.js";
import { table } from "../core/table.js";
import { day, has, number, percent, t } from "../core/words.js";
import { chart } from "./chart.js";
import { sayAfterwards } from "./notice.js";
import { difference, EXPERIMENTS, mean, moment, state } from "./words.js";

async function act(path, body, done) {
  try {
    await api("POST", `${EXPERIMENTS}/${path}`, body);
    sayAfterwards(done);
    dispatchEvent(new HashChangeEvent("hashchange")); // drawn again, with the new figures
  } catch (error) {
    say(error.message);
  }
}

// A button that asks first: its place takes the question with Yes and No.
function asking(label, question, work, options = {}) {
  const place = el("span", { className: "asking" });
  const closed = button(label, () => {
    const yes = button(t("experiments-yes"), work, { primary: true });
    place.replaceChildren(el("span", { role: "alert" }, question), yes, button(t("experiments-no"), () => place.replaceChildren(closed)));
    yes.focus();
  }, options);
  place.append(closed);
  return place;
}

function actions(one) {
  const id = encodeURIComponent(one.experiment_id);
  const made = [];
  if (one.state === "draft") {
    made.push(button(t("experiments-start"), () => act(`${id}/start`, {}, t("experiments-started")), { primary: true }));
    made.push(button(t("experiments-edit"), () => { location.hash = `edit-${one.experiment_id}`; }));
    made.push(button(t("experiments-delete"), async () => {
      await api("DELETE", `${EXPERIMENTS}/${id}`).catch((error) => say(error.message));
      location.hash = "";
    }));
  }
  if (["running", "stopped"].includes(one.state)) {
    const best = one.kind === "better" ? winner(one) : "";
    one.variants.slice(1).filter((row) => !row.vanished).forEach((row) => made.push(asking(
      t("experiments-make-rule", { variant: row.name }), t("experiments-sure-rule", { variant: row.name }),
      () => act(`${id}/decide`, { winner: row.name }, t("experiments-decided")), { primary: row.name === best })));
    made.push(asking(t("experiments-no-change"), t("experiments-sure-stop"), () => act(`${id}/decide`, { winner: "" }, t("experiments-decided"))));
  }
  if (one.state === "running") made.push(asking(t("experiments-stop"), t("experiments-sure-stop"), () => act(`${id}/stop`, {}, t("experiments-stopped"))));
  return el("p", { className: "actions" }, ...made);
}

const winner = (one) => [...one.variants].filter((row) => row.low > 0).sort((a, b) => b.difference - a.difference)[0]?.name;

function columns(one) {
  const guard = (name, show) => (value, row) => (row.guards[name] ? show(row.guards[name].mean) + (row.guards[name].worse ? " ⚠" : "") : "–");
  return [
    { name: "name", label: t("experiments-column-variant"), show: (value, row) => (row.label ? `${value}: ${row.label}` : value) },
    { name: "what", label: t("experiments-column-what"), show: (value) => el("span", { className: "long" }, value) },
    { name: "share", label: t("experiments-share"), number: true, show: (value) => percent(value) },
    { name: "customers", label: t("experiments-column-customers"), number: true, show: (value) => (value === null ? t("experiments-few") : number(value)) },
    { name: "visits", label: t("experiments-column-visits"), number: true, show: (value) => number(value) },
    { name: "mean", label: t("experiments-column-mean"), number: true, show: (value) => mean(one.metric, value, one.currency) },
    { name: "difference", label: t("experiments-column-difference"), number: true, show: (value) => difference(one.metric, value, one.currency) },
    { name: "low", label: t("experiments-column-span"), number: true, show: (value, row) => (value === null ? "–" : `${difference(one.metric, value, one.currency)} … ${difference(one.metric, row.high, one.currency)}`) },
    { name: "completed", label: t("experiments-column-completed"), number: true, download: false, show: guard("completed", (value) => percent(value)) },
    { name: "not_me", label: t("experiments-column-not_me"), number: true, download: false, show: guard("not_me", (value) => percent(value, 1)) },
    { name: "answer_ms", label: t("experiments-column-answer"), number: true, download: false, show: guard("answer_ms", (value) => number(value, 1)) },
  ];
}

function exploration(one) {
  const named = (by, value) => (!value ? t("experiments-nowhere") : by === "daypart" && has(`experiments-daypart-${value}`) ? t(`experiments-daypart-${value}`) : value);
  const made = ["site", "daypart"].filter((by) => one.exploration[by].length).map((by) => table([
    { name: "group", label: t(`experiments-${by}`), show: (value) => named(by, value) },
    { name: "variant", label: t("experiments-column-variant") },
    { name: "customers", label: t("experiments-column-customers"), number: true, show: (value) => (value === null ? t("experiments-few") : number(value)) },
    { name: "mean", label: t("experiments-column-mean"), number: true, show: (value) => mean(one.metric, value, one.currency) },
  ], one.exploration[by], { caption: t(`experiments-${by}`), file: `experiment-${by}` }));
  if (!made.length) return "";
  return el("details", {}, el("summary", {}, t("experiments-exploration-title")), el("p", { className: "quiet" }, t("experiments-exploration-hint")), ...made);
}

const aside = (title, texts, alarm = false) => el("section", { className: alarm ? "question alarm" : "question" }, el("h2", {}, title), ...texts.map((text) => el("p", {}, text)));

function span(one) {
  if (!one.started_us) return state(one.state);
  const parts = [state(one.state), t("experiments-since", { date: day(moment(one.started_us)) })];
  const end = one.stopped_us || one.ends_us;
  if (end) parts.push(t("experiments-until", { date: day(moment(end)) }));
  return parts.join(" · ");
}

export async function drawOne(id, may) {
  const one = await api("GET", `${EXPERIMENTS}/${encodeURIComponent(id)}`);
  answer(one.sentence);
  const worse = one.variants.some((row) => Object.values(row.guards).some((guard) => guard.worse));
  const counted = one.state !== "draft";
  return [
    el("p", {}, el("a", { href: "#" }, `← ${t("experiments-back")}`)),
    el("section", { className: one.ratio_broken ? "question alarm" : one.kind === "better" ? "question certain" : "question" },
      el("h2", {}, one.name), one.question ? el("p", {}, one.question) : null, el("p", { className: "quiet" }, span(one)),
      ...one.remarks.map((text) => el("p", { className: "notice" }, text)),
      chart(one.variants, one.metric, one.currency),
      table(columns(one), one.variants, { caption: `${t("experiments-table")}: ${t(`experiments-metric-${one.metric}`)}`, file: `experiment-${one.experiment_id}` }),
      may ? actions(one) : null),
    ...(counted ? [
      ...(one.ratio ? [  // sums of all sites are not for who may see some
        aside(t("experiments-ratio"), [one.ratio], one.ratio_broken),
        aside(t("experiments-guards"), one.guards, worse),
        aside(t("experiments-cost"), [one.cost]),
      ] : []),
      exploration(one),
    ] : []),
  ];
}
