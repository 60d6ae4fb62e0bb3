// The screen as a whole: its state, the visible page, and the idle timer.

import { $, $$ } from "./dom.js";
import { clearDrawn } from "./redraw.js";
import { CAMERA_STATES, PERSONAL_STATES, next } from "./states.js";
import { settle } from "./tap.js";

const WARN_SECONDS = 12; // "Are you still there?" this long before everything goes
const FORGET_MS = 1200; // how long "Nothing stays on this screen" is shown

/** The data of one visit. To forget is to replace it: no other object has data of a person. */
export class Visit {
  constructor() {
    this.token = null;
    this.purposes = [];
    this.suggestions = null;
    this.purpose = "recognise"; // recognise, enrol, forget, or code (without a face)
    this.tries = 0;
    this.attempt = 0; // changes when the person goes back: what comes of an earlier attempt is undone
    this.hint = null; // the hint code of the last reply
    this.consent = null;
    this.way = "face"; // of an opt-in: face or code
    this.pin = null; // on its way to the server; null: none asked for, "" (forgetting): not known
    this.refusal = ""; // why the server refused the PIN
    this.earlier = null; // the receipt code of the earlier enrolment that this one continues
    this.enrolment = null; // not in force before it is confirmed
    this.undo = null; // undoes it
    this.code = null; // a customer's code, until its PIN is accepted
    this.byCode = false;
    this.reference = ""; // of what was paused
    this.doubt = null; // "not me" was said: {token, reported, step}
    this.doubted = false; // the face alone was not enough
    this.faceAgain = "";
    this.wantsHeld = false; // "What is held about me" was pressed
    this.news = []; // what has changed for this customer
    this.readFrom = "attract";
    this.reading = () => {};
    this.why = "";
    this.cameraWhy = ""; // why there is no camera
    this.sent = false; // the pictures are on their way
    this.note = ""; // a sentence in place of the greeting
    this.somebodyElse = false;
    this.raised = false; // the second factor was given
    this.pressedAt = 0;
    this.abort = new AbortController();
  }

  /** Store a recognition's reply. A look-alike's token opens nothing until the PIN has raised it. */
  known({ decision, token, purposes, hint = null, news = [] }) {
    this.hint = hint;
    this.news = news;
    if (decision === "unknown" || decision === "low_quality") return;
    this.token = token;
    this.purposes = purposes;
  }

  get recognised() {
    return this.token !== null;
  }
}

