// What the tenant says about itself: money, zone, languages, hours, how long events are kept.

import { el } from "../core/dom.js";
import { field, guard, submit } from "../core/form.js";
import { language, number, percent, t } from "../core/words.js";
import { hoursFields, zoneChoice } from "./clock.js";

const LANGUAGES = ["en", "de", "ja"];

export function sentenceOf(now) {
  const unit = { currency: now.currency, digits: number(now.digits) };
  const money = now.margin_share === null ? t("settings-revenue", unit) : t("settings-margin", { ...unit, share: percent(now.margin_share, 1) });
  const kept = now.retention_days === null ? t("settings-kept-always") : t("settings-kept", { days: number(now.retention_days) });
  return `${money} ${t("settings-zone", { zone: now.timezone })} ${kept}`;
}

function currencyName(code) {
  try {
    return `${code} – ${new Intl.DisplayNames([language], { type: "currency" }).of(code)}`;
  } catch {
    return code;
  }
}

export function tenantSection(house, choices, may) {
  const inputs = fields(house.now, choices);
  const form = el("form", { id: "tenant", noValidate: true }, el("div", { className: "fields" }, ...inputs.shown), inputs.hours.shown,
    may ? el("div", { className: "actions" }, el("button", { className: "primary" }, t("save"))) : el("p", { className: "quiet" }, t("settings-may-not")));
  if (!may) for (const one of form.querySelectorAll("input, select")) one.disabled = true;
  guard(form);
  form.onsubmit = (event) => {
    event.preventDefault();
    submit(form, () => house.save(inputs.read()));
  };
  return el("section", {}, el("h2", {}, t("settings-tenant")), form);
}

function fields(now, choices) {
  const currency = el("select", {}, ...choices.currencies.map((code) => el("option", { value: code, selected: code === now.currency }, currencyName(code))));
  const margin = el("input", { type: "number", min: 0.1, max: 100, step: 0.1, value: now.margin_share === null ? "" : Math.round(1000 * now.margin_share) / 10 });
  const zone = zoneChoice(choices.timezones, now.timezone);
  const retention = el("input", { type: "number", min: 30, max: 3650, step: 1, value: now.retention_days ?? "" });
  const chosen = LANGUAGES.map((one) => el("input", { type: "checkbox", checked: now.languages.includes(one), value: one }));
  const languages = el("div", { className: "field", dataset: { field: "languages" }, role: "group", "aria-label": t("settings-languages") },
    el("span", { className: "label" }, t("settings-languages")), ...LANGUAGES.map((one, at) => el("label", {}, chosen[at], t(`language-${one}`))),
    el("span", { className: "hint" }, t("settings-languages-hint")), el("span", { className: "message" }));
  const hours = hoursFields(now.opening_hours, t("settings-hours-hint"));
  const read = () => ({
    currency: currency.value,
    margin_share: margin.value === "" ? null : Number(margin.value) / 100,
    timezone: zone.value,
    languages: [...now.languages.filter((one) => chosen[LANGUAGES.indexOf(one)]?.checked), ...LANGUAGES.filter((one, at) => chosen[at].checked && !now.languages.includes(one))],
    opening_hours: hours.read(),
    retention_days: retention.value === "" ? null : Number(retention.value),
  });
  const shown = [
    field("currency", t("settings-currency"), currency, t("settings-currency-hint")),
    field("margin_share", t("settings-margin-share"), margin, t("settings-margin-hint")),
    field("timezone", t("settings-timezone"), zone, t("settings-timezone-hint")),
    field("retention_days", t("settings-retention"), retention, t("settings-retention-hint")),
    languages,
  ];
  return { shown, hours, read };
}
