// One press: the notice, the camera, a few pictures, and what the server makes of them.

import { Offline, Problem, isBusy, pause } from "./usual.js";
import { untilAnswered } from "./again.js";
import { cameraIds } from "./camera/choice.js";
import { NoCamera } from "./camera/trouble.js";
import { $, announce } from "./dom.js";
import { NoEngine } from "./engine/engine.js";
import { Refusal } from "./engine/refusal.js";
import { explain, sayWhy } from "./look/explaining.js";
import { Guide } from "./look/guide.js";
import { Sight } from "./look/sight.js";
import { MAX_TRIES, hintFor } from "./states.js";

const RECOGNISE = { frames: 3, gapMs: 70 };
const ENROL = { frames: 4, gapMs: 350 };
const MOVE_MS = 1300; // to read two words and to move; four moves fit into the ten seconds of a press
const CONFIRM_S = 60; // to confirm a receipt, unless the server says otherwise
const HINT_MS = 1400; // long enough to read five words and to move

const PIN_CODES = ["pin_needed", "pin_wrong", "pin_locked"]; // refusals that a PIN can answer

export class Look {
  /**
   * @param {{stage, api, words, recognise: (body, visit) => Promise<string>, canJoin: () => boolean}} parts;
   *   `recognise` sends the frames and answers with matched, unknown or ambiguous
   */
  constructor({ stage, api, words, recognise, canJoin }) {
    Object.assign(this, { stage, api, words, recognise, canJoin });
    this.guide = new Guide(words);
    this.sight = new Sight({ api, camera: stage.camera });
    words.onChange(() => ["unknown", "ambiguous"].includes(stage.state) && sayWhy(stage.visit, words));
    stage.on("press", (visit) => this.#press(visit));
    stage.on("capture", (visit) => this.#capture(visit));
    stage.on("unknown", (visit) => this.#explain(visit, visit.why || "unknown"));
    stage.on("ambiguous", (visit) => this.#explain(visit, "ambiguous"));
    stage.camera.onLost = () => this.#lost(stage.visit);
    $("#capture-other").addEventListener("click", () => this.#other(stage.visit));
  }

  #explain(visit, why) {
    explain(visit, why, { words: this.words, canJoin: this.canJoin() });
  }

  /** The person says that the match is a look-alike: from now on both of them need their PIN. */
  somebodyElse() {
    const { visit } = this.stage;
    Object.assign(visit, { purpose: "enrol", somebodyElse: true, token: null });
    this.join(visit);
  }

  /** A person pressed: to be recognised or to be forgotten. */
  press(purpose) {
    const { visit } = this.stage;
    visit.purpose = purpose;
    visit.tries = 0;
    visit.pressedAt = performance.now();
    this.stage.go("press");
  }

  /** Consent and PIN are given: now the pictures. */
  join(visit) {
    visit.tries = 0;
    this.#prepare(visit);
    this.stage.go("look", visit);
  }

  /** Back from the pictures to the PIN; an enrolment on its way is undone when its answer comes. */
  back() {
    this.#stopTrying(this.stage.visit);
    this.stage.go("back");
  }

  /** What comes of the pictures that were taken so far is dropped. */
  #stopTrying(visit) {
    visit.attempt += 1;
    visit.abort.abort();
    visit.abort = new AbortController();
  }

  /** The person wants to be seen by another camera; it is used from now on. */
  async #other(visit) {
    this.#stopTrying(visit);
    await this.stage.camera.other();
    if (visit === this.stage.visit && this.stage.state === "capture") this.#capture(visit);
  }

  /** The camera was unplugged: use another one, or say so at once. Pictures on their way to the server still count. */
  async #lost(visit) {
    const { stage } = this;
    if (!["capture", "low_quality"].includes(stage.state) || visit.sent) return;
    this.#stopTrying(visit);
    const other = await stage.camera.other();
    if (visit !== stage.visit || !["capture", "low_quality"].includes(stage.state)) return;
    if (!other) {
      Object.assign(visit, { why: "no_camera", cameraWhy: "lost" });
      stage.go("no_camera", visit);
    } else if (stage.state === "low_quality") stage.go("again", visit);
    else this.#capture(visit, "camera_other");
  }

  #prepare(visit) {
    const notice = { recognise: "notice_short", forget: "notice_forget", enrol: "notice_enrol" }[visit.purpose];
    this.words.say($("#capture-notice"), notice);
    $("#capture-back").hidden = visit.purpose !== "enrol";
    this.guide.live(false);
    this.guide.draw();
    this.guide.say("camera_starting");
  }

