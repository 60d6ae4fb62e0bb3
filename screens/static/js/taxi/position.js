// Where the taxi is, from the fixes of its own receiver. Pure: no receiver, no clock, no page.

export const MOST_M = 250; // a fix that may be farther off names no pick-up
export const OLD_MS = 60_000;
export const FASTEST_MS = 70; // metres a second: no taxi is faster
const AGREE = 3; // fixes in a row that agree with one another outweigh the place that was believed before
const EARTH_M = 6_371_000;

/** Metres between two points. */
export function metres(one, other) {
  const radians = (degrees) => (degrees * Math.PI) / 180;
  const north = radians(other.lat - one.lat);
  const east = radians(other.lon - one.lon);
  const part = Math.sin(north / 2) ** 2 + Math.cos(radians(one.lat)) * Math.cos(radians(other.lat)) * Math.sin(east / 2) ** 2;
  return 2 * EARTH_M * Math.asin(Math.min(1, Math.sqrt(part)));
}

/** In which of eight directions `other` lies: "n", "ne", "e" ... */
export function direction(one, other) {
  const east = (other.lon - one.lon) * Math.cos((one.lat * Math.PI) / 180);
  const turn = Math.round(Math.atan2(east, other.lat - one.lat) / (Math.PI / 4));
  return ["n", "ne", "e", "se", "s", "sw", "w", "nw"][(turn + 8) % 8];
}

/** A position as the recommender uses it: three decimals, about a hundred metres. */
export const rounded = ({ lat, lon }) => ({ lat: Math.round(lat * 1000) / 1000, lon: Math.round(lon * 1000) / 1000 });

function isFix({ lat, lon, accuracy, at }) {
  const numbers = [lat, lon, accuracy, at].every(Number.isFinite);
  // 0, 0 is what a receiver without a signal says.
  return numbers && accuracy >= 0 && Math.abs(lat) <= 90 && Math.abs(lon) <= 180 && (lat !== 0 || lon !== 0);
}

/** Whether a taxi can have come from one fix to another, each as far off as it says. */
function reachable(one, other) {
  const seconds = Math.max(0, other.at - one.at) / 1000;
  return metres(one, other) <= FASTEST_MS * seconds + one.accuracy + other.accuracy;
}

/** The fixes of one visit. `at` is in milliseconds of one clock that nobody sets. */
export class Track {
  constructor() {
    this.believed = null;
    this.doubted = []; // fixes that are too far from the believed one, and agree with one another
  }

  /**
   * Take a fix.
   * @param {{lat: number, lon: number, accuracy: number, at: number}} fix accuracy in metres
   * @returns {boolean} whether it is believed
   */
  take(fix) {
    if (!isFix(fix) || (this.believed && fix.at < this.believed.at)) return false;
    if (!this.believed || reachable(this.believed, fix)) {
      this.#believe(fix);
      return true;
    }
    const last = this.doubted.at(-1);
    this.doubted = last && reachable(last, fix) ? [...this.doubted, fix] : [fix];
    if (this.doubted.length < AGREE) return false;
    this.#believe(fix); // the first one was wrong, not all the later ones
    return true;
  }

  /** A standing car drifts: a worse fix around the same place says only that it is still there. */
  #believe(fix) {
    const { believed } = this;
    this.doubted = [];
    const stays = believed && fix.accuracy > believed.accuracy && metres(believed, fix) <= fix.accuracy;
    this.believed = stays && fix.at - believed.at < OLD_MS ? { ...believed, seen: fix.at } : { ...fix, seen: fix.at };
  }

  /**
   * What is known at a moment.
   * @returns {{state: "good" | "coarse" | "old" | "none", lat?: number, lon?: number, accuracy?: number}}
   */
  at(now) {
    if (!this.believed) return { state: "none" };
    const { lat, lon, accuracy, seen } = this.believed;
    const age = now - seen;
    const state = age < 0 || age > OLD_MS ? "old" : accuracy > MOST_M ? "coarse" : "good";
    return { state, accuracy, ...rounded({ lat, lon }) };
  }

  forget() {
    this.believed = null;
    this.doubted = [];
  }
}
