// The sentences of the customer's page. A language is complete or it is not there (a test compares them).

import de from "./words/de.js";
import en from "./words/en.js";
import ja from "./words/ja.js";

export const STRINGS = { en, de, ja };
export const NAMES = { en: "English", de: "Deutsch", ja: "日本語" };

/** The best language there is for what somebody wants: "de-AT" is "de"; English otherwise. */
export function languageFor(...wanted) {
  for (const one of wanted.flat()) {
    const short = String(one || "").toLowerCase().split("-")[0];
    if (short in STRINGS) return short;
  }
  return "en";
}

/** Sentences and days of one language. The functions may be taken out of it. */
export class Sentences {
  #days;

  constructor(language) {
    this.language = language;
    this.#days = new Intl.DateTimeFormat(language, { dateStyle: "long", timeZone: "UTC" });
  }

  t = (key, values = {}) => {
    const text = STRINGS[this.language][key];
    if (text === undefined) throw new Error(`no sentence ${key} in ${this.language}`);
    return text.replace(/\{(\w+)\}/g, (_, name) => values[name] ?? "");
  };

  /** A sentence, or `otherwise` where there is none: for names that the server chooses. */
  maybe = (key, otherwise) => STRINGS[this.language][key] ?? otherwise;

  /** A day of the server (2026-11-29, or a time of it) in words. */
  day = (text) => {
    const date = new Date(String(text).slice(0, 10) + "T00:00:00Z");
    return Number.isNaN(date.valueOf()) ? String(text) : this.#days.format(date);
  };
}