  async #press(visit) {
    this.#prepare(visit);
    this.stage.go("explained");
    this.stage.go("look", visit);
  }

  async #capture(visit, first = "look_here") {
    const { attempt } = visit;
    const left = () => visit !== this.stage.visit || attempt !== visit.attempt;
    try {
      this.guide.busy(true);
      visit.sent = false;
      await this.stage.camera.start();
      if (left()) return;
      this.guide.live(true);
      this.guide.say(first);
      this.#offerOthers();
      const event = await this.#try(visit);
      if (!left()) this.stage.go(event, visit);
    } catch (error) {
      if (!left()) this.#refused(error, visit);
    } finally {
      if (!left()) this.guide.busy(false);
    }
  }

  /** A way to another camera, where there is one. */
  async #offerOthers() {
    $("#capture-other").hidden = (await cameraIds()).length < 2;
  }

  async #try(visit) {
    const { signal } = visit.abort;
    const { frames: count, gapMs } = visit.purpose === "enrol" ? ENROL : RECOGNISE;
    // The camera is on: the nonce, which lives ten seconds, comes while the pictures are taken.
    const pressed = this.api.press(signal, visit.purpose === "recognise");
    pressed.catch(() => {}); // it is looked at below
    const pictures = await this.sight.take(pressed, count, gapMs);
    this.guide.say("looking");
    const press = await pressed;
    const challenge = (visit.purpose === "recognise" && press.challenge) || [];
    if (!challenge.length) visit.sent = true;
    const moves = await this.#moves(challenge);
    const body = await this.sight.body(press, pictures, visit.purpose, moves);
    if (visit.purpose === "enrol") {
      await this.enrol(body, visit);
      return "enrolled";
    }
    if (visit.purpose === "forget") {
      const reply = await this.api.forgetFace({ ...body, pin: visit.pin ?? undefined }, signal);
      Object.assign(visit, { why: reply.decision, reference: reply.reference || "" });
      return reply.decision === "pin_needed" ? "pin" : "forgotten";
    }
    const decision = await this.recognise(body, visit);
    // Something covers the face: show a hint, as for any picture that cannot be used.
    if (decision === "low_quality") throw new Problem(200, { code: "face_covered" });
    return decision;
  }

  /** A picture of each move that was asked for: a photograph cannot turn its head. */
  async #moves(challenge) {
    const moves = [];
    for (const move of challenge) {
      this.guide.say(`move_${move}`);
      await pause(MOVE_MS);
      moves.push(...(await this.sight.more(1, 0)));
    }
    if (moves.length) this.guide.say("looking");
    return moves;
  }

  /**
   * Enrol with what `body` adds to consent and PIN. Nobody counts before the receipt is confirmed: whoever has left
   * when the answer comes is undone at once.
   */
  async enrol(body, visit) {
    const { attempt, consent, earlier, pin, somebodyElse } = visit;
    const request = { ...body, consent, pin, earlier, somebody_else: somebodyElse };
    for (const name of ["pin", "earlier", "somebody_else"]) if (!request[name]) delete request[name];
    const reply = await this.api.enrol(request);
    const { receipt, qr, signed_receipt: signed, confirm_within_s: within = CONFIRM_S } = reply;
    // With an earlier enrolment the same history goes on: there the server alone undoes, after its minute.
    const undo = async () => !earlier && untilAnswered(() => this.api.undo(receipt), 1000 * within);
    if (visit !== this.stage.visit || attempt !== visit.attempt) {
      undo();
      throw new DOMException("the person has left", "AbortError");
    }
    visit.enrolment = { receipt, qr, signed, within };
    visit.undo = undo;
  }

  /** After a refusal: show a hint and take another picture, or continue without a face. */
  async #refused(error, visit) {
    if (visit.purpose === "recognise" && isBusy(error)) {
      announce(this.words.t("busy_guest"));
      this.stage.asGuest("guest", "busy_guest");
      return;
    }
    if (error instanceof Problem && PIN_CODES.includes(error.code)) {
      visit.refusal = error.code;
      if (this.stage.state === "capture") this.stage.go("pin", visit);
      return;
    }
    const hint = error instanceof Problem || error instanceof Refusal ? hintFor(error) : null;
    if (hint !== null) {
      visit.tries += 1;
      this.stage.go("low_quality", visit);
      this.guide.draw(error);
      this.guide.say(hint);
      await pause(HINT_MS);
      if (visit !== this.stage.visit || this.stage.state !== "low_quality") return;
      visit.why = "low_quality";
      this.stage.go(visit.tries < MAX_TRIES ? "again" : "give_up", visit);
      return;
    }
    if (error instanceof NoEngine) visit.why = "no_engine";
    else if (error instanceof NoCamera) Object.assign(visit, { why: "no_camera", cameraWhy: error.why });
    else if (error instanceof Problem && error.status === 429) visit.why = "wait";
    else if (error instanceof Problem && error.code === "enrolment_unknown") visit.why = "earlier_unknown";
    else if (error instanceof Problem && error.code === "already_enrolled") {
      visit.why = "already";
      visit.token = error.token; // opens nothing until the PIN shows whose enrolment it is
    } else if (error instanceof Problem || error instanceof Offline) visit.why = "failed";
    else throw error;
    if (this.stage.state === "capture") this.stage.go("failed", visit);
  }
}
