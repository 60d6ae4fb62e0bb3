// How offers are decided: the customers who never see one, how much is tried, how often one customer sees offers.
// Mounted by the settings page: `await offersSettings({ mayChange })` gives a section.

import { el } from "../core/dom.js";
import { field, guard, submit } from "../core/form.js";
import { api, RECOMMENDER } from "../core/server.js";
import { percent, t } from "../core/words.js";
import { major, minor, whole } from "../offers/amounts.js";

const PATH = `${RECOMMENDER}/desk/settings`;
// name -> how it is typed: a share in percent, a whole number, or money
const FIELDS = { holdout_share: "share", share: "share", exploration: "share", nag_count: "whole", nag_days: "whole", window_hours: "whole", lateness_hours: "whole", effect_scale: "money" };
const LABELS = { share: "offer-settings-visits-share", exploration: "offer-settings-visits-exploration" }; // the others have the field's name
const id = (name) => name.replaceAll("_", "-");

function sentence(now) {
  const parts = [
    t("offer-settings-holdout", { share: percent(now.holdout_share, 1) }),
    now.share === null ? t("offer-settings-all") : t("offer-settings-share", { share: percent(now.share, 1) }),
    t("offer-settings-exploration", { share: percent(now.exploration, 1) }),
    now.nag_count === null ? "" : t("offer-settings-nag", { count: now.nag_count, days: now.nag_days }),
  ];
  return parts.filter(Boolean).join(" ");
}

function typed(kind, value, digits) {
  if (value === null || value === undefined) return "";
  if (kind === "share") return String(+(100 * value).toFixed(4));
  return kind === "money" ? major(value, digits) : String(value);
}

function read(kind, text, digits) {
  if (kind === "money") return minor(text, digits);
  if (kind === "whole") return whole(text);
  const given = text.trim().replace(",", ".");
  return given === "" ? null : Number.isNaN(Number(given)) ? text : Number(given) / 100;
}

export async function offersSettings({ mayChange = true } = {}) {
  const [now, house] = await Promise.all([api("GET", PATH), api("GET", `${RECOMMENDER}/desk/tenant`).catch(() => ({}))]);
  const currency = house.currency || "EUR";
  const digits = new Intl.NumberFormat("en", { style: "currency", currency }).resolvedOptions().maximumFractionDigits;
  let tag = now.etag;
  const said = el("p", { className: "answer" }, sentence(now));
  const inputs = Object.entries(FIELDS).map(([name, kind]) => {
    const fixed = now.fixed.includes(name);
    const input = el("input", { type: "text", inputMode: "decimal", value: typed(kind, now[name], digits), readOnly: fixed || !mayChange });
    const unit = kind === "share" ? " (%)" : kind === "money" ? ` (${currency})` : "";
    const hint = fixed ? t("offer-settings-fixed") : t(`offer-settings-hint-${id(name)}`);
    return { name, kind, input, box: field(name, t(LABELS[name] || `offer-settings-${id(name)}`) + unit, input, hint) };
  });
  const form = el("form", { noValidate: true }, el("div", { className: "fields" }, ...inputs.map((one) => one.box)),
    mayChange ? el("div", { className: "actions" }, el("button", { className: "primary" }, t("save"))) : null);
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const body = Object.fromEntries(inputs.filter((one) => !one.input.readOnly).map((one) => [one.name, read(one.kind, one.input.value, digits)]));
    await submit(form, async () => {
      const saved = await api("PUT", PATH, body, { tag });
      if (saved.waits_for_approval) return;
      tag = saved.etag;
      said.textContent = sentence(saved);
    });
  });
  guard(form);
  return el("section", { id: "offer-settings", "aria-labelledby": "offer-settings-title" },
    el("h2", { id: "offer-settings-title" }, t("offer-settings-title")), said,
    el("details", {}, el("summary", {}, t("offer-settings-change")), form));
}
