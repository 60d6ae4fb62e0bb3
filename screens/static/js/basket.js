// The basket of an order, and the menu. Pure functions and data: no page, no network.

import { lineKey, priceWith, usualChoices } from "./item.js";

const MOST_STEPS = 20; // that can be taken back

/** One text for a line: the same dish with the same choices and the same note is one line. */
export const keyOf = (item, options, note = "") => lineKey(item, options) + note;

/** Minor units of one of a line, as it was when it was chosen. */
export const unitPrice = (line) => priceWith(line.item, line.options);

export class Basket {
  constructor() {
    this.lines = new Map(); // key -> {key, item, options: ids of choices, note, quantity}
    this.past = []; // the lines before each change, oldest first
  }

  /** Put a dish in; without options the usual ones. @returns {string} the key of its line */
  add(item, quantity = 1, options = usualChoices(item), note = "") {
    this.#remember();
    const key = keyOf(item, options, note);
    const there = this.lines.get(key)?.quantity || 0;
    this.lines.set(key, { key, item, options, note, quantity: there + quantity });
    return key;
  }

  /** Put several in, as one change. */
  addAll(lines) {
    this.#remember();
    const { past } = this;
    for (const { item, quantity } of lines) this.add(item, quantity);
    this.past = past;
  }

  /** Take one of a line out; at zero the line is removed. */
  remove(key) {
    const line = this.lines.get(key);
    if (!line) return;
    this.#remember();
    if (line.quantity > 1) this.lines.set(key, { ...line, quantity: line.quantity - 1 });
    else this.lines.delete(key);
  }

  /** Take out whole lines, as one change. */
  drop(keys) {
    this.#remember();
    for (const key of keys) this.lines.delete(key);
  }

  /** Another dish, choice or note for a line, in its place. @returns {string} its key from now on */
  change(key, { item, options, note, quantity }) {
    this.#remember();
    const made = keyOf(item, options, note);
    const before = [...this.lines.values()];
    this.lines = new Map();
    for (const line of before) {
      const now = line.key === key ? { key: made, item, options, note, quantity } : line;
      const there = this.lines.get(now.key);
      this.lines.set(now.key, there ? { ...now, quantity: there.quantity + now.quantity } : now);
    }
    return made;
  }

  /** Take the last change back. @returns {boolean} whether there was one */
  undo() {
    const before = this.past.pop();
    if (before) this.lines = before;
    return Boolean(before);
  }

  #remember() {
    this.past = [...this.past, new Map(this.lines)].slice(-MOST_STEPS);
  }

  get empty() {
    return this.lines.size === 0;
  }

  get count() {
    return [...this.lines.values()].reduce((sum, line) => sum + line.quantity, 0);
  }

  /** Minor units. */
  get total() {
    return [...this.lines.values()].reduce((sum, line) => sum + line.quantity * unitPrice(line), 0);
  }

  /** Of dishes, each once. */
  get itemIds() {
    return [...new Set([...this.lines.values()].map(({ item }) => item.item_id))];
  }

  has(itemId) {
    return this.itemIds.includes(itemId);
  }
}

/** Whether a dish can be had at a site now. */
export const isServed = (row, site = "") =>
  row.available !== false && (!site || !row.sites?.length || row.sites.includes(site));

/** The rows available at a site now, by category, in the catalogue's order: the same for everybody. */
export function byCategory(rows, site = "") {
  const groups = new Map();
  for (const row of rows) {
    if (!isServed(row, site)) continue;
    const name = row.category || "";
    groups.set(name, [...(groups.get(name) || []), row]);
  }
  return groups;
}

/**
 * A suggestion as something that can be put into the basket: its dishes from the menu with quantities.
 * A dish that is not on the menu any more is taken from the suggestion itself.
 */
export function linesOf(suggestion, menu) {
  const parts = suggestion.bundle && suggestion.bundle.length ? suggestion.bundle : [[suggestion.item_id, 1]];
  return parts.map((part) => {
    const [itemId, quantity] = Array.isArray(part) ? part : [part.item_id, part.quantity];
    const known = menu.find((row) => row.item_id === itemId);
    const own = Array.isArray(part) ? {} : { name: part.name };
    return { item: known || { ...suggestion, ...own, item_id: itemId, bundle: null }, quantity };
  });
}

/** The price of a suggestion with its usual choices, minor units: of the whole bundle when it is one. */
export function priceOf(suggestion, menu) {
  return linesOf(suggestion, menu).reduce(
    (sum, { item, quantity }) => sum + quantity * priceWith(item, usualChoices(item)), 0);
}

/**
 * What has changed on the menu since a line was put into the basket: `{kind, key, price}` of each such line.
 * `kind` is gone (not on the menu any more), sold_out, choice_gone or price; `price` is what one costs now.
 * Without a menu nothing is known, so nothing is said.
 */
export function problemsOf(basket, rows, site = "") {
  if (!rows.length) return [];
  return [...basket.lines.values()].flatMap((line) => {
    const row = rows.find(({ item_id }) => item_id === line.item.item_id);
    const say = (kind, price = null) => [{ kind, key: line.key, price }];
    if (!row) return say("gone");
    if (!isServed(row, site)) return say("sold_out");
    const ids = (row.options || []).flatMap(({ choices }) => choices.map(({ id }) => id));
    if (line.options.some((id) => !ids.includes(id))) return say("choice_gone");
    const price = priceWith(row, line.options);
    return price === unitPrice(line) ? [] : say("price", price);
  });
}
