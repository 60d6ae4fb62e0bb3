// What the server has taken of an order: it names the lines that it left out, and those of which something has
// changed. Pure functions: no page, no network.

import { Basket, unitPrice } from "../basket.js";

const LEFT_OUT = ["gone", "unavailable"]; // the other codes are of lines that were taken

/**
 * The lines of a basket with what the server said of each: `[{line, left, problems: [{code, shown, price}]}]`.
 * @param {object[]} problems of the reply to `POST /events`; `line` is the place in the order as it was sent
 */
export function linesTaken(basket, problems) {
  return [...basket.lines.values()].map((line, place) => {
    const own = problems.filter((one) => one.line === place);
    return { line, left: own.some(({ code }) => LEFT_OUT.includes(code)), problems: own };
  });
}

/** The basket that the kitchen has. */
export function basketTaken(basket, problems) {
  const taken = new Basket();
  for (const { line, left } of linesTaken(basket, problems)) if (!left) taken.lines.set(line.key, line);
  return taken;
}

/** Minor units of a line as it was ordered: at the price that was shown. */
export const sumOf = (line) => line.quantity * unitPrice(line);

/** What became of an order that waited: `{number, refused, left: item ids, changed: item ids}`; null: all was taken. */
export function laterOf(event, outcome, problems) {
  const [number] = event.event_id.split(".");
  const refused = outcome === "refused";
  const ids = (wanted) => [...new Set(problems.filter(({ code }) => LEFT_OUT.includes(code) === wanted).map(({ item_id }) => item_id))];
  const [left, changed] = [ids(true), ids(false)];
  return refused || left.length || changed.length ? { number, refused, left, changed } : null;
}