export class Stage {
  /**
   * @param {{camera: import("./camera.js").Camera, idleSeconds: number, newVisit: () => Visit}} parts
   */
  constructor({ camera, idleSeconds, newVisit }) {
    this.body = document.body;
    this.camera = camera;
    this.idleSeconds = idleSeconds;
    this.newVisit = newVisit;
    this.visit = newVisit();
    this.state = "attract";
    this.entering = {};
    this.onDrop = () => {}; // what a page keeps beside the visit goes with it
    this.timers = [];
    this.forgetting = [];
    this.moving = [];
    for (const type of ["pointerdown", "keydown", "input"]) {
      document.addEventListener(type, ({ target }) => this.#asks(type, target) || this.#awake(), { passive: true });
    }
    $("#still-there-box").addEventListener("keydown", (event) => {
      if (event.key !== "Escape") return;
      event.preventDefault(); // it answers the question, and does not go back as well
      this.#awake();
    });
    // Nothing stays after the page is left, also not in the browser's back/forward cache.
    addEventListener("pagehide", () => this.#forgetNow());
    document.addEventListener("visibilitychange", () => {
      if (document.hidden && CAMERA_STATES.includes(this.state)) this.go(this.state === "setup" ? "done" : "leave");
    });
    addEventListener("pageshow", (event) => event.persisted && location.reload());
    $("#still-there").addEventListener("click", () => this.#awake());
    $("#wipe-now").addEventListener("click", () => this.go("leave"));
  }

  /** Run `work` on each arrival in a state. */
  on(state, work) {
    this.entering[state] = work;
  }

  /** Run `work` whenever a visit is forgotten: what a person set on the screen is set back. */
  whenForgotten(work) {
    this.forgetting.push(work);
  }

  /** Run `work` after each arrival in a state. */
  whenMoved(work) {
    this.moving.push(work);
  }

  /**
   * Follow an event to the next state.
   * @param {string} event
   * @param {Visit} [visit] if given and not the current one, nothing happens: that person has left
   */
  go(event, visit = this.visit) {
    if (visit !== this.visit) return;
    this.#enter(next(this.state, event));
  }

  /**
   * Continue as a guest: first drop the visit's data and abort its requests, without a report of them.
   * `note` names the sentence that the guest reads in place of the greeting.
   */
  asGuest(event, note = "") {
    this.#drop();
    this.visit.note = note;
    this.go(event);
  }

  #enter(state) {
    if (!CAMERA_STATES.includes(state)) this.camera.stop();
    const before = this.state;
    this.state = state;
    if (["forget", "pairing", "elsewhere"].includes(state)) {
      this.#forgetNow();
      for (const work of this.forgetting) work();
    }
    this.body.dataset.state = state;
    this.marks();
    this.#awake();
    this.#show(before !== state);
    const work = this.entering[state];
    if (work) work(this.visit);
    for (const moved of this.moving) moved();
    if (state === "forget") setTimeout(() => this.state === "forget" && this.go("forgotten"), FORGET_MS);
  }

  /** Update the page from state and visit: is somebody recognised, is "Not me" visible. */
  marks() {
    const personal = this.visit.recognised && PERSONAL_STATES.includes(this.state);
    $("#not-me").hidden = !personal || this.visit.byCode; // a code is nobody else's
    const end = $("#end-visit");
    if (end) end.hidden = !personal || !this.visit.byCode;
    this.body.dataset.recognised = String(personal);
  }

  #show(moved) {
    for (const screen of $$("[data-screen]")) {
      const hidden = !screen.dataset.screen.split(" ").includes(this.state);
      if (screen.hidden !== hidden) settle(); // another page lies under the finger
      screen.hidden = hidden;
    }
    if (!moved) return;
    window.scrollTo(0, 0);
    $("main").scrollTop = 0;
    this.focusHeading();
  }

  /** Keys go on from the top of the page that is shown. */
  focusHeading() {
    const heading = $$("[data-screen]:not([hidden]) [data-focus]").find((element) => !element.closest("[hidden]"));
    heading?.focus({ preventScroll: true });
  }

  /** Whether the question "Are you still there?" is open and answers for itself: its buttons, and each key. */
  #asks(type, target) {
    return !$("#still-there-box").hidden && (type === "keydown" || Boolean(target.closest?.("#still-there-box")));
  }

  /** Activity of the person: restart the idle timer. */
  #awake() {
    this.timers.forEach(clearTimeout);
    clearInterval(this.clock);
    this.#ask(false);
    if (["attract", "pairing", "forget", "elsewhere", "setup"].includes(this.state)) return;
    const warn = Math.max(this.idleSeconds - WARN_SECONDS, this.idleSeconds / 2) * 1000;
    this.timers = [
      setTimeout(() => this.#countDown(this.idleSeconds - warn / 1000), warn),
      setTimeout(() => this.go("idle"), this.idleSeconds * 1000),
    ];
  }

  /** Ask whether somebody is there, and show the seconds until everything goes. */
  #countDown(seconds) {
    const ends = performance.now() + seconds * 1000;
    const show = () => ($("#still-there-seconds").textContent = String(Math.max(0, Math.ceil((ends - performance.now()) / 1000))));
    show();
    this.#ask(true);
    settle($("#still-there-box"));
    this.clock = setInterval(show, 250);
  }

  /** Open or close the question: keys reach it alone while it is open, and afterwards what they reached before. */
  #ask(open) {
    const box = $("#still-there-box");
    if (box.hidden === !open) return;
    const { activeElement } = document;
    for (const part of ["header.top", "main", "footer.bar"]) $(part)?.toggleAttribute("inert", open);
    if (open) this.before = activeElement;
    box.hidden = !open;
    if (open) $("#still-there").focus();
    else if (box.contains(activeElement)) this.before?.focus({ preventScroll: true });
  }

  /** Delete the visit: running requests, token, basket, and what the page shows of it. */
  #forgetNow() {
    this.#drop();
    $("#live").textContent = "";
  }

  #drop() {
    this.camera.stop();
    this.visit.undo?.(); // an opt-in that was not confirmed
    this.visit.abort.abort();
    this.visit = this.newVisit();
    this.onDrop();
    for (const element of $$("[data-personal]")) element.replaceChildren();
    clearDrawn();
    for (const input of $$("input")) {
      if (input.type === "checkbox") input.checked = false;
      else input.value = "";
    }
  }

  /** Forget after a while unless the state changes before. */
  leaveIn(ms) {
    const { visit, state } = this;
    setTimeout(() => this.state === state && this.go("leave", visit), ms);
  }
}
