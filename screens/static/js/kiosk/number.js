// The number that an order is called by. It is made here, so that it works without a line, and no two orders of a
// day have the same: a sign that belongs to this screen alone, and a count that starts again each day.

import { keep, kept } from "../browser/kept.js";

const NAME = "orders-of-the-day";
const SIGNS = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"; // pragma: allowlist secret - an alphabet

/**
 * This screen's sign: of the page's address (`?sign=B`), else what the server has given it, else drawn and kept. One
 * that it has used today stays for today: another screen may have it by another server, and its count goes on.
 */
function ownSign(today, before, fromServer, random) {
  const given = (new URLSearchParams(location.search).get("sign") || "").toUpperCase();
  if (/^[A-Z0-9]{1,4}$/.test(given)) return given;
  return today || fromServer || before || [...random(new Uint8Array(3))].map((byte) => SIGNS[byte % SIGNS.length]).join("");
}

export class Numbers {
  /**
   * @param {() => string|null} fromServer the sign that the server has given this screen, if it has
   * @param {(bytes: Uint8Array) => Uint8Array} [random]
   */
  constructor(fromServer = () => null, random = (bytes) => crypto.getRandomValues(bytes)) {
    Object.assign(this, { fromServer, random, last: null });
  }

  /** The next number, such as "B-17". @param {string} day the local one, "2026-05-04" */
  next(day) {
    const before = this.#read();
    // A clock that was set back does not give the numbers of a day again.
    const same = before.day >= day;
    const count = same ? before.count + 1 : 1;
    const sign = ownSign(same ? before.sign : "", before.sign, this.fromServer(), this.random);
    this.last = { version: 1, day: same ? before.day : day, count, sign };
    keep(NAME, this.last); // a full or forbidden store: the count goes on until the page is left
    return `${this.last.sign}-${count}`;
  }

  /** What was kept, or what this page knows: whichever has counted further. */
  #read() {
    const own = this.last || { day: "", count: 0, sign: "" };
    const there = kept(NAME);
    if (there?.version !== 1) return own;
    return there.day > own.day || (there.day === own.day && there.count > own.count) ? there : own;
  }
}
