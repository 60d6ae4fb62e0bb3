// The basket of an order, and the menu. Pure functions and data: no page, no network.

export class Basket {
  constructor() {
    this.lines = new Map(); // item_id -> {item, quantity}
  }

  add(item, quantity = 1) {
    const line = this.lines.get(item.item_id);
    this.lines.set(item.item_id, { item, quantity: (line ? line.quantity : 0) + quantity });
  }

  /** Remove one; at zero the line is removed. */
  remove(itemId) {
    const line = this.lines.get(itemId);
    if (!line) return;
    if (line.quantity > 1) this.lines.set(itemId, { ...line, quantity: line.quantity - 1 });
    else this.lines.delete(itemId);
  }

  get empty() {
    return this.lines.size === 0;
  }

  get count() {
    return [...this.lines.values()].reduce((sum, line) => sum + line.quantity, 0);
  }

  /** Minor units. */
  get total() {
    return [...this.lines.values()].reduce((sum, line) => sum + line.quantity * (line.item.price || 0), 0);
  }

  get itemIds() {
    return [...this.lines.keys()];
  }

  has(itemId) {
    return this.lines.has(itemId);
  }
}

/** The rows available at a site now, by category, in the catalogue's order: the same for everybody. */
export function byCategory(rows, site = "") {
  const groups = new Map();
  for (const row of rows) {
    if (row.available === false) continue;
    if (site && row.sites && row.sites.length && !row.sites.includes(site)) continue;
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
    return { item: known || { ...suggestion, item_id: itemId }, quantity };
  });
}

/** The price of a suggestion, minor units: of the whole bundle when it is one. */
export function priceOf(suggestion, menu) {
  return linesOf(suggestion, menu).reduce((sum, line) => sum + line.quantity * (line.item.price || 0), 0);
}
