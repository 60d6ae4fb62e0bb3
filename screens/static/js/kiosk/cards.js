// A dish to press: large for the usual, a card for the others.

import { linesOf, priceOf } from "../basket.js";
import { h } from "../dom.js";
import { langOfName } from "../catalogue.js";
import { groupsOf, nameIn } from "../item.js";
import { pictureFor } from "../picture.js";
import { sponsoredLabel } from "../sponsored.js";
import { allergensOf } from "./diet.js";

export class Cards {
  /** @param {{screen, words, press: (item, visit) => void, open: (item, visit) => void}} parts */
  constructor({ screen, words, press, open }) {
    Object.assign(this, { screen, words, press, open });
  }

  /** The row of the menu for a suggestion, which has neither category nor choices. */
  row(item) {
    return this.screen.rows.find((row) => row.item_id === item.item_id) || item;
  }

  name(item) {
    const { language } = this.words;
    if (!item.bundle?.length) return nameIn(this.row(item), language);
    return linesOf(item, this.screen.rows).map((line) => `${line.quantity} × ${nameIn(line.item, language)}`).join(", ");
  }

  /** The `lang` of that name, so that a screen reader says it as it is written. */
  lang(item) {
    const { language } = this.words;
    if (!item.bundle?.length) return langOfName(this.row(item), language);
    return linesOf(item, this.screen.rows).map((line) => langOfName(line.item, language)).find((lang) => lang !== undefined);
  }

  /** @param {"card"|"large"|"line"} place how large it is shown */
  picture(item, place) {
    return pictureFor(this.row(item), place);
  }

  /** Whether something has to be chosen before it is put in; a whole usual order is put in as it is. */
  asks(item) {
    return !item.bundle?.length && groupsOf(this.row(item)).length > 0;
  }

  price(item) {
    return this.words.price(priceOf(item, this.screen.rows));
  }

  large(item, lead, visit) {
    const { words } = this;
    const [above, why] = [words.t(lead), words.reason(item.reason)];
    return h("button", { type: "button", class: "usual", "data-item": item.item_id, onclick: () => this.press(item, visit) },
      h("span", { class: "tile" }, this.picture(item, "large")),
      h("span", { class: "words" },
        h("span", { class: "kicker" }, above),
        h("span", { class: "name", lang: this.lang(item) }, this.name(item)),
        why !== above && h("span", { class: "why" }, why), // nothing is said twice
        h("span", { class: "row" },
          h("span", { class: "price" }, this.price(item)),
          h("span", { class: "call" }, words.t(this.asks(item) ? "dish_choose" : "the_usual_sub")))));
  }

  /** With `full` it says what is in the dish; with `opens` a press leads to its page. */
  card(item, visit, { full = false, opens = false } = {}) {
    const { words } = this;
    const asks = opens || this.asks(item);
    const work = opens ? this.open : this.press;
    const label = opens ? "dish_about" : asks ? "dish_choose" : "add";
    return h("button", { type: "button", class: "card", "data-item": item.item_id, onclick: () => work(item, visit) },
      h("span", { class: "tile" }, this.picture(item), sponsoredLabel(item, words)),
      h("span", { class: "name", lang: this.lang(item) }, this.name(item)),
      item.reason && h("span", { class: "why" }, words.reason(item.reason)),
      full && h("span", { class: "why" }, allergensOf(item, words)),
      h("span", { class: "row" },
        h("span", { class: "price" }, this.price(item)),
        h("span", { class: "plus", "aria-label": words.t(label) }, asks ? "…" : "+")));
  }

  /** The way to the page of a dish. */
  about(item, visit) {
    const { words } = this;
    return h("button", {
      type: "button", class: "about", "data-about": item.item_id, "aria-label": `${words.t("dish_about")}: ${this.name(item)}`,
      onclick: () => this.open(item, visit),
    }, words.t("dish_about"));
  }
}
