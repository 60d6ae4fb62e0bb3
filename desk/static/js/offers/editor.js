// Write or change one offer: few fields first, the rest under "More"; beside them the kiosk's card and the reach.

import { button, el, say } from "../core/dom.js";
import { field, guard, submit } from "../core/form.js";
import { api, RECOMMENDER } from "../core/server.js";
import { has, language, t } from "../core/words.js";
import { major, minor, whole } from "./amounts.js";
import { picker } from "./picker.js";
import { preview } from "./preview.js";

const DAYS = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
const FRESH = {
  offer_id: "", name: "", text: "", items: [], categories: [], sites: [], weekdays: [], from_hour: 0, to_hour: 24, starts_on: null, ends_on: null,
  discount: null, min_spend: 0, once_per_visit: true, terms: "", budget_count: null, budget_money: null, cap_count: null, cap_days: null,
  never_twice: false, redemption_cost: 0, window_hours: 72, status: "draft", names: {}, terms_in: {},
};
const WAIT_MS = 350;
const NOT_ASKED = ["offer_id", "name", "text", "names", "terms_in"]; // they change nothing of whom an offer reaches
const LISTS = ["items", "categories", "sites", "weekdays"];

const textInput = (value, more = {}) => el("input", { type: "text", value: value ?? "", ...more });

// The parts of the form; `read` gets a function for each field of the API.
class Fields {
  constructor(house, given) {
    this.house = house;
    this.given = given;
    this.read = {};
  }

  add(name, input, value, { hint = true } = {}) {
    this.read[name] = value;
    const hintId = `offers-hint-${name.replaceAll("_", "-")}`;
    return field(name, t(`offers-field-${name.replaceAll("_", "-")}`), input, hint && has(hintId) ? t(hintId) : "");
  }

  text(name, more) {
    const input = textInput(this.given[name], more);
    return this.add(name, input, () => input.value);
  }

  long(name) {
    const input = el("textarea", { value: this.given[name] ?? "", rows: 2 });
    return this.add(name, input, () => input.value);
  }

  // The same text in each language of the screens but the first, which the field without a language has.
  byLanguage(name, more) {
    const given = this.given[name] || {};
    const others = [...new Set([...this.house.languages.slice(1), ...Object.keys(given)])];
    const label = t(`offers-field-${name.replaceAll("_", "-")}`);
    const nameOf = new Intl.DisplayNames([language], { type: "language" });
    const inputs = others.map((one) => textInput(given[one], { name: `${name}.${one}`, lang: one, ...more }));
    this.read[name] = () => Object.fromEntries(others.map((one, at) => [one, inputs[at].value.trim()]).filter(([, text]) => text));
    return others.length ? el("div", { className: "field by-language", dataset: { field: name }, role: "group", "aria-label": label },
      el("span", { className: "label" }, label),
      ...inputs.map((input, at) => el("label", {}, el("span", { className: "hint" }, nameOf.of(others[at])), input)),
      el("span", { className: "hint" }, t(`offers-hint-${name.replaceAll("_", "-")}`)), el("span", { className: "message" })) : "";
  }

  date(name) {
    const input = el("input", { type: "date", value: this.given[name] ?? "" });
    return this.add(name, input, () => input.value || null);
  }

  count(name) {
    const input = textInput(this.given[name], { inputMode: "numeric" });
    return this.add(name, input, () => whole(input.value));
  }

  money(name) {
    const value = this.given[name];
    const input = textInput(value ? major(value, this.house.digits) : "", { inputMode: "decimal" });
    return this.add(name, input, () => minor(input.value, this.house.digits));
  }

  hour(name) {
    const input = el("select", {}, ...Array.from({ length: 25 }, (_, at) =>
      el("option", { value: String(at), selected: at === this.given[name] }, `${String(at).padStart(2, "0")}:00`)).filter((_, at) => (name === "from_hour" ? at < 24 : at > 0)));
    return this.add(name, input, () => Number(input.value));
  }

  flag(name) {
    const input = el("input", { type: "checkbox", checked: Boolean(this.given[name]) });
    const box = this.add(name, input, () => input.checked);
    box.classList.add("flag");
    return box;
  }

