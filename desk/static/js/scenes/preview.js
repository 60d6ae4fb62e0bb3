// What somebody would see, before and after the rules: a guest, a drawn person, or one whose orders are imagined.

import { button, el, say } from "../core/dom.js";
import { field } from "../core/form.js";
import { api, RECOMMENDER } from "../core/server.js";
import { money, t } from "../core/words.js";
import { DAYPARTS, select, WEEKDAYS, weekday } from "./editor.js";
import { picker } from "./picker.js";

// `document()` gives the rules that are being edited, null for the published ones; `currency` is the tenant's.
export function preview(choices, { document: rules, currency }) {
  const state = { scene: "orders", who: "guest", daypart: "lunch", weekday: "", site: "", orders: [], about: [], without: "", offer: false };
  const outcome = el("div", { className: "preview-outcome", "aria-live": "polite" });
  const form = el("form", { className: "preview-form" });
  const section = el("section", { id: "preview" }, el("h2", {}, t("scenes-preview")), el("p", { className: "quiet" }, t("scenes-preview-hint")), form, outcome);
  let turn = 0;

  const set = (name) => (value) => {
    state[name] = value;
    if (name === "scene") Object.assign(state, { orders: [], about: [], who: "guest" });
    if (name === "scene" || name === "who") drawForm();
    show();
  };

  async function show() {
    const mine = ++turn;
    try {
      const reply = await api("POST", `${RECOMMENDER}/desk/preview`, asked());
      if (mine === turn) outcome.replaceChildren(...drawn(reply));
    } catch (error) {
      if (mine === turn) say(error.message);
    }
  }

  function asked() {
    const [kind, name] = state.who.startsWith("drawn:") ? ["drawn", state.who.slice(6)] : [state.who, ""];
    const edited = rules();
    return {
      scene: state.scene,
      customer: { kind, name, orders: kind === "imaginary" ? state.orders.map(({ items, days_ago }) => ({ items, days_ago })) : [] },
      daypart: state.daypart,
      ...(state.weekday !== "" && { weekday: Number(state.weekday) }),
      site: state.site,
      without_allergens: state.without.split(",").map((one) => one.trim()).filter(Boolean),
      about: state.about,
      offer: state.offer,
      ...(edited ? { document: edited } : { rules: "live" }),
    };
  }

  function drawForm() {
    const people = choices.people[state.scene].map((one) => [`drawn:${one.name}`, one.text]);
    const who = [["guest", t("scenes-guest")], ...people, ["imaginary", t("scenes-imaginary")]];
    const days = [["", t("scenes-today")], ...WEEKDAYS.map((day) => [String(day), weekday(day)])];
    const scenes = [["orders", t("scenes-orders")], ["destinations", t("scenes-destinations")]];
    const offer = el("input", { type: "checkbox", checked: state.offer, onchange: (event) => set("offer")(event.target.checked) });
    const without = el("input", { type: "text", value: state.without, onchange: (event) => set("without")(event.target.value) });
    form.replaceChildren(
      field("preview-scene", t("scenes-where"), select(scenes, state.scene, set("scene"))),
      field("preview-who", t("scenes-who"), select(who, state.who, set("who"))),
      field("preview-daypart", t("scenes-daypart"), select(DAYPARTS.map((name) => [name, t(`scenes-${name}`)]), state.daypart, set("daypart"))),
      field("preview-weekday", t("scenes-weekday"), select(days, state.weekday, set("weekday"))),
      field("preview-site", t("scenes-site"), select([["", t("scenes-any-site")], ...choices.sites.map((site) => [site, site])], state.site, set("site"))),
      state.scene === "orders" ? field("preview-without", t("scenes-without"), without, t("scenes-without-hint")) : "",
      state.scene === "orders" ? el("label", { className: "tick" }, offer, t("scenes-with-offers")) : "",
      state.who === "imaginary" ? imagined() : "");
  }

  // The orders of an imaginary person: what, and how many days ago.
  function imagined() {
    const rows = el("ul", { className: "imagined" });
    const redraw = () => rows.replaceChildren(...state.orders.map((order, n) => el("li", {},
      el("span", {}, t("scenes-order-row", { items: order.names.join(", "), days: order.days_ago })),
      button(t("scenes-remove"), () => { state.orders.splice(n, 1); redraw(); show(); }, { name: `${t("scenes-remove")}: ${order.names.join(", ")}` }))));
    const days = el("input", { type: "number", min: 0, max: 730, value: 1 });
    const items = choices.scenes[state.scene].items.map((one) => ({ id: one.id, name: one.name, more: one.category }));
    const found = picker("imagine-item", t("scenes-add-order"), items, {
      keep: false,
      hint: t("scenes-imaginary-hint"),
      chosen: (one) => {
        state.orders.push({ items: [one.id], names: [one.name], days_ago: Number(days.value) || 0 });
        redraw();
        show();
      },
    });
    redraw();
    return el("fieldset", { className: "imagine" }, el("legend", {}, t("scenes-imaginary")), field("imagine-days", t("scenes-days-ago"), days), found.field, rows);
  }

  function drawn(reply) {
    const lists = el("div", { className: "side-by-side" }, list(t("scenes-before"), reply.before), list(t("scenes-after"), reply.after));
    const moves = reply.moves.map((move) => el("li", {}, move.text));
    const offers = reply.offers.map((one) => el("li", {}, one.name));
    return [
      el("p", { className: "answer" }, reply.answer),
      lists,
      moves.length ? el("details", { open: true }, el("summary", {}, t("scenes-moves")), el("ul", {}, ...moves)) : "",
      state.offer ? el("div", {}, el("h3", {}, t("scenes-offers")), offers.length ? el("ul", {}, ...offers) : el("p", { className: "quiet" }, t("scenes-no-offers"))) : "",
      whyNot(reply.about),
    ];
  }

  function list(title, rows) {
    const lines = rows.map((row) => el("li", { className: row.rule ? "by-rule" : "" },
      el("strong", {}, row.name), row.sponsored ? el("span", { className: "tag" }, t("scenes-sponsored")) : null,
      row.allergens_unknown ? el("span", { className: "tag" }, t("scenes-allergens-unknown")) : null,
      row.price === null ? null : el("span", { className: "quiet" }, ` ${money(row.price, currency)}`),
      el("span", { className: "why quiet" }, row.rule ? row.rule.sentence : row.reason_text),
      row.place_before && row.place_before !== row.place ? el("span", { className: "quiet" }, t("scenes-was", { place: row.place_before })) : null));
    return el("div", {}, el("h3", {}, title), rows.length ? el("ol", {}, ...lines) : el("p", { className: "quiet" }, t("scenes-empty-list")));
  }

  function whyNot(about) {
    const items = choices.scenes[state.scene].items.map((one) => ({ id: one.id, name: one.name, more: one.category }));
    const found = picker("why-not", t("scenes-why-not"), items, {
      keep: false,
      hint: t("scenes-why-not-hint"),
      chosen: (one) => {
        state.about = [one.id, ...state.about.filter((id) => id !== one.id)].slice(0, 5);
        show().then(() => section.querySelector("[data-field='why-not'] input")?.focus());
      },
    });
    return el("form", { className: "why-not", onsubmit: (event) => event.preventDefault() }, found.field, el("ul", { id: "why-not-answers" }, ...about.map((one) => el("li", {}, one.text))));
  }

  drawForm();
  return { section, show };
}
