// What the tenant says about itself: money, zone, languages, hours, how long events are kept.

import { el } from "../core/dom.js";
import { field, guard, submit } from "../core/form.js";
import { api, RECOMMENDER } from "../core/server.js";
import { language, number, percent, t } from "../core/words.js";

const PATH = `${RECOMMENDER}/desk/tenant`;
const DAYS = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
const LANGUAGES = ["en", "de", "ja"];

export function sentenceOf(now) {
  const money = now.margin_share === null ? t("settings-revenue", { currency: now.currency }) : t("settings-margin", { currency: now.currency, share: percent(now.margin_share, 1) });
  const kept = now.retention_days === null ? t("settings-kept-always") : t("settings-kept", { days: number(now.retention_days) });
  return `${money} ${t("settings-zone", { zone: now.timezone })} ${kept}`;
}

const dayName = (at) => new Intl.DateTimeFormat(language, { weekday: "long", timeZone: "UTC" }).format(new Date(Date.UTC(2026, 0, 5 + at)));

function currencyName(code) {
  try {
    return `${code} – ${new Intl.DisplayNames([language], { type: "currency" }).of(code)}`;
  } catch {
    return code;
  }
}

export function tenantSection(tenant, choices, may, show) {
  let now = tenant;
  const inputs = fields(now, choices);
  const form = el("form", { id: "tenant", noValidate: true }, el("div", { className: "fields" }, ...inputs.shown), hoursField(inputs),
    may ? el("div", { className: "actions" }, el("button", { className: "primary" }, t("save"))) : el("p", { className: "quiet" }, t("settings-may-not")));
  if (!may) for (const one of form.querySelectorAll("input, select")) one.disabled = true;
  guard(form);
  form.onsubmit = (event) => {
    event.preventDefault();
    submit(form, async () => {
      const saved = await api("PUT", PATH, inputs.read(), { tag: now.etag });
      if (!saved.currency) return; // it waits for a second person
      now = saved;
      show(now);
    });
  };
  return el("section", {}, el("h2", {}, t("settings-tenant")), form);
}

function fields(now, choices) {
  const currency = el("select", {}, ...choices.currencies.map((code) => el("option", { value: code, selected: code === now.currency }, currencyName(code))));
  const margin = el("input", { type: "number", min: 0.1, max: 100, step: 0.1, value: now.margin_share === null ? "" : Math.round(1000 * now.margin_share) / 10 });
  const zone = el("select", {}, ...groups(choices.timezones, now.timezone));
  const retention = el("input", { type: "number", min: 30, max: 3650, step: 1, value: now.retention_days ?? "" });
  const chosen = LANGUAGES.map((one) => el("input", { type: "checkbox", checked: now.languages.includes(one), value: one }));
  const languages = el("div", { className: "field", dataset: { field: "languages" }, role: "group", "aria-label": t("settings-languages") },
    el("span", { className: "label" }, t("settings-languages")), ...LANGUAGES.map((one, at) => el("label", {}, chosen[at], t(`language-${one}`))),
    el("span", { className: "hint" }, t("settings-languages-hint")), el("span", { className: "message" }));
  const hours = DAYS.map((name) => {
    const own = now.opening_hours[name];
    return { name, open: el("input", { type: "time", value: own?.[0] || "", "aria-label": t("settings-opens-at", { day: dayName(DAYS.indexOf(name)) }) }),
      close: el("input", { type: "time", value: own ? own[1].replace("24:00", "00:00") : "", "aria-label": t("settings-closes-at", { day: dayName(DAYS.indexOf(name)) }) }) };
  });
  const read = () => ({
    currency: currency.value,
    margin_share: margin.value === "" ? null : Number(margin.value) / 100,
    timezone: zone.value,
    languages: [...now.languages.filter((one) => chosen[LANGUAGES.indexOf(one)]?.checked), ...LANGUAGES.filter((one, at) => chosen[at].checked && !now.languages.includes(one))],
    opening_hours: Object.fromEntries(hours.filter(({ open, close }) => open.value && close.value).map(({ name, open, close }) => [name, [open.value, close.value]])),
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

function hoursField({ hours }) {
  const rows = hours.map(({ name, open, close }) => el("div", { className: "hours" }, el("span", { className: "day" }, dayName(DAYS.indexOf(name))), open, el("span", { "aria-hidden": "true" }, "–"), close));
  return el("fieldset", { className: "opening", dataset: { field: "opening_hours" } }, el("legend", {}, t("settings-hours")), ...rows, el("p", { className: "hint" }, t("settings-hours-hint")));
}

// Zones by continent, as the list of a few hundred is read.
function groups(zones, now) {
  const by = new Map();
  for (const zone of zones) {
    const name = zone.includes("/") ? zone.split("/")[0] : zone;
    by.set(name, [...(by.get(name) || []), zone]);
  }
  const option = (zone) => el("option", { value: zone, selected: zone === now }, zone.replaceAll("_", " "));
  return [...(zones.includes(now) ? [] : [option(now)]), ...[...by].map(([name, own]) => el("optgroup", { label: name }, ...own.map(option)))];
}