  days() {
    const boxes = DAYS.map((day, at) => el("input", { type: "checkbox", value: day, checked: this.given.weekdays.includes(at) }));
    this.read.weekdays = () => boxes.flatMap((box, at) => (box.checked ? [at] : []));
    const names = DAYS.map((_, at) => new Intl.DateTimeFormat(language, { weekday: "short", timeZone: "UTC" }).format(new Date(Date.UTC(2024, 0, 1 + at))));
    return el("div", { className: "field", dataset: { field: "weekdays" }, role: "group", "aria-label": t("offers-field-weekdays") },
      el("span", { className: "label" }, t("offers-field-weekdays")),
      el("span", { className: "days-row" }, ...boxes.map((box, at) => el("label", {}, box, names[at]))),
      el("span", { className: "hint" }, t("offers-hint-weekdays")), el("span", { className: "message" }));
  }

  pick(name, options, more = {}) {
    const label = t(`offers-field-${name}`);
    const chosen = picker(options, this.given[name], { label, ...more });
    const box = this.add(name, chosen.input, () => chosen.values());
    box.querySelector("label").remove(); // it would name the whole list of chips
    chosen.element.insertBefore(chosen.input, chosen.element.lastChild);
    box.prepend(el("label", { htmlFor: chosen.input.id, className: "label" }, label), chosen.element);
    return box;
  }

  // What the customer gets: a kind, and its value or its dish.
  discount() {
    const { discount } = this.given;
    const kinds = ["percent", "amount", "free_item", ""];
    const kind = el("select", { name: "discount_kind" }, ...kinds.map((one) =>
      el("option", { value: one, selected: one === (discount ? discount.kind : this.given.offer_id ? "" : "percent") }, t(`offers-gives-${one.replace("_", "-") || "nothing"}`))));
    const { digits, currency, items } = this.house;
    const value = textInput(!discount || discount.kind === "free_item" ? "" : discount.kind === "amount" ? major(discount.value, digits) : discount.value,
      { inputMode: "decimal", "aria-label": t("offers-gives-value") });
    const unit = el("span", { className: "unit" });
    const free = picker(items.map((item) => ({ value: item.item_id, label: item.name, hint: item.category })), discount?.item ? [discount.item] : [],
      { label: t("offers-gives-free-item"), one: true });
    free.input.setAttribute("aria-label", t("offers-gives-free-item"));
    const show = () => {
      value.hidden = unit.hidden = !["percent", "amount"].includes(kind.value);
      unit.textContent = kind.value === "percent" ? "%" : currency;
      free.element.hidden = kind.value !== "free_item";
    };
    kind.addEventListener("change", show);
    show();
    const box = this.add("discount", kind, () => {
      if (!kind.value) return null;
      if (kind.value === "free_item") return { kind: "free_item", item: free.values()[0] || "" };
      return { kind: kind.value, value: kind.value === "amount" ? minor(value.value, digits) : whole(value.value) };
    });
    box.classList.add("gives");
    box.querySelector("label").after(el("span", { className: "gives-value" }, value, unit, free.element));
    return box;
  }
}

function idOf(name, taken) {
  const base = name.normalize("NFKD").toLowerCase().replace(/[^a-z0-9]+/g, "-").replace(/^-+|-+$/g, "").slice(0, 40) || "offer";
  for (let number = 1; ; number += 1) {
    const id = number === 1 ? base : `${base}-${number}`;
    if (!taken.has(id) && id !== "none") return id;
  }
}

