// How is it going? What needs attention, visits, what was taken, what it earned; each with the same weekdays before.

import { $, el } from "../core/dom.js";
import { lines } from "../core/chart.js";
import { filters, query } from "../core/filters.js";
import { answer, start } from "../core/page.js";
import { api, RECOMMENDER } from "../core/server.js";
import { day, money, number, percent, t, when, wholeMoney } from "../core/words.js";

const load = (values, today) => api("GET", `${RECOMMENDER}/desk/overview${query(values, today)}`);

start(async (person) => {
  const first = await api("GET", `${RECOMMENDER}/desk/overview`); // also says which day it is for the tenant
  let unused = first;
  await filters(async (values) => {
    const usual = values.days === "28" && !values.site && !values.daypart;
    const reply = usual && unused ? unused : await load(values, first.today);
    unused = null;
    draw(reply, person);
  }, { sites: first.sites, today: first.today });
});

function draw(reply, person) {
  answer(reply.answer);
  $("content").replaceChildren(attention(reply.attention), shortcuts(person), tiles(reply), visits(reply), taken(reply), worth(reply));
}

function attention(items) {
  if (!items.length) return el("section", { className: "attention is-calm" }, el("h2", {}, t("overview-attention")), el("p", {}, t("overview-calm")));
  const shown = items.map((item) => el("li", { className: item.level }, el("a", { href: item.href }, item.text),
    item.since ? el("span", { className: "quiet" }, ` ${t("overview-since", { when: when(item.since) })}`) : null));
  return el("section", { className: "attention" }, el("h2", {}, t("overview-attention")), el("ul", {}, ...shown));
}

// What people come here for, one click away.
function shortcuts(person) {
  const all = [
    ["/desk/offers", "overview-to-offers", "view"],
    ["/desk/suggestions", "overview-to-suggestions", "view"],
    ["/desk/trainings", "overview-to-schedule", "train"],
    ["/desk/people", "overview-to-people", "people"],
  ];
  const mine = all.filter(([, , scope]) => person.scopes.includes(scope));
  return el("nav", { className: "shortcuts", "aria-label": t("overview-shortcuts") }, ...mine.map(([href, id]) => el("a", { href }, t(id))));
}

function tiles(reply) {
  const { totals: now, before, currency, value_is: kind } = reply;
  const share = (one) => (one ? percent(one.value) : null);
  const rows = [
    [t("overview-visits"), number(now.visits), change(now.visits, before.visits)],
    [t("overview-recognised"), share(now.recognised), points(now.recognised, before.recognised)],
    [t("overview-taken"), share(now.taken_any), points(now.taken_any, before.taken_any)],
    [t("overview-revenue"), now.value === null ? null : wholeMoney(now.value, currency), change(now.value, before.value)],
    [t("overview-per-order"), now.value_per_order === null ? null : money(now.value_per_order, currency), change(now.value_per_order, before.value_per_order)],
  ];
  const made = rows.map(([label, value, compared]) => el("div", { className: "tile" }, el("dt", {}, label),
    el("dd", { className: "figure" }, value ?? "–"), el("dd", { className: "quiet" }, value === null ? t("overview-unknown") : compared)));
  return el("section", {}, el("h2", {}, t("overview-figures")), el("dl", { className: "tiles" }, ...made),
    kind === "revenue" ? el("p", { className: "quiet" }, t("overview-no-margin"), " ", el("a", { href: "/desk/settings" }, t("overview-set-margin"))) : null);
}

function change(now, before) {
  if (!before || now === null || now === undefined) return t("overview-no-before");
  const by = now / before - 1;
  if (Math.abs(by) < 0.005) return t("overview-same");
  return t(by > 0 ? "overview-more" : "overview-less", { by: percent(Math.abs(by)) });
}

function points(now, before) {
  if (!now || !before || before.value === null || now.value === null) return t("overview-no-before");
  const by = Math.round(100 * (now.value - before.value));
  return by ? t(by > 0 ? "overview-points-more" : "overview-points-less", { by: number(Math.abs(by)) }) : t("overview-same");
}

const places = (rows) => rows.map((row) => ({ text: day(row.day).replace(/[,.]? ?\d{4}年?/, ""), long: day(row.day) }));

function visits(reply) {
  const some = reply.days.some((row) => row.visits || row.orders);
  if (!some) return el("section", {}, el("h2", {}, t("overview-visits-chart")), el("p", {}, t("overview-empty")));
  const series = [
    { name: "visits", label: t("overview-visits"), values: reply.days.map((row) => row.visits) },
    { name: "orders", label: t("overview-orders"), values: reply.days.map((row) => row.orders), quiet: true },
    { name: "recognised", label: t("overview-recognised-visits"), values: reply.days.map((row) => row.recognised) },
  ];
  return el("section", {}, el("h2", {}, t("overview-visits-chart")),
    lines({ label: t("overview-visits-chart"), x: places(reply.days), series, format: (value) => number(value), file: "usual-visits" }),
    el("p", { className: "quiet" }, t("overview-hidden", { n: reply.least_people })));
}

function taken(reply) {
  const shares = reply.days.map((row) => row.taken_any);
  if (!shares.some(Boolean)) return el("section", {}, el("h2", {}, t("overview-taken-chart")), el("p", {}, t("overview-taken-empty")));
  const of = (name) => shares.map((one) => (one ? one[name] : null));
  const series = [{ name: "taken", label: t("overview-taken"), values: of("value"), low: of("low"), high: of("high") }];
  return el("section", {}, el("h2", {}, t("overview-taken-chart")),
    lines({ label: t("overview-taken-chart"), caption: t("overview-taken-caption"), x: places(reply.days), series, format: (value) => percent(value), file: "usual-taken" }));
}

function worth({ holdout, currency }) {
  const parts = [el("h2", {}, t("overview-holdout")), el("p", { className: "answer" }, holdout.text)];
  if (holdout.history?.length > 1) {
    const of = (name) => holdout.history.map((row) => row[name]);
    const x = holdout.history.map((row) => ({ text: day(row.until).replace(/[,.]? ?\d{4}年?/, ""), long: day(row.until) }));
    parts.push(lines({ label: t("overview-holdout"), x, zero: t("overview-holdout-zero"), format: (value) => money(value, currency), file: "usual-holdout",
      series: [{ name: "difference", label: t("overview-difference"), values: of("difference"), low: of("low"), high: of("high") }] }));
  }
  parts.push(el("p", {}, el("a", { href: "/desk/offers" }, t("overview-to-offers"))));
  return el("section", {}, ...parts);
}
