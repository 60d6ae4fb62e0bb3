// The changes that wait for a second person: who, what, before and after, until when; approve or refuse.

import { button, el, say } from "../core/dom.js";
import { api, DESK } from "../core/server.js";
import { t, when } from "../core/words.js";

function values(one) {
  if (!one.differences.length) return null;
  const head = ["record-field", "record-earlier", "record-later"].map((id) => el("th", { scope: "col" }, t(id)));
  const rows = one.differences.map((line) => el("tr", {}, el("th", { scope: "row" }, line.field || "–"),
    el("td", {}, line.earlier ?? "–"), el("td", {}, line.later ?? "–")));
  return el("div", { className: "scroll" },
    el("table", { className: "differences" }, el("thead", {}, el("tr", {}, ...head)), el("tbody", {}, ...rows)));
}

function buttons(one, decide) {
  if (one.yours) return [el("p", { className: "hint" }, t("proposal-own")), button(t("proposal-take-back"), () => decide(one, "refuse"), { name: `${t("proposal-take-back")}: ${one.what}` })];
  if (!one.may_approve) return [el("p", { className: "hint" }, t("proposal-not-yours"))];
  return [
    button(t("proposal-approve"), () => decide(one, "approve"), { primary: true, name: `${t("proposal-approve")}: ${one.what}` }),
    button(t("proposal-refuse"), () => decide(one, "refuse"), { name: `${t("proposal-refuse")}: ${one.what}` }),
  ];
}

// Draw them into `place`; `changed` is called after a decision.
export async function proposals(place, changed) {
  const { rows } = await api("GET", `${DESK}/proposals`);
  const waiting = rows.filter((one) => one.state === "waiting");

  async function decide(one, what) {
    try {
      const done = await api("POST", `${DESK}/proposals/${one.proposal_id}/${what}`);
      await proposals(place, changed);
      changed();
      say(done.says);
    } catch (error) {
      say(error.message);
    }
  }

  place.hidden = !waiting.length;
  place.replaceChildren(el("h2", {}, t("proposals-title")), ...waiting.map((one) => el("article", { className: "proposal card", dataset: { proposal: one.proposal_id } },
    el("p", {}, t("proposal-line", { who: one.who_name, what: one.what })),
    el("p", { className: "hint" }, t("proposal-until", { until: when(one.until) })),
    values(one),
    el("p", { className: "buttons" }, ...buttons(one, decide)))));
}
