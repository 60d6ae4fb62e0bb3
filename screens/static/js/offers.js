// What an offer gives and asks for, as the suggestion says it. Pure functions: no page, no network.

import { unitPrice } from "./basket.js";
import { inLanguage, nameIn } from "./item.js";

/** The lines that an offer is about: all, unless it names dishes or categories. */
export function linesFor(offer, basket, rows) {
  const { items = [], categories = [] } = offer?.offer || {};
  const lines = [...basket.lines.values()];
  if (!items.length && !categories.length) return lines;
  const category = (item) => item.category ?? rows.find((row) => row.item_id === item.item_id)?.category ?? "";
  return lines.filter(({ item }) => items.includes(item.item_id) || categories.includes(category(item)));
}

/** Minor units that an order must come to; 0 when any will do. */
export const leastSpend = (offer) => offer?.offer?.min_spend || 0;

/** Minor units that the order lacks to the offer's minimum; 0 when it is reached. */
export function missingFor(offer, basket) {
  return Math.max(0, leastSpend(offer) - basket.total);
}

/** Whether the offer can be redeemed with this order. */
export function counts(offer, basket, rows) {
  return missingFor(offer, basket) === 0 && linesFor(offer, basket, rows).length > 0;
}

/** Minor units that the counter takes off; null when the offer does not say it. */
export function reductionOf(offer, basket, rows) {
  const discount = offer?.offer?.discount;
  if (!discount) return null;
  if (discount.kind === "free_item") return rows.find((row) => row.item_id === discount.item)?.price ?? null;
  const whole = linesFor(offer, basket, rows).reduce((sum, line) => sum + line.quantity * unitPrice(line), 0);
  return discount.kind === "amount" ? Math.min(discount.value, whole) : Math.floor((whole * discount.value + 50) / 100);
}

/** The name in the language of the screen. */
export const nameOf = (offer, language) => nameIn({ name: offer?.name, names: offer?.offer?.names }, language);

/** The terms in the language of the screen. */
export function termsOf(offer, language) {
  const terms = offer?.offer?.terms || {};
  return inLanguage(terms, language) || terms.en || offer?.text || "";
}
