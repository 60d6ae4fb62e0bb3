// The time is the server's. A device's own clock may be wrong by minutes or decades; each reply says what time it is.

const JITTER_MS = 2000; // a header has whole seconds, and a reply has a way to come

/** A moment with the UTC offset of this device: 2026-05-04T08:30:00+02:00. */
export function localTime(date) {
  const two = (value) => String(Math.floor(Math.abs(value))).padStart(2, "0");
  const offset = -date.getTimezoneOffset();
  return (
    `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}` +
    `T${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}` +
    `${offset < 0 ? "-" : "+"}${two(offset / 60)}:${two(offset % 60)}`
  );
}

export class ServerClock {
  constructor() {
    this.offMs = 0; // this device's clock is ahead of the server's by so much
    this.heard = false; // whether a server has said the time since the page was loaded
  }

  /**
   * A reply came. Its `Date` was written somewhere between the two moments.
   * @param {string|null} date the header
   * @param {number} sentMs, cameMs by the device's clock
   */
  hear(date, sentMs, cameMs) {
    const server = Date.parse(date ?? "");
    if (Number.isNaN(server) || cameMs < sentMs) return;
    const off = (sentMs + cameMs) / 2 - (server + 500);
    if (!this.heard || Math.abs(off - this.offMs) > JITTER_MS + (cameMs - sentMs)) this.offMs = Math.round(off);
    if (Math.abs(this.offMs) <= JITTER_MS) this.offMs = 0;
    this.heard = true;
  }

  /** Now, by the server's clock. @returns {Date} */
  now() {
    return new Date(Date.now() - this.offMs);
  }

  /** Now, as events and questions say it. */
  text() {
    return localTime(this.now());
  }
}

/** The clock of this page. */
export const clock = new ServerClock();
