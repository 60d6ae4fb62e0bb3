// One rule as a form.

import { button, el } from "../core/dom.js";
import { field } from "../core/form.js";
import { t } from "../core/words.js";
import { picker } from "./picker.js";

export const KINDS = ["pin", "hide", "limit", "sponsored", "allergens"];
export const DAYPARTS = ["breakfast", "lunch", "afternoon", "dinner", "night"];
export const WEEKDAYS = [0, 1, 2, 3, 4, 5, 6];

export const weekday = (number) =>
  new Intl.DateTimeFormat(document.documentElement.lang, { weekday: "short", timeZone: "UTC" }).format(new Date(Date.UTC(2024, 0, 1 + number)));

export function select(options, value, change = () => {}) {
  return el("select", { onchange: (event) => change(event.target.value) },
    ...options.map(([id, label]) => el("option", { value: id, selected: id === value }, label)));
}

// A group of boxes to tick; `values()` gives those that are ticked.
export function ticks(label, options, chosen) {
  const boxes = options.map(([value, text]) => [value, el("input", { type: "checkbox", checked: chosen.includes(value) }), text]);
  const group = el("fieldset", { className: "ticks" }, el("legend", {}, label),
    ...boxes.map(([, box, text]) => el("label", {}, box, text)));
  return { group, values: () => boxes.filter(([, box]) => box.checked).map(([value]) => value) };
}

export const newId = () => `rule-${crypto.randomUUID().slice(0, 8)}`;

// The form of `rule`; done(rule) gets the new one. `choices` are the server's.
export function editor(rule, choices, { done, cancel }) {
  const holder = el("div", {});
  draw({ scene: "orders", kind: "pin", position: 1, most: 2, unknown: "leave_out", when: {}, ...rule });
  return holder;

  function draw(now) {
    const form = ruleForm(now, choices, { done, cancel, redraw: draw });
    holder.replaceChildren(form);
  }
}

function ruleForm(now, choices, { done, cancel, redraw }) {
  const when = now.when || {};
  const scenes = [["orders", t("scenes-orders")], ["destinations", t("scenes-destinations")]];
  const kinds = KINDS.filter((kind) => kind !== "allergens" || now.scene === "orders").map((kind) => [kind, t(`scenes-kind-${kind}`)]);
  const parts = ticks(t("scenes-dayparts"), DAYPARTS.map((name) => [name, t(`scenes-${name}`)]), when.dayparts || []);
  const days = ticks(t("scenes-weekdays"), WEEKDAYS.map((day) => [day, weekday(day)]), when.weekdays || []);
  const sites = ticks(t("scenes-sites"), choices.sites.map((site) => [site, site]), when.sites || []);
  const from = el("input", { type: "date", value: when.from_date || "" });
  const until = el("input", { type: "date", value: when.until_date || "" });
  const note = el("input", { type: "text", maxLength: 200, value: now.note || "" });
  const own = fieldsOf(now, choices);
  const message = el("p", { className: "message", role: "alert" });

  function read() {
    const whole = { dayparts: parts.values(), weekdays: days.values(), sites: sites.values(), from_date: from.value || null, until_date: until.value || null };
    return { id: now.id || newId(), kind: now.kind, scene: now.scene, active: now.active ?? true, note: note.value, when: whole, ...own.read() };
  }

  const form = el("form", { className: "rule-form" },
    field("kind", t("scenes-what"), select(kinds, now.kind, (kind) => redraw({ ...now, ...read(), kind }))),
    field("scene", t("scenes-where"), select(scenes, now.scene, (scene) =>
      redraw({ ...now, ...read(), scene, item: "", category: "", kind: now.kind === "allergens" ? "pin" : now.kind }))),
    ...own.fields,
    el("details", { open: Object.values(when).some((value) => value && value.length) },
      el("summary", {}, t("scenes-when")), parts.group, days.group, choices.sites.length ? sites.group : null,
      field("from_date", t("scenes-from"), from), field("until_date", t("scenes-until"), until),
      field("note", t("scenes-note"), note)),
    message,
    el("p", { className: "actions" }, el("button", { type: "submit", className: "primary" }, t("scenes-take")), button(t("cancel"), cancel)));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const made = read();
    const lacks = ["item", "category", "sponsor"].find((name) => name in made && !made[name]);
    message.textContent = lacks ? t(`scenes-lacks-${lacks}`) : "";
    if (lacks) form.querySelector(`[data-field="${lacks}"] input`)?.focus();
    else done(made);
  });
  return form;
}

// The fields of each kind of rule.
function fieldsOf(now, choices) {
  const scene = choices.scenes[now.scene];
  const number = (value, least) => el("input", { type: "number", min: least, max: 50, step: 1, value, required: true });
  if (now.kind === "limit") {
    const found = picker("category", t("scenes-category"), scene.categories.map((name) => ({ id: name, name })), { value: now.category || "" });
    const most = number(now.most || 2, 1);
    return {
      fields: [found.field, field("most", t("scenes-most"), most)],
      read: () => ({ category: found.value(), most: Number(most.value) }),
    };
  }
  if (now.kind === "allergens") {
    const unknown = select([["leave_out", t("scenes-leave-out")], ["say", t("scenes-say")]], now.unknown);
    return { fields: [field("unknown", t("scenes-unknown"), unknown)], read: () => ({ unknown: unknown.value }) };
  }
  const placed = now.kind !== "hide";
  const items = scene.items.filter((one) => one.can_be_placed || !placed).map((one) => ({ id: one.id, name: one.name, more: one.category }));
  const item = picker("item", t("scenes-item"), items, { value: now.item || "" });
  const fields = [item.field];
  const least = now.kind === "sponsored" ? 2 : 1;
  const position = number(Math.max(now.position || least, least), least);
  if (placed) fields.push(field("position", t("scenes-position"), position, now.kind === "sponsored" ? t("scenes-never-first") : ""));
  const sponsor = el("input", { type: "text", maxLength: 60, value: now.sponsor || "" });
  if (now.kind === "sponsored") fields.push(field("sponsor", t("scenes-sponsor"), sponsor, t("scenes-label-hint")));
  return {
    fields,
    read: () => ({
      item: item.value(),
      ...(placed && { position: Number(position.value) }),
      ...(now.kind === "sponsored" && { sponsor: sponsor.value.trim() }),
    }),
  };
}
