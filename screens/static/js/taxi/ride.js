// The ride that was handed to the driver's screen: what became of it. It knows no place and no person.

import { Offline, Problem } from "../usual.js";
import { Ended } from "./ended.js";

const PAUSE_MS = 2_000; // between two answers that say nothing new
const LONGEST_PAUSE_MS = 20_000;
export const UNSEEN_MS = 6_000; // then nobody relies on the driver's screen any more

export class HandOver {
  /** @param {{api, onChange: (state: string) => void}} parts `onChange` gets none, sent, unseen, seen or accepted */
  constructor({ api, onChange }) {
    Object.assign(this, { api, onChange, state: "none", driver: false, stop: null, unseen: null, turn: 0 });
    this.ended = new Ended((rideId) => api.endRide(rideId));
  }

  get on() {
    return this.state !== "none";
  }

  /** Hand a place over. @returns {Promise<boolean>} whether a driver's screen can get it */
  async send(itemId) {
    this.#end();
    const turn = (this.turn += 1);
    try {
      const reply = await this.api.handOver(itemId);
      if (turn !== this.turn) {
        this.ended.end(reply.ride_id); // the rider ended it before the server had answered
        return false;
      }
      this.driver = reply.driver;
      if (reply.driver) this.#follow(reply);
      return reply.driver;
    } catch (error) {
      if (error instanceof Offline || error instanceof Problem) return false;
      throw error;
    }
  }

  /** After a reload: is there a ride? */
  async resume() {
    this.ended.resume();
    const reply = await this.api.ride().catch(() => null);
    const open = reply?.driver && reply.state !== "none" && !this.ended.has(reply.ride_id);
    if (open && !this.on) this.#follow(reply);
  }

  /** The rider ends the ride; without a line the server is told when there is one again. */
  over() {
    this.turn += 1;
    this.ended.end(this.rideId);
    this.#end();
    this.#say("none");
  }

  #end() {
    this.stop?.abort();
    clearTimeout(this.unseen);
    this.stop = null;
    this.rideId = "";
  }

  #say(state) {
    if (state === this.state) return;
    this.state = state;
    this.onChange(state);
  }

  async #follow(reply) {
    const stop = new AbortController();
    this.stop = stop;
    this.rideId = reply.ride_id;
    this.#say(reply.state);
    clearTimeout(this.unseen);
    this.unseen = setTimeout(() => this.state === "sent" && this.#say("unseen"), UNSEEN_MS);
    let pause = PAUSE_MS;
    for (let known = reply; !stop.signal.aborted; ) {
      const asked = performance.now();
      const next = await this.#ask(known, stop.signal);
      if (stop.signal.aborted) return;
      if (next && next.ride_id !== this.rideId) break; // over
      const news = next && next.mark !== known.mark;
      if (next) known = next;
      if (news && next.state !== "sent") this.#say(next.state);
      pause = news ? PAUSE_MS : Math.min(2 * pause, LONGEST_PAUSE_MS);
      // A server that lets nobody wait answers at once.
      if (!news && performance.now() - asked < PAUSE_MS) await new Promise((done) => setTimeout(done, pause));
      else pause = PAUSE_MS;
    }
    if (this.stop === stop) {
      this.#end();
      this.#say("none");
    }
  }

  async #ask(known, signal) {
    try {
      return await this.api.ride({ watch: known.watch, since: known.mark, signal });
    } catch {
      return null;
    }
  }
}
