// A customer's codes: how they are written, how a wrong sign is found, and a keyboard for a screen that has none.

import { $, h } from "./dom.js";

/** 31 signs without 0, 1, I, L and O. 31 is prime, so that a check sign finds every wrong sign and every swap. */
const SIGNS = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"; // pragma: allowlist secret - an alphabet
const KEYS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ23456789"; // older codes have I, L and O
const GROUP = 5;
const GROUP_WEIGHT = 7;
const GROUPS = 4; // of a code with check signs; an older code has five groups and no check signs

/** The signs of a code alone. A reader's text may be a link that ends with `#` and the code. */
function signsOf(text) {
  const end = text.includes("#") ? text.slice(text.lastIndexOf("#") + 1) : text;
  return end.normalize("NFKC").toUpperCase().replace(/[^A-Z0-9]/g, "");
}

/** A code as it is printed: groups of five signs, whatever was typed between them. */
export function grouped(text) {
  return (signsOf(text).match(/.{1,5}/g) || []).join("-");
}

/** Whether the last sign of group `number` (1 to 4) fits the four before it, as identity/consent/codes.py makes it. */
function fits(group, number) {
  const values = [...group].map((sign) => SIGNS.indexOf(sign));
  const sum = values.reduce((total, value, at) => total + (at + 1) * value, GROUP_WEIGHT * number);
  return !values.includes(-1) && sum % SIGNS.length === 0;
}

/** The first complete group that is mistyped (1 to 4), or 0. A text that can only be an older code has none. */
export function mistypedGroup(text) {
  const signs = signsOf(text);
  const groups = (signs.match(/.{5}/g) || []).slice(0, GROUPS);
  if (signs.length > GROUP * GROUPS || /[ILO]/.test(signs)) return 0;
  return groups.findIndex((group, at) => !fits(group, at + 1)) + 1;
}

/**
 * What is wrong with a whole code before it is sent: a sentence with its values, or null.
 * @returns {{key: string, values: object}|null}
 */
export function complaint(text) {
  const { length } = signsOf(text);
  if (!length) return { key: "optout_code_missing", values: {} };
  const group = mistypedGroup(text);
  if (group) return { key: "code_group", values: { group } };
  return [GROUP * GROUPS, GROUP * (GROUPS + 1)].includes(length) ? null : { key: "code_incomplete", values: {} };
}

/**
 * The field `#<name>-code`: keys that write into it, put into `#<name>-keys`, and a complaint in `#<name>-error`
 * as soon as a group is complete and mistyped.
 */
export function keyboard(name, words) {
  const field = $(`#${name}-code`);
  const check = () => {
    const group = mistypedGroup(field.value);
    words.say($(`#${name}-error`), group && "code_group", { group });
  };
  const press = (key) => {
    field.value = grouped(key === "erase" ? field.value.replace(/.-?$/, "") : field.value + key);
    check();
  };
  field.addEventListener("input", check);
  if (matchMedia("(max-width: 560px)").matches) field.inputMode = "text"; // a phone shows its own keys
  const keys = [...KEYS].map((key) => h("button", { type: "button", class: "key small", onclick: () => press(key) }, key));
  const erase = { "data-i18n-label": "optout_erase", "aria-label": words.t("optout_erase") };
  keys.push(h("button", { type: "button", class: "key small wide", onclick: () => press("erase"), ...erase }, "⌫"));
  $(`#${name}-keys`).append(...keys);
}
