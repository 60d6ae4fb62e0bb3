// Choosing a time zone and opening hours.

import { el } from "../core/dom.js";
import { language, t } from "../core/words.js";

const DAYS = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

const dayName = (at, weekday = "long") => new Intl.DateTimeFormat(language, { weekday, timeZone: "UTC" }).format(new Date(Date.UTC(2026, 0, 5 + at)));

// Zones by continent, as the list of a few hundred is read. `none` is the label of "no zone of its own".
export function zoneChoice(zones, now, none = "") {
  const by = new Map();
  for (const zone of zones) {
    const name = zone.includes("/") ? zone.split("/")[0] : zone;
    by.set(name, [...(by.get(name) || []), zone]);
  }
  const option = (zone) => el("option", { value: zone, selected: zone === now }, zone.replaceAll("_", " "));
  const groups = [...by].map(([name, own]) => el("optgroup", { label: name }, ...own.map(option)));
  const first = none ? [el("option", { value: "", selected: !now }, none)] : [];
  return el("select", {}, ...first, ...(!now || zones.includes(now) ? [] : [option(now)]), ...groups);
}

// Two times for each day: { shown, read(), show(hours) }.
export function hoursFields(now, hint) {
  const days = DAYS.map((name, at) => {
    const [open, close] = ["opens", "closes"].map((kind) => el("input", { type: "time", "aria-label": t(`settings-${kind}-at`, { day: dayName(at) }) }));
    return { name, at, open, close };
  });
  const rows = days.map(({ at, open, close }) => el("div", { className: "hours" }, el("span", { className: "day" }, dayName(at)), open, el("span", { "aria-hidden": "true" }, "–"), close));
  const show = (hours) => {
    for (const { name, open, close } of days) {
      open.value = hours[name]?.[0] || "";
      close.value = (hours[name]?.[1] || "").replace("24:00", "00:00");
    }
  };
  const read = () => Object.fromEntries(days.filter(({ open, close }) => open.value && close.value).map(({ name, open, close }) => [name, [open.value, close.value]]));
  show(now);
  const shown = el("fieldset", { className: "opening", dataset: { field: "opening_hours" } }, el("legend", {}, t("settings-hours")), ...rows, el("p", { className: "hint" }, hint));
  return { shown, read, show };
}

// Hours in a line: days that follow each other and have the same hours are one part. "" where there are none.
export function hoursText(hours) {
  const parts = [];
  DAYS.forEach((name, at) => {
    const times = hours[name]?.join("–");
    const last = parts.at(-1);
    if (times && last?.times === times && last.to === at - 1) last.to = at;
    else if (times) parts.push({ times, from: at, to: at });
  });
  return parts.map(({ times, from, to }) => `${dayName(from, "short")}${to > from ? `–${dayName(to, "short")}` : ""} ${times}`).join(", ");
}
