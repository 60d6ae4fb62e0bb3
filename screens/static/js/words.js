// The chosen language: sentences, prices, and texts for the server's codes.

import { FIRST, directionOf, has, languageFor, load, sentence } from "./dictionaries.js";
import { intl } from "./fluent.js";
import { wordFor } from "./catalogue.js";
import { reasonIn } from "./reasons.js";
import { $$ } from "./dom.js";

export class Words {
  /** @param {string} page kiosk or taxi: "usual" is a dish at one and a place in the other */
  constructor(language, currency, page) {
    this.page = page;
    this.first = languageFor(language);
    this.currency = currency;
    this.listeners = [];
    this.said = new Map(); // from an element to the sentence that it shows: [key, values]
    this.#show(has(this.first) ? this.first : FIRST); // there is always a language to speak
    this.use(this.first);
  }

  /** Run `work` on each change of the language. */
  onChange(work) {
    this.listeners.push(work);
  }

  /** Let the buttons of `root`, one for each language, choose it. */
  choice(root) {
    for (const button of root.children) button.addEventListener("click", () => this.use(button.dataset.language));
    this.#mark();
  }

  /** Show everything in a language; the next person starts with the screen's own again. */
  use(language) {
    this.wanted = language;
    if (has(language)) this.#show(language);
    else load(language).then(() => this.wanted === language && this.#show(language), () => {});
  }

  #show(language) {
    this.language = language;
    const money = { style: "currency", currency: this.currency };
    this.money = intl(Intl.NumberFormat, language, money);
    this.difference = intl(Intl.NumberFormat, language, { ...money, signDisplay: "exceptZero" });
    document.documentElement.lang = language;
    document.documentElement.dir = directionOf(language);
    for (const element of $$("[data-i18n]")) element.textContent = this.t(element.dataset.i18n);
    for (const [element, [key, values]] of this.said) {
      if (element.textContent) element.textContent = this.t(key, values);
      else this.said.delete(element); // it was emptied when a visit was forgotten
    }
    for (const element of $$("[data-i18n-label]")) {
      element.setAttribute("aria-label", this.t(element.dataset.i18nLabel));
    }
    for (const element of $$("[data-i18n-placeholder]")) {
      element.setAttribute("placeholder", this.t(element.dataset.i18nPlaceholder));
    }
    this.#mark();
    for (const work of this.listeners) work();
  }

  #mark() {
    for (const button of $$("[data-language]")) {
      button.setAttribute("aria-pressed", String(button.dataset.language === this.language));
    }
  }

  /** A sentence with its values; one that this language lacks is in English. */
  t(key, values = {}) {
    const text = sentence(this.language, key, values);
    if (text === undefined) throw new Error(`no sentence ${key}`);
    return text;
  }

  /** Show a sentence in an element, in whichever language is chosen while it stands there; without a key nothing. */
  say(element, key = "", values = {}) {
    this.said.delete(element);
    if (key) this.said.set(element, [key, values]);
    element.textContent = key ? this.t(key, values) : "";
  }

  /** A text, and a piece of advice (or null) as its last sentence. */
  with(key, advice) {
    return advice ? this.t("with_advice", { sentence: this.t(key), advice: this.t(advice) }) : this.t(key);
  }

  /** Minor units as money; `signed` writes a plus, too, on the side where the language has it. */
  price(minor, { signed = false } = {}) {
    if (typeof minor !== "number") return "";
    const digits = this.money.resolvedOptions().maximumFractionDigits; // 0 for JPY, 3 for KWD
    return (signed ? this.difference : this.money).format(minor / 10 ** digits);
  }

  /** The shop's word for a kind of dish or place in this language. */
  category(name) {
    return wordFor("category", name, this.language);
  }

  /** Rows in the order of this language's alphabet. */
  sorted(rows, textOf) {
    const { compare } = intl(Intl.Collator, this.language, { numeric: true });
    return [...rows].sort((one, other) => compare(textOf(one), textOf(other)));
  }

  /** The server's reason as a sentence of this language. */
  reason(reason) {
    if (!reason) return "";
    const text = reasonIn(this.language, this.page, reason) || reason.text || "";
    return text.charAt(0).toUpperCase() + text.slice(1);
  }
}
