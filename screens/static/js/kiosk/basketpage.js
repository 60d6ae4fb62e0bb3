// The order before it is placed: its lines, what has changed on the menu meanwhile, and the way to take a change back.

import { problemsOf, unitPrice } from "../basket.js";
import { $, announce, h } from "../dom.js";
import { langOfName } from "../catalogue.js";
import { choiceNames, nameIn } from "../item.js";
import { redraw } from "../redraw.js";
import { place } from "../screen.js";
import { settle } from "../tap.js";

const UNDO_MS = 6000;

export class BasketPage {
  /** @param {{screen, words, stage, cards, offering, dish, ask: (visit) => void}} parts */
  constructor({ screen, words, stage, cards, offering, dish, ask }) {
    Object.assign(this, { screen, words, stage, cards, offering, dish, ask, timer: null, onChanged: () => {} });
    for (const id of ["#undo", "#undo-basket"]) $(id).addEventListener("click", () => this.#undo(this.stage.visit));
    $("#order-rest").addEventListener("click", () => this.#rest(this.stage.visit));
  }

  /**
   * The basket was changed by the person: show it, say it, ask what goes with it.
   * @param {() => string} change what the change was, in the language of then
   */
  changed(visit, change) {
    this.onChanged();
    const { basket } = visit;
    const sum = this.words.t("basket_now", { count: basket.count, sum: this.words.price(basket.total) });
    visit.change = change;
    announce(`${change()}. ${sum}`);
    this.check(visit);
    this.#offerUndo();
    this.offering.show(visit);
    this.draw(visit);
    this.ask(visit);
  }

  /** Compare the order with the menu as it is now. */
  check(visit) {
    visit.problems = problemsOf(visit.basket, this.screen.rows, place().site);
  }

  draw(visit) {
    const { words } = this;
    const { basket, problems } = visit;
    $("#basket-count").textContent = String(basket.count);
    $("#basket-sum").textContent = words.price(basket.total);
    $("#basket-total").textContent = words.price(basket.total);
    $("#basket-open").disabled = basket.empty;
    $("#order").disabled = basket.empty || problems.length > 0;
    $("#order-rest").hidden = !problems.length || problems.length === basket.lines.size;
    $("#basket-problems").textContent = problems.length ? words.t("problem_some") : "";
    $("#undo-basket").hidden = !basket.past.length;
    if (!basket.past.length) this.#closeUndo(); // also when somebody else's visit has begun
    $("#undo-text").textContent = visit.change();
    redraw($("#basket-lines"), [
      ...(basket.empty ? [h("li", { class: "line" }, words.t("basket_empty"))] : [...basket.lines.values()].map((line) => this.#line(line, visit))),
      ...(visit.taken ? [this.offering.line(visit)] : []),
    ], $("#basket-title"));
  }

  #line(line, visit) {
    const { words } = this;
    const { item, quantity, options, note, key } = line;
    const name = nameIn(item, words.language);
    const problem = visit.problems.find((one) => one.key === key);
    const chosen = [...choiceNames(item, options, words.language), note && `“${note}”`].filter(Boolean).join(", ");
    const step = (label, sign, work) => h("button", {
      type: "button", class: "step", "data-step": `${label} ${key}`, "aria-label": `${words.t(label)}: ${name}`,
      onclick: () => {
        work();
        this.changed(visit, () => `${words.t(label)}: ${nameIn(item, words.language)}`);
      },
    }, sign);
    return h("li", { class: problem ? "line wrong" : "line" },
      h("span", { class: "tile" }, this.cards.picture(item, "line")),
      h("span", { class: "name" }, h("span", { lang: langOfName(item, words.language) }, name), chosen && h("span", { class: "why chosen" }, chosen)),
      h("span", { class: "steps" },
        step("remove", "−", () => visit.basket.remove(key)),
        h("span", { class: "count" }, String(quantity)),
        step("more", "+", () => visit.basket.add(item, 1, options, note))),
      h("span", { class: "price" }, words.price(unitPrice(line) * quantity)),
      problem ? this.#problem(problem, line, visit) : h("button", {
        type: "button", class: "about", "data-step": `change ${key}`, "aria-label": `${words.t("dish_change")}: ${name}`,
        onclick: () => this.dish.open(item, visit, line),
      }, words.t("dish_change")));
  }

  /** What has changed on the menu for a line, and what can be done about it. */
  #problem({ kind, price }, { key, item }, visit) {
    const { words } = this;
    const name = nameIn(item, words.language);
    const button = (label, work) => h("button", {
      type: "button", class: "quiet", "data-step": `${label} ${key}`, "aria-label": `${words.t(label)}: ${name}`,
      onclick: () => {
        work();
        this.changed(visit, () => `${words.t(label)}: ${nameIn(item, words.language)}`);
      },
    }, words.t(label));
    const take = () => {
      const line = visit.basket.lines.get(key);
      visit.basket.change(key, { ...line, item: this.screen.rows.find((row) => row.item_id === item.item_id) });
    };
    return h("span", { class: "problem" },
      h("span", { class: "error" }, words.t(`problem_${kind}`, { price: words.price(price) })),
      h("span", { class: "answers" },
        kind === "price" && button("problem_accept", take),
        button("problem_take_out", () => visit.basket.drop([key]))));
  }

  /** Take out all that cannot be had as it stands. */
  #rest(visit) {
    visit.basket.drop(visit.problems.map(({ key }) => key));
    this.changed(visit, () => this.words.t("problem_rest_done"));
  }

  #offerUndo() {
    $("#undo-bar").hidden = false;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => {
      this.#closeUndo();
      settle($("footer.bar"));
    }, UNDO_MS);
  }

  /** The way back goes; a focus on it goes to what is beside it, else to the top of the page. */
  #closeUndo() {
    clearTimeout(this.timer);
    const bar = $("#undo-bar");
    const inside = bar.contains(document.activeElement);
    bar.hidden = true;
    if (!inside) return;
    if ($("#basket-open").disabled) this.stage.focusHeading();
    else $("#basket-open").focus();
  }

  #undo(visit) {
    if (!visit.basket.undo()) return;
    this.changed(visit, () => this.words.t("undone"));
    this.#closeUndo();
    if (!document.activeElement?.checkVisibility() || document.activeElement === document.body) this.stage.focusHeading();
  }
}
