// The queue of events for the server. Without a connection they wait, orders also over a reload, and are sent once.

import { KeptOrders } from "./outbox/kept.js";
import { at, corrected, isWrongTime } from "./outbox/retime.js";
import { Offline, Problem, clock, randomId } from "./usual.js";

const RETRY_MS = 5000;
const TOKEN_MS = 10 * 60 * 1000; // no token lives longer
const HERE_ALREADY = "event_conflict"; // the server has this event, from before a reload, with its customer

/** Whether the server will take it later: it could not be asked, or what answered was not the server. */
function isForLater(error) {
  if (error instanceof Offline) return true;
  if (!(error instanceof Problem)) return false;
  return error.status >= 500 || error.status === 429 || ["problem", "key_refused", "request_in_progress"].includes(error.code);
}

export class Outbox {
  /** @param {{page: string}} api */
  constructor(api) {
    this.api = api;
    this.kept = new KeptOrders(api.page);
    this.waiting = []; // {events, token, key, until, madeMs, told, durable}
    this.timer = null;
    this.running = null;
    this.onLate = () => {}; // (events, "sent" or "refused", problems): what became of events that nobody waits for
    this.onChange = () => {}; // called with the number of orders that wait, and whether all of them are on the disk
  }

  /**
   * Send now or later. The key makes a repeat harmless. The token stays with its own events alone and is dropped
   * when it has expired: the events then count as a guest's. Orders are kept first, without the token.
   * @param {(problems: object[]) => void} [hear] called before the reply when the server took an order, but not as
   *   it stood: `[{index, line, item_id, code, shown, price}]`
   * @returns {Promise<"sent"|"waiting"|"refused">} whether the server has them, will get them later, or refused them
   */
  async send(events, token, hear = null) {
    const madeMs = Date.now();
    const entry = { events, token, key: randomId(), until: madeMs + TOKEN_MS, madeMs, told: clock.heard, outcome: "waiting", awaited: true, hear };
    this.waiting.push(entry);
    entry.durable = await this.kept.add(entry);
    await this.flush();
    entry.awaited = false;
    return entry.outcome;
  }

  /** Take up what waited when the page was closed. */
  async restore() {
    const known = new Set(this.waiting.map((entry) => entry.key));
    for (const { key, events, madeMs, told } of await this.kept.all()) {
      // Another key than the first time: that request may have had a customer's token.
      if (!known.has(key)) this.waiting.push({ events, key: `${key}.again`, kept: key, until: 0, madeMs, told, durable: true, outcome: "waiting" });
    }
    this.#say();
  }

  /** Send the waiting events, oldest first; only one attempt runs at a time. */
  flush() {
    this.running ??= this.#flush().finally(() => {
      this.running = null;
      this.#say();
    });
    return this.running;
  }

  async #flush() {
    clearTimeout(this.timer);
    while (this.waiting.length) {
      const [first] = this.waiting;
      let problems = [];
      if (Date.now() > first.until) first.token = undefined;
      try {
        if (!first.told) await this.#retime(first);
        problems = (await this.api.events(first.events, first))?.problems || [];
        first.outcome = "sent";
      } catch (error) {
        if (isForLater(error)) {
          this.timer = setTimeout(() => this.flush(), RETRY_MS);
          return;
        }
        if (!(error instanceof Problem)) throw error;
        if (this.#changed(first, error)) continue;
        first.outcome = error.code === HERE_ALREADY ? "sent" : "refused";
      }
      this.waiting.shift();
      if (!first.awaited) this.onLate(first.events, first.outcome, problems);
      else if (problems.length) first.hear?.(problems);
      await this.kept.remove(first.kept ?? first.key);
    }
  }

  /** Change what was refused so that it can be sent again. @returns {boolean} whether it was changed */
  #changed(entry, error) {
    if (error.code === "idempotency_conflict" && !entry.renamed) entry.renamed = true; // sent before with another time
    else if (isWrongTime(error) && !entry.retimed) {
      entry.events = at(entry.events, clock.now());
      entry.retimed = true;
    } else if (entry.token && [401, 403, 410].includes(error.status)) entry.token = undefined; // the kitchen needs the order
    else return false;
    entry.kept ??= entry.key;
    entry.key = randomId();
    return true;
  }

  /** Made before the server had said the time: ask for it, and correct. @throws {Offline} */
  async #retime(entry) {
    if (!clock.heard) await this.api.time();
    Object.assign(entry, { told: true, events: at(entry.events, corrected(entry.madeMs)) });
  }

  #say() {
    const orders = this.waiting.filter((entry) => entry.events.some((event) => event.type === "ordered"));
    this.onChange(orders.length, orders.every((entry) => entry.durable));
  }
}
