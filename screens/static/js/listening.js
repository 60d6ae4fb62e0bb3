// Hears at once what changed elsewhere. Settings and menu are read again while nobody is there, so that no page changes
// under a finger; a visit whose customer has left elsewhere ends here too. One request waits at a time.

import { PERSONAL_STATES } from "./states.js";

const AWAY = ["pairing", "elsewhere"]; // this page is no screen of the house
const TIMES = Object.freeze({
  spread: 5000, // within so long all screens of a house have read what changed, not all at once
  early: 5000, // an answer without news that comes sooner: the server has too many who wait
  later: 20_000,
  firstPause: 1000, // after a request that failed; twice as long each time
  longestPause: 60_000,
  token: 9 * 60_000, // a token lasts a minute longer: one that has only run out ends no visit
});

export class Listening {
  /**
   * @param {{api, stage, reading: Object<string, () => Promise<void>>}} parts `reading`: by event, what is read again
   * @param {object} [times] in milliseconds, of `TIMES`
   */
  constructor({ api, stage, reading }, times = {}) {
    Object.assign(this, { api, stage, reading });
    this.times = { ...TIMES, ...times };
    this.due = new Set();
    this.shown = { token: null, atMs: 0 };
    this.wake = () => {};
    stage.whenMoved(() => this.#moved());
  }

  /** Listen until the page is left. */
  async start() {
    let failed = 0;
    for (;;) {
      while ((this.away = AWAY.includes(this.stage.state))) await this.#rest(this.times.longestPause);
      const pauseMs = await this.#ask().then((ms) => {
        failed = 0;
        return ms;
      }, () => Math.min(this.times.firstPause * 2 ** failed++, this.times.longestPause));
      if (pauseMs) await this.#rest(pauseMs * (0.5 + Math.random()));
    }
  }

  /** The line is back: ask now. */
  again() {
    this.wake();
  }

  /** One request; returns how long to wait before the next one. */
  async #ask() {
    const asking = { token: this.#token(), since: this.id, atMs: performance.now(), end: new AbortController() };
    this.asking = asking;
    try {
      const said = await this.api.news(asking.since, { token: asking.token ?? undefined, signal: asking.end.signal });
      if (said) this.id = said.id;
      for (const { event } of said?.events ?? []) this.#hear(event, asking.token);
      const early = performance.now() - asking.atMs < this.times.early && asking.since !== undefined;
      return early && !said?.events.length ? this.times.later : 0;
    } catch (error) {
      if (!asking.end.signal.aborted) throw error;
      return 0; // another visit: ask with its token
    } finally {
      this.asking = null;
    }
  }

  #hear(event, token) {
    if (event === "visit_ended") {
      const here = token !== null && token === this.#token();
      this.over = token;
      if (here && performance.now() - this.shown.atMs < this.times.token) this.stage.go("leave");
    } else if (event in this.reading) {
      this.due.add(event);
      this.#readSoon();
    }
  }

  /** The token of the person whose things are on the screen; null: nobody's, or it is known to be over. */
  #token() {
    const { visit, state } = this.stage;
    const token = visit.recognised && PERSONAL_STATES.includes(state) ? visit.token : null;
    if (token === null || token === this.over) return null;
    if (token !== this.shown.token) this.shown = { token, atMs: performance.now() };
    return token;
  }

  #moved() {
    if (this.asking && this.asking.token !== this.#token()) this.asking.end.abort();
    if (this.away && !AWAY.includes(this.stage.state)) this.wake();
    this.#readSoon();
  }

  #readSoon() {
    if (this.timer || !this.due.size || this.stage.state !== "attract") return;
    this.timer = setTimeout(() => this.#read(), Math.random() * this.times.spread);
  }

  async #read() {
    this.timer = null;
    if (this.stage.state !== "attract") return; // when it is there again
    const due = [...this.due];
    this.due.clear();
    for (const event of due) await this.reading[event]().catch(() => this.due.add(event));
  }

  #rest(ms) {
    return new Promise((done) => {
      const timer = setTimeout(done, ms);
      this.wake = () => {
        clearTimeout(timer);
        done();
      };
    });
  }
}
