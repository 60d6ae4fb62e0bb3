// One press: the notice, the camera, a few pictures, and what the server makes of them.

import { NoCamera } from "./camera.js";
import { Offline, Problem, isBusy } from "./api.js";
import { $, announce } from "./dom.js";
import { MAX_TRIES, adviceFor, hintFor } from "./states.js";

const RECOGNISE = { frames: 3, gapMs: 70 };
const ENROL = { frames: 4, gapMs: 350 };
const MOVE_MS = 1300; // to read two words and to move; four moves fit into the ten seconds of a press
const HINT_MS = 1400; // long enough to read five words and to move

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

export class Look {
  /**
   * @param {{stage, api, words, recognise: (body, visit) => Promise<string>}} parts; `recognise` sends the frames
   *   and answers with matched, unknown or ambiguous
   */
  constructor({ stage, api, words, recognise }) {
    Object.assign(this, { stage, api, words, recognise });
    this.canJoin = false;
    stage.on("press", (visit) => this.#press(visit));
    stage.on("capture", (visit) => this.#capture(visit));
    stage.on("unknown", (visit) => this.#explain(visit));
    stage.on("ambiguous", (visit) => this.#explain(visit, "ambiguous"));
  }

  /** The person says that the match is a look-alike: from now on both of them need their PIN. */
  somebodyElse() {
    this.stage.visit.purpose = "enrol";
    this.stage.visit.somebodyElse = true;
    this.stage.visit.token = null;
    this.stage.go("agreed");
  }

  /** A person pressed: to be recognised, to opt in (`enrol`) or to be forgotten. */
  press(purpose) {
    const { visit } = this.stage;
    visit.purpose = purpose;
    visit.tries = 0;
    visit.pressedAt = performance.now();
    this.stage.go("press");
  }

  async #press(visit) {
    const notice = { recognise: "notice_short", forget: "notice_forget", enrol: "notice_enrol" }[visit.purpose];
    $("#capture-notice").textContent = this.words.t(notice);
    $("#oval").dataset.live = "false";
    this.#say("camera_starting");
    this.stage.go("explained");
    if (visit.purpose === "enrol") this.stage.go("ask", visit); // the camera waits for the consent
    else this.stage.go("look", visit);
  }

  async #capture(visit) {
    try {
      this.#busy(true);
      await this.stage.camera.start();
      if (visit !== this.stage.visit) return;
      $("#oval").dataset.live = "true";
      this.#say("look_here");
      this.stage.go(await this.#try(visit), visit);
    } catch (error) {
      if (visit !== this.stage.visit) return;
      this.#refused(error, visit);
    } finally {
      this.#busy(false);
    }
  }

  async #try(visit) {
    const { signal } = visit.abort;
    const { frames: count, gapMs } = visit.purpose === "enrol" ? ENROL : RECOGNISE;
    const frames = await this.stage.camera.frames(count, gapMs);
    this.#say("looking");
    const { nonce, challenge = [] } = await this.api.press(signal, visit.purpose === "recognise");
    const body = { nonce, frames };
    if (visit.purpose === "enrol") return this.#enrol(body, visit);
    if (visit.purpose === "forget") {
      const reply = await this.api.forgetFace(body, signal);
      visit.why = reply.decision;
      return "forgotten";
    }
    if (challenge.length) body.moves = await this.#moves(challenge);
    const decision = await this.recognise(body, visit);
    // Something covers the face: show a hint, as for any picture that cannot be used.
    if (decision === "low_quality") throw new Problem(200, { code: "face_covered" });
    return decision;
  }

  /** A picture of each move that was asked for: a photograph cannot turn its head. */
  async #moves(challenge) {
    const moves = [];
    for (const move of challenge) {
      this.#say(`move_${move}`);
      await pause(MOVE_MS);
      moves.push(...(await this.stage.camera.frames(1, 0)));
    }
    this.#say("looking");
    return moves;
  }

  async #enrol(body, visit) {
    const somebody_else = visit.somebodyElse || undefined;
    const earlier = visit.earlier || undefined;
    const reply = await this.api.enrol({ ...body, consent: visit.consent, somebody_else, earlier }, visit.abort.signal);
    visit.enrolment = { receipt: reply.receipt, secret: reply.pin_setup && reply.pin_setup.secret };
    return "enrolled";
  }

  /** After a refusal: show a hint and take another picture, or continue without a face. */
  async #refused(error, visit) {
    if (visit.purpose === "recognise" && isBusy(error)) {
      announce(this.words.t("busy_guest"));
      this.stage.asGuest("guest", "busy_guest");
      return;
    }
    const hint = error instanceof Problem ? hintFor(error) : null;
    if (hint !== null) {
      visit.tries += 1;
      this.stage.go("low_quality", visit);
      this.#say(hint);
      await pause(HINT_MS);
      if (visit !== this.stage.visit || this.stage.state !== "low_quality") return;
      visit.why = "low_quality";
      this.stage.go(visit.tries < MAX_TRIES ? "again" : "give_up", visit);
      return;
    }
    if (error instanceof NoCamera) visit.why = "no_camera";
    else if (error instanceof Problem && error.status === 429) visit.why = "wait";
    else if (error instanceof Problem && error.code === "enrolment_unknown") visit.why = "earlier_unknown";
    else if (error instanceof Problem && error.code === "already_enrolled") {
      visit.why = "already";
      visit.token = error.token; // opens nothing until the PIN shows whose enrolment it is
    } else if (error instanceof Problem || error instanceof Offline) visit.why = "failed";
    else throw error;
    if (this.stage.state === "capture") this.stage.go("failed", visit);
  }

  /** Why there is no greeting; the same words for a stranger and for somebody who never opted in. */
  #explain(visit, why = visit.why || "unknown") {
    const known = ["ambiguous", "low_quality", "no_camera", "wait", "failed", "already", "earlier_unknown"];
    const name = known.includes(why) ? why : "unknown";
    $("#unknown-title").textContent = this.words.t(`${name}_title`);
    const failedToEnrol = visit.purpose === "enrol" && name === "failed";
    const text = this.words.t(failedToEnrol ? "enrol_failed" : `${name}_text`);
    const advice = ["unknown", "ambiguous"].includes(name) ? adviceFor(visit.hint) : null;
    $("#unknown-text").textContent = advice ? `${text} ${this.words.t(advice)}.` : text;
    $("#unknown-pin").hidden = !["ambiguous", "already"].includes(name) || !visit.recognised;
    $("#unknown-again").hidden = ["no_camera", "wait", "failed"].includes(name);
    $("#unknown-else").hidden = name !== "already";
    $("#unknown-join").hidden = name !== "unknown" || visit.purpose !== "recognise" || !this.canJoin;
    if (name === "already") visit.purpose = "recognise"; // "try again" then recognises instead of enrolling
    visit.why = "";
    visit.hint = null;
  }

  #busy(busy) {
    $("#oval").dataset.busy = String(busy);
  }

  #say(key) {
    const text = this.words.t(key);
    if ($("#hint").textContent === text) return;
    $("#hint").textContent = text;
    announce(text);
  }
}
