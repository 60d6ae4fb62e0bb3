// What a press sends of a face: pictures, or a sealed message with vectors that this device made of them itself. The operator
// chooses for each device, and the reply to a press says which; nothing falls back by itself. Vectors are made by this browser,
// or by a helper on this device (`usual edge kiosk`), which then serves this page and says so in it.

import { forgetSigningKey, hasSigningKey, publicHalf, signingKey } from "../browser/signingkey.js";
import { base64, base64Url } from "../engine/bytes.js";
import { Engine, NoEngine } from "../engine/engine.js";
import { sealedMessage } from "../engine/sealed.js";
import { Problem, drawnOn } from "../usual.js";

const PURPOSES = { recognise: "recognise", enrol: "enrol", forget: "opt_out" };
const ENROLMENT = { least: 3, enrolling: true };
const HELPER = "/screens/engine/looks"; // where a helper on this device looks at pictures; no server has this address
const ALIKE = 0.3; // the cosine of two pictures of one person, at least: whoever makes the moves is the one who is recognised

/** The pixels of the video as it is now; the engine closes them. */
const pixelsOf = (video, turn) => drawnOn(new OffscreenCanvas(1, 1), video, turn).transferToImageBitmap();

export class Sight {
  #ready = null; // engine and signing key, once they were asked for
  #vectors = false; // whether the last press asked for vectors of this browser
  #helped = document.body.dataset.engine === "helper";

  /** @param {{api, camera}} parts */
  constructor({ api, camera }) {
    Object.assign(this, { api, camera });
  }

  /** A device that has a key to sign with sent vectors before: its engine is loaded before anybody presses. */
  async wake() {
    if (!(await hasSigningKey().catch(() => false))) return;
    this.#vectors = true;
    await this.#prepared().catch(() => {}); // the next press says what is wrong
  }

  /** This screen was paired as another device: it signs with another key. */
  async forget() {
    const before = this.#ready;
    this.#ready = null;
    this.#vectors = false;
    await forgetSigningKey().catch(() => {});
    (await before?.catch(() => null))?.engine.stop();
  }

  /**
   * Pictures, as the reply to the press asks for them.
   * @param {Promise<object>} pressed the reply: it comes while the pictures are taken that the last press asked for
   */
  async take(pressed, count, gapMs) {
    const taken = await this.more(count, gapMs);
    const vectors = Boolean((await pressed).seal) && !this.#helped;
    if (vectors === this.#vectors) return taken;
    this.#vectors = vectors; // the operator has changed it
    return this.more(count, gapMs);
  }

  /** More pictures of the same kind. */
  more(count, gapMs) {
    return this.camera.frames(count, gapMs, this.#vectors ? pixelsOf : undefined);
  }

  /**
   * What is sent of them.
   * @param press the reply to the press
   * @param {string} purpose of the visit: recognise, enrol or forget
   * @param moves pictures of the moves that the press asked for
   * @throws {Refusal|Problem} no single usable face
   * @throws {NoEngine} this device cannot make vectors
   */
  async body({ nonce, challenge: steps = [], seal }, pictures, purpose, moves) {
    if (!seal) return { nonce, frames: pictures, ...(moves.length ? { moves } : {}) };
    if (this.#helped) return { nonce, device_message: await this.#byHelper({ nonce, purpose: PURPOSES[purpose], frames: pictures, moves }) };
    const { engine, key } = await this.#prepared();
    const asked = purpose === "enrol" ? ENROLMENT : { steps, moves, alike: ALIKE };
    const look = await engine.look(pictures, asked);
    const press = { purpose: PURPOSES[purpose], nonce, seal };
    const message = await sealedMessage(look, press, key.privateKey).catch((error) => {
      throw new NoEngine("failed", error.message); // of another pack
    });
    return { nonce, device_message: base64(message) };
  }

  /** The message that the helper makes of pictures, for the press that it passed on; it refuses as a server does. */
  async #byHelper(body) {
    try {
      return (await this.api.call("POST", HELPER, { body })).device_message;
    } catch (error) {
      if (error instanceof Problem && error.code === "engine_unavailable") throw new NoEngine("failed", error.message);
      throw error;
    }
  }

  #prepared() {
    this.#ready ??= this.#prepare().catch((error) => {
      this.#ready = null;
      throw error;
    });
    return this.#ready;
  }

  async #prepare() {
    const engine = new Engine();
    try {
      await engine.start(document.querySelector("script[type=module]").src);
      const key = await signingKey();
      await this.api.call("PUT", "/v1/device-key", { body: { public_key: base64Url(await publicHalf(key)) } });
      return { engine, key };
    } catch (error) {
      engine.stop();
      throw error;
    }
  }
}
