// The sentences of the customer's page: those of all pages whose ids begin with "me_".

import { FIRST, LANGUAGES, directionOf, has, languageFor, load, nameOfLanguage, sentence } from "../dictionaries.js";
import { intl } from "../fluent.js";
import { reasonIn } from "../reasons.js";

export { FIRST, LANGUAGES, languageFor, load, nameOfLanguage };

/** Sentences and days of one language that is here. The functions may be taken out of it. */
export class Sentences {
  constructor(language) {
    this.language = has(language) ? language : FIRST;
    this.direction = directionOf(this.language);
  }

  t = (key, values = {}) => {
    const text = sentence(this.language, `me_${key}`, values);
    if (text === undefined) throw new Error(`no sentence me_${key}`);
    return text;
  };

  /** A sentence, or `otherwise` where there is none: for names that the server chooses. */
  maybe = (key, otherwise) => sentence(this.language, `me_${key}`) ?? otherwise;

  /** Why something is suggested. */
  reason = (code, text) => reasonIn(this.language, "me", { code, text }) || text;

  /** A day of the server (2026-11-29, or a time of it) in words. */
  day = (text) => {
    const date = new Date(String(text).slice(0, 10) + "T00:00:00Z");
    const days = intl(Intl.DateTimeFormat, this.language, { dateStyle: "long", timeZone: "UTC" });
    return Number.isNaN(date.valueOf()) ? String(text) : days.format(date);
  };
}
