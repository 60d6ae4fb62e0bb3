// The chosen language: sentences, prices, and texts for the server's codes.

import { reasonIn } from "./reasons.js";
import { STRINGS } from "./strings.js";
import { $$, h } from "./dom.js";

/** How a language is named on its button. */
const SHORT = { en: "EN", de: "DE", ja: "日本語" };

export class Words {
  /** @param {string} page kiosk or taxi: "usual" is a dish at one and a place in the other */
  constructor(language, currency, page) {
    this.page = page;
    this.first = language in STRINGS ? language : "en";
    this.currency = currency;
    this.listeners = [];
    this.use(this.first);
  }

  /** Run `work` on each change of the language. */
  onChange(work) {
    this.listeners.push(work);
  }

  /** Put a button for each language into `root`. */
  choice(root) {
    root.append(...Object.keys(STRINGS).map((language) =>
      h("button", {
        type: "button", class: "language", lang: language, "data-language": language,
        "aria-label": STRINGS[language].language_name, onclick: () => this.use(language),
      }, SHORT[language])));
    this.#mark();
  }

  /** Show everything in a language; the next person starts with the screen's own again. */
  use(language) {
    this.language = language;
    this.money = new Intl.NumberFormat(language, { style: "currency", currency: this.currency });
    document.documentElement.lang = language;
    for (const element of $$("[data-i18n]")) element.textContent = this.t(element.dataset.i18n);
    for (const element of $$("[data-i18n-label]")) {
      element.setAttribute("aria-label", this.t(element.dataset.i18nLabel));
    }
    this.#mark();
    for (const work of this.listeners) work();
  }

  #mark() {
    for (const button of $$("[data-language]")) {
      button.setAttribute("aria-pressed", String(button.dataset.language === this.language));
    }
  }

  t(key, values = {}) {
    const text = STRINGS[this.language][key];
    if (text === undefined) throw new Error(`no sentence ${key} in ${this.language}`);
    return text.replace(/\{(\w+)\}/g, (_, name) => values[name]);
  }

  /** A text, and a piece of advice (or null) as its last sentence. */
  with(key, advice) {
    if (!advice) return this.t(key);
    return this.language === "ja" ? `${this.t(key)}${this.t(advice)}。` : `${this.t(key)} ${this.t(advice)}.`;
  }

  /** Minor units as money. */
  price(minor) {
    return typeof minor === "number" ? this.money.format(minor / 100) : "";
  }

  /** The server's reason as a sentence of this language. */
  reason(reason) {
    if (!reason) return "";
    const text = reasonIn(this.language, this.page, reason) || reason.text || "";
    return text.charAt(0).toUpperCase() + text.slice(1);
  }
}
