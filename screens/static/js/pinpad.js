// Four digits, by finger, keyboard or switch. The digits are never shown and never stored.

import { $, announce, h } from "./dom.js";

const LENGTH = 4;

export class PinPad {
  /** @param {HTMLElement} root @param {import("./words.js").Words} words */
  constructor(root, words) {
    Object.assign(this, { root, words, digits: "", done: () => {} });
    const keys = ["1", "2", "3", "4", "5", "6", "7", "8", "9", "", "0", "erase"];
    $(".keys", root).append(...keys.map((key) => this.#key(key)));
    document.addEventListener("keydown", (event) => {
      if (root.closest("[hidden]") || event.ctrlKey || event.altKey || event.metaKey) return;
      if (/^[0-9]$/.test(event.key)) this.#press(event.key);
      if (event.key === "Backspace") this.#press("erase");
    });
  }

  #key(key) {
    if (!key) return h("span", {});
    const label = key === "erase" ? { "data-i18n-label": "pin_erase", "aria-label": this.words.t("pin_erase") } : {};
    return h("button", { type: "button", class: "key", onclick: () => this.#press(key), ...label },
      key === "erase" ? "⌫" : key);
  }

  /** Start a new entry; `done` receives the four digits. */
  ask(done) {
    this.done = done;
    this.digits = "";
    this.#draw();
  }

  /** Delete the digits. */
  clear() {
    this.ask(() => {});
  }

  #press(key) {
    if (key === "erase") this.digits = this.digits.slice(0, -1);
    else if (this.digits.length < LENGTH) this.digits += key;
    this.#draw();
    announce(this.words.t("pin_entered", { count: this.digits.length }));
    if (this.digits.length === LENGTH) {
      const pin = this.digits;
      this.digits = "";
      setTimeout(() => this.#draw(), 150); // so that the fourth dot is seen before the dots clear
      this.done(pin);
    }
  }

  #draw() {
    const dots = $(".dots", this.root);
    dots.replaceChildren(...Array.from({ length: LENGTH }, (_, i) => h("span", { class: i < this.digits.length ? "dot full" : "dot" })));
  }
}