/** The editor of `offer` (null: a new one). `done(text)` goes back to the list. */
export function editor(house, offer, done) {
  const given = offer || FRESH;
  const fields = new Fields(house, given);
  const dishes = house.items.map((item) => ({ value: item.item_id, label: item.name, hint: item.category }));
  const words = (list) => list.map((one) => ({ value: one, label: one }));
  const first = el("fieldset", { className: "fields" },
    fields.text("name", { required: true, maxLength: 200 }), fields.discount(), fields.money("min_spend"),
    fields.pick("categories", words(house.categories)), fields.pick("items", dishes),
    fields.date("starts_on"), fields.date("ends_on"), fields.pick("sites", words(house.sites)));
  const more = el("details", { className: "more" }, el("summary", {}, t("offers-more")),
    el("fieldset", { className: "fields" },
      fields.byLanguage("names", { maxLength: 200 }), fields.flag("once_per_visit"), fields.long("terms"),
      fields.byLanguage("terms_in", { maxLength: 500 }), fields.text("text"), fields.days(), fields.hour("from_hour"), fields.hour("to_hour"),
      fields.count("budget_count"), fields.money("budget_money"), fields.money("redemption_cost"),
      fields.count("cap_count"), fields.count("cap_days"), fields.count("window_hours"), fields.flag("never_twice"),
      fields.text("offer_id", { readOnly: Boolean(offer) })));
  const beside = el("div", { className: "beside", "aria-live": "polite" });
  const made = () => {
    const body = Object.fromEntries(Object.entries(fields.read).map(([name, value]) => [name, value()]));
    if (!body.offer_id) body.offer_id = idOf(body.name || "", new Set(house.rows.map((row) => row.offer_id)));
    for (const name of ["min_spend", "redemption_cost", "window_hours"]) if (body[name] === null) delete body[name];
    if (body.cap_count === null) body.cap_days = null;
    return body;
  };
  const form = el("form", { className: "offer-form", noValidate: true });
  const store = (status, text) => submit(form, async () => {
    const body = { ...made(), status };
    if (!offer && house.rows.some((row) => row.offer_id === body.offer_id)) {
      throw Object.assign(new Error(t("offers-id-taken")), { problem: { fields: [{ field: "offer_id", message: t("offers-id-taken") }] } });
    }
    await api("PUT", `${RECOMMENDER}/offers/${encodeURIComponent(body.offer_id)}`, body, { tag: offer?.tag });
  }, { done: text }).then((saved) => {
    if (saved) return done(text);
    if (more.querySelector(".is-wrong")) more.open = true;
    form.querySelector(".is-wrong [name]")?.focus();
    return undefined;
  });
  const own = given.status;
  form.append(first, more, el("div", { className: "actions" },
    ...(offer && own !== "draft" ? [el("button", { className: "primary" }, t("save"))] : [
      el("button", { className: "primary" }, t("offers-start")), button(t("offers-save-draft"), () => store("draft", t("offers-draft-saved")))]),
    button(t("cancel"), () => { if (!form.dataset.dirty || window.confirm(t("offers-leave"))) { form.dataset.dirty = ""; done(""); } })));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    store(own === "draft" ? "active" : own, own === "draft" ? t("offers-started") : t("saved"));
  });
  guard(form);
  follow(form, made, beside, house);
  say("");
  return el("section", { className: "editor", "aria-labelledby": "editor-title" },
    el("h2", { id: "editor-title" }, offer ? t("offers-change", { name: offer.name }) : t("offers-new")),
    el("p", { className: "quiet" }, t("offers-zone", { zone: house.timezone, currency: house.currency })),
    el("div", { className: "editor-columns" }, form, beside));
}

// The card in the language of this page.
const shownHere = (body, terms) => preview({ ...body, name: body.names[language] || body.name }, body.terms_in[language] || terms);

// Keep the card and the reach up to date while somebody types.
function follow(form, made, beside, house) {
  let timer = 0;
  let asked = 0;
  const draw = async () => {
    asked += 1;
    const turn = asked;
    const body = made();
    const query = new URLSearchParams({ language });
    for (const [name, value] of Object.entries(body)) {
      if (NOT_ASKED.includes(name) || value === null || value === "") continue;
      if (name === "discount") query.set(name, `${value.kind}:${value.kind === "free_item" ? value.item : value.value ?? ""}`);
      else query.set(name, LISTS.includes(name) ? value.join("|") : String(value));
    }
    try {
      const reach = await api("GET", `${RECOMMENDER}/desk/reach?${query}`);
      if (turn !== asked) return;
      beside.replaceChildren(shownHere(body, reach.as_shown[language]), el("h3", {}, t("offers-reach")), el("p", { className: "reach" }, reach.answer));
    } catch (error) {
      if (turn === asked && !error.away) beside.replaceChildren(shownHere(body, ""), el("p", { className: "quiet" }, t("offers-reach-later")));
    }
  };
  const later = () => { clearTimeout(timer); timer = setTimeout(draw, WAIT_MS); };
  form.addEventListener("input", later);
  form.addEventListener("change", later);
  draw();
}
