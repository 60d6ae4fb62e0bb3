// Everything there is, the same for everybody, and the filters that a person sets for this visit alone.

import { byCategory } from "../basket.js";
import { wordFor } from "../catalogue.js";
import { $, $$, announce, h } from "../dom.js";
import { redraw } from "../redraw.js";
import { place } from "../screen.js";
import { filtered, filtersFor } from "./diet.js";

export class Menu {
  /** @param {{screen, words, cards}} parts */
  constructor({ screen, words, cards }) {
    Object.assign(this, { screen, words, cards });
    $("#filters-open").addEventListener("click", () => this.#open());
  }

  draw(visit) {
    const served = [...byCategory(this.screen.rows, place().site).values()].flat();
    const { shown, hidden, unknown } = filtered(served, visit);
    const groups = byCategory(shown);
    this.#filters(visit, served);
    $("#menu-hidden").textContent = hidden ? this.#told(hidden, unknown) : "";
    redraw($("#menu-categories"), [...groups.keys()].map((name) =>
      h("button", { type: "button", class: "chip", "data-focus": `jump ${name}`, onclick: () => jump(name) }, this.words.category(name))));
    redraw($("#menu-list"), groups.size ? this.#sections(groups, visit) : [h("p", { class: "lead" }, this.#nothing(hidden))]);
  }

  #sections(groups, visit) {
    return [...groups].map(([name, rows]) =>
      h("section", { "data-category": name },
        h("h2", {}, this.words.category(name)),
        h("ul", { class: "cards" }, ...rows.map((row) =>
          h("li", {}, this.cards.card(row, visit, { full: true }), this.cards.about(row, visit))))));
  }

  #told(hidden, unknown) {
    const { words } = this;
    return unknown ? words.t("filter_hidden_unknown", { count: hidden, unknown }) : words.t("filter_hidden", { count: hidden });
  }

  #nothing(hidden) {
    return this.words.t(hidden ? "filter_nothing" : "menu_empty");
  }

  #open() {
    const box = $("#filters");
    box.hidden = !box.hidden;
    $("#filters-open").setAttribute("aria-expanded", String(!box.hidden));
  }

  #filters(visit, rows) {
    const { words } = this;
    const { diets, allergens } = filtersFor(rows);
    $("#filters-open").hidden = !diets.length && !allergens.length;
    const chip = (list, value, label) => h("button", {
      type: "button", class: "chip", "data-focus": `filter ${value}`, "aria-pressed": String(visit[list].includes(value)),
      onclick: () => this.#toggle(visit, list, value),
    }, label);
    redraw($("#filters"), [
      ...diets.map((diet) => chip("diets", diet, words.t(`diet_${diet}`))),
      ...allergens.map((name) => chip("without", name,
        words.t("filter_without", { name: wordFor("allergen", name, words.language) }))),
    ]);
  }

  #toggle(visit, list, value) {
    visit[list] = visit[list].includes(value) ? visit[list].filter((one) => one !== value) : [...visit[list], value];
    this.draw(visit);
    announce($("#menu-hidden").textContent || this.words.t("filter_all"));
  }
}

function jump(name) {
  const section = $$("[data-category]").find(({ dataset }) => dataset.category === name);
  section?.scrollIntoView();
  section?.querySelector("button")?.focus({ preventScroll: true });
}
