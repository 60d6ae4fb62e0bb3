// By which clock each site lives and when it is open: as the house, or as it says itself.

import { button, el } from "../core/dom.js";
import { field, guard, mark, submit } from "../core/form.js";
import { table } from "../core/table.js";
import { t } from "../core/words.js";
import { hoursFields, hoursText, zoneChoice } from "./clock.js";

const NOTHING = { timezone: "", opening_hours: {} };

export function sitesSection(house, choices, may) {
  const list = el("div", {});
  const edit = may ? siteForm(house, choices) : null;
  const place = el("section", { id: "sites" }, el("h2", {}, t("sites-title")), el("p", { className: "quiet" }, t("sites-explained")), list);
  if (edit) place.append(edit.form);
  house.watch((now) => list.replaceChildren(tableOf(now, choices.sites, edit)));
  return place;
}

function tableOf(now, known, edit) {
  const names = [...new Set([...known, ...Object.keys(now.sites)])].sort();
  if (!names.length) return el("p", {}, t("sites-none"));
  const rows = names.map((site) => ({ site, ...NOTHING, ...now.sites[site] }));
  const asTheHouse = (text) => t("sites-as-house", { value: text });
  const columns = [
    { name: "site", label: t("filter-site") },
    { name: "timezone", label: t("settings-timezone"), show: (zone) => zone || asTheHouse(now.timezone) },
    { name: "opening_hours", label: t("settings-hours"), show: (hours) => hoursText(hours) || asTheHouse(hoursText(now.opening_hours) || t("sites-hours-not-given")) },
  ];
  if (edit) columns.push({ name: "act", label: t("versions-act"), show: (value, { site }) => button(t("sites-change"), () => edit.open(site), { name: t("sites-change-name", { site }) }) });
  return table(columns, rows, { caption: t("sites-title") });
}

function siteForm(house, choices) {
  const known = el("datalist", { id: "known-sites" }, ...choices.sites.map((value) => el("option", { value })));
  const name = el("input", { type: "text", maxLength: 64, autocomplete: "off" });
  name.setAttribute("list", known.id);
  const zone = zoneChoice(choices.timezones, "", t("sites-zone-of-house"));
  const hours = hoursFields({}, t("sites-hours-hint"));
  const fields = el("div", { className: "fields" }, field("sites", t("filter-site"), name, t("sites-name-hint")), field("timezone", t("settings-timezone"), zone));
  const form = el("form", { noValidate: true }, fields, known, hours.shown, el("div", { className: "actions" }, el("button", {}, t("save"))));
  const show = () => {
    const own = house.now.sites[name.value.trim()] || NOTHING;
    zone.value = own.timezone;
    hours.show(own.opening_hours);
  };
  name.addEventListener("input", show);
  guard(form);
  form.onsubmit = (event) => {
    event.preventDefault();
    const site = name.value.trim();
    if (!site) return mark(form, [{ field: "sites", message: t("sites-name-missing") }]);
    submit(form, () => house.save({ sites: withSite(house.now.sites, site, { timezone: zone.value, opening_hours: hours.read() }) }));
  };
  const open = (site) => {
    name.value = site;
    show();
    zone.focus();
  };
  return { form, open };
}

// A site that says nothing of its own is as the house, and stands nowhere.
function withSite(sites, site, own) {
  const { [site]: earlier, ...others } = sites;
  return own.timezone || Object.keys(own.opening_hours).length ? { ...others, [site]: own } : others;
}
