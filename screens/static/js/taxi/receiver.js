// The tablet's own receiver (GPS), where the operator has set it up: asked only while somebody is choosing a place.

import { Track } from "./position.js";

const OPTIONS = { enableHighAccuracy: true, maximumAge: 30_000, timeout: 20_000 };

export class Receiver {
  /** @param {{wanted: boolean}} set whether this device is set up to use its receiver */
  constructor({ wanted }) {
    this.wanted = wanted && "geolocation" in navigator;
    this.track = new Track();
    this.watch = null;
  }

  /** Ask for the permission: an operator's act, while the tablet is being set up. @returns {Promise<boolean>} */
  permit() {
    return new Promise((resolve) => {
      if (!this.wanted) resolve(false);
      else navigator.geolocation.getCurrentPosition(() => resolve(true), () => resolve(false), OPTIONS);
    });
  }

  /** Listen, if the permission was given earlier: a rider is never asked for it. */
  async start() {
    if (!this.wanted || this.watch !== null) return;
    this.watch = -1; // so that nobody else begins meanwhile
    const given = await navigator.permissions?.query({ name: "geolocation" }).catch(() => null);
    if (this.watch !== -1) return; // the visit is over already
    if (given?.state !== "granted") {
      this.watch = null;
      return;
    }
    this.watch = navigator.geolocation.watchPosition((position) => this.#take(position), () => {}, OPTIONS);
  }

  #take({ coords, timestamp }) {
    // The receiver's clock and the page's may differ: an age is believed, a moment is not.
    const age = Math.max(0, Date.now() - timestamp);
    this.track.take({ lat: coords.latitude, lon: coords.longitude, accuracy: coords.accuracy, at: performance.now() - age });
  }

  /** What is known now: see `Track.at`. */
  now() {
    return this.track.at(performance.now());
  }

  /** The visit is over: nothing of where it was stays. */
  stop() {
    if (this.watch !== null && this.watch !== -1) navigator.geolocation.clearWatch(this.watch);
    this.watch = null;
    this.track.forget();
  }
}
