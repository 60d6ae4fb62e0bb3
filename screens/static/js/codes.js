// Receipt codes: how they are written, and a keyboard for a screen that has none.

import { $, h } from "./dom.js";

const LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/** A receipt code as it is printed: groups of five letters and digits, whatever was typed between them. */
export function grouped(text) {
  const plain = text.toUpperCase().replace(/[^A-Z2-7]/g, "");
  return (plain.match(/.{1,5}/g) || []).join("-");
}

/** Keys that write into `#<name>-code`, put into `#<name>-keys`; each press clears `#<name>-error`. */
export function keyboard(name, words) {
  const press = (key) => {
    const field = $(`#${name}-code`);
    field.value = grouped(key === "erase" ? field.value.replace(/.-?$/, "") : field.value + key);
    $(`#${name}-error`).textContent = "";
  };
  const keys = [...LETTERS].map((key) =>
    h("button", { type: "button", class: "key small", onclick: () => press(key) }, key),
  );
  const erase = { "data-i18n-label": "optout_erase", "aria-label": words.t("optout_erase") };
  keys.push(h("button", { type: "button", class: "key small wide", onclick: () => press("erase"), ...erase }, "⌫"));
  $(`#${name}-keys`).append(...keys);
}
