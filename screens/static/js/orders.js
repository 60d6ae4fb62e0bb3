// The queue of events for the server. Without a connection they wait in memory and are sent later, once.

import { Offline, Problem } from "./api.js";

const RETRY_MS = 5000;
const TOKEN_MS = 10 * 60 * 1000; // no token lives longer

export class Outbox {
  constructor(api) {
    this.api = api;
    this.waiting = []; // {events, token, key, until}
    this.timer = null;
    this.running = null;
  }

  /**
   * Send now or later. The key makes a repeat harmless. The token stays with its own events alone and is dropped
   * when it has expired: the events then count as a guest's.
   * @returns {Promise<"sent"|"waiting"|"refused">} whether the server has them, will get them later, or refused them
   */
  async send(events, token) {
    const entry = { events, token, key: crypto.randomUUID(), until: Date.now() + TOKEN_MS, outcome: "waiting" };
    this.waiting.push(entry);
    await this.flush();
    return entry.outcome;
  }

  /** Send the waiting events, oldest first; only one attempt runs at a time. */
  flush() {
    this.running ??= this.#flush().finally(() => {
      this.running = null;
    });
    return this.running;
  }

  async #flush() {
    clearTimeout(this.timer);
    while (this.waiting.length) {
      const [first] = this.waiting;
      if (Date.now() > first.until) first.token = undefined;
      try {
        await this.api.events(first.events, first);
        first.outcome = "sent";
      } catch (error) {
        if (error instanceof Offline || (error instanceof Problem && error.status >= 500)) {
          this.timer = setTimeout(() => this.flush(), RETRY_MS);
          return;
        }
        if (!(error instanceof Problem)) throw error;
        if (error.status < 500 && first.token && [401, 403, 410].includes(error.status)) {
          // The person opted out or the token has expired: the kitchen still needs the order.
          Object.assign(first, { token: undefined, key: crypto.randomUUID() });
          continue;
        }
        first.outcome = "refused";
      }
      this.waiting.shift();
    }
  }
}
