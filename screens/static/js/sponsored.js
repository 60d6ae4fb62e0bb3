// A place that somebody pays for: always labelled, never the first one.

import { h } from "./dom.js";

/** The label of a sponsored suggestion, null for all others. */
export function sponsoredLabel(item, words) {
  return item.sponsored ? h("span", { class: "sponsored" }, words.t("sponsored")) : null;
}

/** The suggestions with a sponsored one behind the first other one: what is in the basket may have left the list. */
export function paidNeverFirst(items) {
  const first = items.findIndex((item) => !item.sponsored);
  return first < 0 ? [] : [items[first], ...items.slice(0, first), ...items.slice(first + 1)];
}
