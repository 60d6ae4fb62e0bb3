// The filters of a page: period, site, time of day. They stay in the address and, from page to page, in this tab.

import { $, el } from "./dom.js";
import { t } from "./words.js";

const KEPT = "usual-filters";
const NAMES = ["days", "from", "to", "site", "daypart"];
const PERIODS = ["7", "28", "90", "365"];
const DAYPARTS = ["breakfast", "lunch", "afternoon", "dinner", "night"];
const DAY_MS = 86_400_000;

const iso = (date) => date.toISOString().slice(0, 10);

// What is chosen: { days, from, to, site, daypart }; from the address, else from the last page, else 28 days.
export function chosen() {
  const given = new URLSearchParams(location.search);
  const named = NAMES.filter((name) => given.get(name));
  let kept = {};
  try {
    kept = JSON.parse(sessionStorage.getItem(KEPT) || "{}");
  } catch { /* a tab without storage: the address alone */ }
  const found = named.length ? Object.fromEntries(named.map((name) => [name, given.get(name)])) : kept;
  if (!found.from || !found.to) found.days = PERIODS.includes(found.days) ? found.days : "28";
  return found;
}

// The query of an API route, "?from=...&to=...": two dates, both included. `today` is the tenant's ("2026-11-29").
export function query(values, today) {
  const to = values.days ? today : values.to;
  const from = values.days ? iso(new Date(Date.parse(`${today}T00:00:00Z`) - (Number(values.days) - 1) * DAY_MS)) : values.from;
  const asked = { from, to, site: values.site, daypart: values.daypart };
  return `?${new URLSearchParams(Object.entries(asked).filter(([, value]) => value))}`;
}

function keep(values) {
  const set = Object.fromEntries(Object.entries(values).filter(([, value]) => value));
  try {
    sessionStorage.setItem(KEPT, JSON.stringify(set));
  } catch { /* see above */ }
  history.replaceState(null, "", `${location.pathname}?${new URLSearchParams(set)}${location.hash}`);
}

function choice(label, values, now, changed) {
  const select = el("select", { "aria-label": label, onchange: (event) => changed(event.target.value) },
    ...values.map(([value, text]) => el("option", { value, selected: value === (now || "") }, text)));
  return el("label", {}, el("span", {}, label), select);
}

// Draw them into #filters; `changed(values)` is called with what is chosen, at once and after each change.
// sites: those that the person may see; `dayparts: false` leaves out what a page has no figures for.
export async function filters(changed, { sites = [], dayparts = true, today = iso(new Date()) } = {}) {
  let values = chosen();
  const set = async (more) => {
    values = { ...values, ...more };
    keep(values);
    draw();
    await changed(values);
  };
  const draw = () => {
    const own = !values.days;
    const date = (name) => el("label", {}, el("span", {}, t(`filter-${name}`)), el("input", { type: "date", value: values[name] || today, max: today,
      onchange: (event) => { if (event.target.value) set({ [name]: event.target.value }); } }));
    const period = choice(t("filter-period"), [...PERIODS.map((one) => [one, t(`period-${one}`)]), ["", t("period-own")]], values.days || "", (days) => {
      if (days) set({ days, from: "", to: "" });
      else set({ days: "", from: values.from || iso(new Date(Date.parse(`${today}T00:00:00Z`) - 27 * DAY_MS)), to: values.to || today });
    });
    const site = sites.length > 1 ? choice(t("filter-site"), [["", t("filter-all-sites")], ...sites.map((one) => [one, one])], values.site, (one) => set({ site: one })) : null;
    const part = dayparts ? choice(t("filter-daypart"), [["", t("filter-all-day")], ...DAYPARTS.map((one) => [one, t(`daypart-${one}`)])], values.daypart, (one) => set({ daypart: one })) : null;
    const focused = [...$("filters").querySelectorAll("select, input")].indexOf(document.activeElement);
    $("filters").replaceChildren(...[period, own ? date("from") : null, own ? date("to") : null, site, part].filter(Boolean));
    $("filters").querySelectorAll("select, input")[focused]?.focus();
  };
  keep(values);
  draw();
  await changed(values);
}
