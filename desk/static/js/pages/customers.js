// Are the promises to customers kept? Consents, opt-outs, erasures; no faces, no names.

import { $, el } from "../core/dom.js";
import { answer, start } from "../core/page.js";
import { api, IDENTITY } from "../core/server.js";
import { table } from "../core/table.js";
import { day, has, number, t } from "../core/words.js";

const section = (title, ...children) => el("section", {}, el("h2", {}, title), ...children);
const people = (n) => (n === null ? t("customers-few") : number(n));
const purpose = (name) => (has(`purpose-${name}`) ? t(`purpose-${name}`) : name);
const counts = (names) => names.map((name) => ({ name, label: t(`customers-${name}`), number: true, show: people }));

function purposes(rows) {
  const columns = [{ name: "purpose", label: t("customers-purpose"), show: purpose }, ...counts(["agree", "given", "withdrawn", "expired"])];
  return section(t("customers-purposes"), table(columns, rows, { caption: t("customers-purposes"), file: "purposes" }));
}

function notices(rows) {
  const columns = [{ name: "notice", label: t("customers-notice") }, { name: "purpose", label: t("customers-purpose"), show: purpose }, ...counts(["given"])];
  return section(t("customers-notices"), table(columns, rows, { caption: t("customers-notices"), file: "notices" }));
}

function erasures(rows) {
  const columns = [
    { name: "receipt", label: t("customers-receipt"), show: (id) => el("code", {}, id) },
    { name: "day", label: t("customers-day"), show: day },
    { name: "state", label: t("customers-state"), show: (state) => el("span", { className: `state ${state}` }, t(`customers-state-${state}`)) },
    { name: "waits_for", label: t("customers-waits-for"), show: (places) => places.join("; ") || "–" },
  ];
  return section(t("customers-erasures"), table(columns, rows, { caption: t("customers-erasures"), file: "erasures", rowClass: (row) => row.state }));
}

function held(rows) {
  if (!rows.length) return null;
  const columns = [{ name: "reference", label: t("customers-reference"), show: (text) => el("code", {}, text) }];
  return section(t("customers-held"), el("p", {}, t("customers-held-how")), table(columns, rows, { caption: t("customers-held"), file: "held" }));
}

start(async () => {
  let found;
  try {
    found = await api("GET", `${IDENTITY}/desk/promises`);
  } catch (error) {
    if (error.problem?.status !== 404) throw error;
    answer(t("customers-elsewhere"));
    return;
  }
  answer(found.answer);
  $("content").replaceChildren(...[
    held(found.held),
    erasures(found.erasures),
    purposes(found.purposes),
    notices(found.notices),
    el("p", {}, el("a", { href: "/desk/record" }, t("customers-record"))),
  ].filter(Boolean));
});
