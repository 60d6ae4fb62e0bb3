// The page of one dish: picture, text, allergens, choices with large targets, a note for the kitchen.

import { unitPrice } from "../basket.js";
import { langOfName, langOfText } from "../catalogue.js";
import { $, announce, h } from "../dom.js";
import { chosenOf, groupsOf, nameIn, textIn, usualChoices } from "../item.js";
import { redraw } from "../redraw.js";
import { settle } from "../tap.js";
import { allergensOf } from "./diet.js";

const LONGEST_NOTE = 140;
const BACK = { suggest: "to_suggest", menu: "to_menu", basket: "to_basket" };

/** A note reaches the kitchen on the ticket that this kiosk prints: without a printer none is asked for. */
const prints = new URLSearchParams(location.search).has("printer");

export class Dish {
  /** @param {{screen, words, stage, cards, similar, changed: (visit, change: () => string) => void}} parts */
  constructor({ screen, words, stage, cards, similar, changed }) {
    Object.assign(this, { screen, words, stage, cards, similar, changed });
    this.stage.on("dish", (visit) => this.#show(visit));
    $("#dish-back").addEventListener("click", () => this.#leave(this.stage.visit));
    $("#dish-add").addEventListener("click", () => this.#take(this.stage.visit));
  }

  /** Open the page of a dish, or of a line that is in the basket. */
  open(item, visit, line = null) {
    const row = this.cards.row(item);
    const { options, note, quantity } = line || { options: usualChoices(row), note: "", quantity: 1 };
    const here = this.stage.state === "dish";
    const from = here ? visit.dish.from : this.stage.state;
    visit.dish = { item: row, key: line?.key ?? null, options: chosenOf(row, options), note, quantity, from, similar: [] };
    if (here) this.#turn(visit);
    else this.stage.go("dish");
  }

  #show(visit) {
    this.draw(visit);
    this.similar.ask(visit);
  }

  /** Another dish on this page, from its top. */
  #turn(visit) {
    settle();
    this.#show(visit);
    window.scrollTo(0, 0);
    $("main").scrollTop = 0;
    $("#dish-title").focus({ preventScroll: true });
  }

  draw(visit) {
    const { words } = this;
    const { item, key, quantity } = visit.dish;
    const { language } = words;
    $("#dish-title").replaceChildren(h("span", { lang: langOfName(item, language) }, nameIn(item, language)));
    redraw($("#dish-body"), [
      h("div", { class: "dish-about" },
        h("span", { class: "tile" }, this.cards.picture(item, "large")),
        h("div", { class: "stack" },
          textIn(item, language) && h("p", { class: "lead", lang: langOfText(item, language), dir: "auto" }, textIn(item, language)),
          h("p", { class: "allergens" }, allergensOf(item, words)),
          this.#asksAboutChoices(visit) && h("p", { class: "allergens" }, words.t("allergens_choices")))),
      ...groupsOf(item).map((group) => this.#group(group, visit)),
      h("div", { class: "steps" }, ...this.#steps(visit)),
      ...(prints ? [this.#note(visit)] : []),
    ]);
    $("#dish-add-label").textContent = words.t(key ? "dish_change" : "the_usual_sub");
    $("#dish-sum").textContent = words.price(quantity * unitPrice(visit.dish));
    this.similar.draw(visit);
  }

  /** Whether something was chosen that the allergens of the dish do not speak of: they are of its usual choices. */
  #asksAboutChoices({ dish: { item, options } }) {
    return Boolean(item.allergens) && options.some((id) => !usualChoices(item).includes(id));
  }

  #group({ id, choose, choices, ...group }, visit) {
    const { words } = this;
    const one = choose !== "many";
    const pick = (choice, checked) => {
      const ids = choices.map((each) => each.id);
      const others = visit.dish.options.filter((each) => (one ? !ids.includes(each) : each !== choice));
      visit.dish.options = chosenOf(visit.dish.item, checked ? [...others, choice] : others);
      this.draw(visit);
      announce($("#dish-sum").textContent);
    };
    return h("fieldset", { class: "options" },
      h("legend", { lang: langOfName(group, words.language) }, nameIn(group, words.language)),
      ...choices.map((choice) => h("label", { class: "choice" },
        h("input", {
          type: one ? "radio" : "checkbox", name: `option-${id}`, "data-focus": `option ${choice.id}`, autocomplete: "off",
          checked: visit.dish.options.includes(choice.id), onchange: (event) => pick(choice.id, event.target.checked),
        }),
        h("span", {},
          h("strong", { lang: langOfName(choice, words.language) }, nameIn(choice, words.language)),
          choice.price ? h("span", { class: "price" }, words.price(choice.price, { signed: true })) : null))));
  }

  #steps(visit) {
    const { words } = this;
    const step = (name, sign, by) => h("button", {
      type: "button", class: "step", "data-focus": `dish ${name}`, "aria-label": words.t(name),
      onclick: () => {
        visit.dish.quantity = Math.max(1, visit.dish.quantity + by);
        this.draw(visit);
        announce(`${visit.dish.quantity}, ${$("#dish-sum").textContent}`);
      },
    }, sign);
    return [step("remove", "−", -1), h("span", { class: "count" }, String(visit.dish.quantity)), step("more", "+", 1)];
  }

  #note(visit) {
    const { words } = this;
    const field = h("textarea", {
      id: "dish-note", class: "field", maxlength: String(LONGEST_NOTE), rows: "2", autocomplete: "off",
      oninput: () => (visit.dish.note = field.value),
    });
    field.value = visit.dish.note;
    return h("div", { class: "stack" }, h("label", { for: "dish-note" }, words.t("dish_note", { most: LONGEST_NOTE })), field);
  }

  #take(visit) {
    const { item, key, options, quantity } = visit.dish;
    const note = visit.dish.note.replace(/\s+/g, " ").trim().slice(0, LONGEST_NOTE);
    if (key) visit.basket.change(key, { item, options, note, quantity });
    else visit.basket.add(item, quantity, options, note);
    this.#leave(visit);
    this.changed(visit, () => `${this.words.t("added")}: ${nameIn(item, this.words.language)}`);
  }

  #leave(visit) {
    this.stage.go(BACK[visit.dish.from]);
  }
}
