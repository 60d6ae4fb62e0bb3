// Why something is suggested, by the server's code. In English the server's own sentence is more exact.

import { sentence } from "./dictionaries.js";

/** Codes whose sentence needs what the server's says: its name here, and the values in the text. */
const WITH_VALUES = [
  ["counted", /(\d+) of your last (\d+) visits/, ([, orders, visits]) => ({ orders: Number(orders), visits: Number(visits) })],
  ["offer_until", /(\d{4})-(\d\d)-(\d\d)/, ([, year, month, day]) => ({ day: new Date(Date.UTC(year, month - 1, day)) })],
];

/** The sentence for the server's reason on a page (kiosk, taxi or me), or "" where there is none. */
export function reasonIn(language, page, { code, text = "" }) {
  const say = (name, values) => sentence(language, `reason_${page}_${name}`, values);
  for (const [name, shape, valuesOf] of WITH_VALUES) {
    const found = shape.exec(text);
    const said = found && say(name, valuesOf(found));
    if (said) return said;
  }
  if (language === "en" && text) return text;
  return say(code) ?? say(String(code).split("_")[0]) ?? say("suggested") ?? ""; // never a sentence of another language
}
