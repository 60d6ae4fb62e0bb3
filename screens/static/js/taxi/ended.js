// Rides that were ended on this screen. The server is told until it has answered, also after a reload; what is kept
// for that is the ride's random id, which says nothing about a place or a person.

import { untilAnswered } from "../again.js";
import { drop, keep, kept } from "../browser/kept.js";

const NAME = `ended-rides-${document.body.dataset.page}`; // the tablet's, or the driver's screen
const VERSION = 1; // of what is kept; another one is not read
const LONGEST_RIDE_MS = 60 * 60 * 1000; // then the server has ended it by itself

export class Ended {
  /** @param {(rideId: string) => Promise} tell asks the server once to end a ride */
  constructor(tell) {
    this.tell = tell;
    this.ids = new Set(); // all that ended while this page was open: an answer that comes late may still name one
    this.untold = new Set();
  }

  /** Go on with what the page could not tell before it was loaded again. */
  resume() {
    const { v, ids } = kept(NAME, {});
    if (v === VERSION && Array.isArray(ids)) for (const id of ids) this.end(String(id));
  }

  has(rideId) {
    return this.ids.has(rideId);
  }

  /** End a ride. @returns {Promise} when the server knows, or has ended it by itself */
  async end(rideId) {
    if (!rideId || this.untold.has(rideId)) return;
    this.ids.add(rideId);
    this.untold.add(rideId);
    this.#keep();
    await untilAnswered(() => this.tell(rideId), LONGEST_RIDE_MS);
    this.untold.delete(rideId);
    this.#keep();
  }

  #keep() {
    if (this.untold.size) keep(NAME, { v: VERSION, ids: [...this.untold] });
    else drop(NAME);
  }
}
