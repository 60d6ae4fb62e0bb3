// The screen as a whole: its state, the visible page, and the idle timer.

import { $, $$ } from "./dom.js";
import { CAMERA_STATES, PERSONAL_STATES, next } from "./states.js";

const WARN_SECONDS = 12; // "Are you still there?" this long before everything goes
const FORGET_MS = 1200; // how long "Nothing stays on this screen" is shown

/** The data of one visit. To forget is to replace it: no other object has data of a person. */
export class Visit {
  constructor() {
    this.token = null;
    this.purposes = [];
    this.suggestions = null;
    this.purpose = "recognise"; // of a press: recognise, enrol, forget
    this.tries = 0;
    this.hint = null; // the hint code of the last reply
    this.consent = null;
    this.earlier = null; // the receipt code of the earlier enrolment that this one continues
    this.enrolment = null;
    this.why = "";
    this.note = ""; // a sentence in place of the greeting
    this.somebodyElse = false;
    this.raised = false; // the second factor was given
    this.pressedAt = 0;
    this.abort = new AbortController();
  }

  /** Store a recognition's reply. A look-alike's token opens nothing until the PIN has raised it. */
  known({ decision, token, purposes, hint = null }) {
    this.hint = hint;
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
    this.timers = [];
    for (const type of ["pointerdown", "keydown", "input"]) {
      document.addEventListener(type, () => this.#awake(), { passive: true });
    }
    // Nothing stays after the page is left, also not in the browser's back/forward cache.
    addEventListener("pagehide", () => this.#forgetNow());
    addEventListener("pageshow", (event) => event.persisted && location.reload());
    $("#still-there").addEventListener("click", () => this.#awake());
  }

  /** Run `work` on each arrival in a state. */
  on(state, work) {
    this.entering[state] = work;
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
    if (state === "forget" || state === "pairing") this.#forgetNow();
    this.body.dataset.state = state;
    this.marks();
    this.#show(before !== state);
    this.#awake();
    const work = this.entering[state];
    if (work) work(this.visit);
    if (state === "forget") setTimeout(() => this.state === "forget" && this.go("forgotten"), FORGET_MS);
  }

  /** Update the page from state and visit: is somebody recognised, is "Not me" visible. */
  marks() {
    const personal = this.visit.recognised && PERSONAL_STATES.includes(this.state);
    $("#not-me").hidden = !personal;
    this.body.dataset.recognised = String(personal);
  }

  #show(moved) {
    for (const screen of $$("[data-screen]")) {
      screen.hidden = !screen.dataset.screen.split(" ").includes(this.state);
    }
    if (!moved) return;
    window.scrollTo(0, 0);
    const heading = $$("[data-screen]:not([hidden]) [data-focus]").find((element) => !element.closest("[hidden]"));
    if (heading) heading.focus({ preventScroll: true });
  }

  /** Activity of the person: restart the idle timer. */
  #awake() {
    this.timers.forEach(clearTimeout);
    $("#still-there-box").hidden = true;
    if (["attract", "pairing", "forget"].includes(this.state)) return;
    const warn = Math.max(this.idleSeconds - WARN_SECONDS, this.idleSeconds / 2) * 1000;
    this.timers = [
      setTimeout(() => ($("#still-there-box").hidden = false), warn),
      setTimeout(() => this.go("idle"), this.idleSeconds * 1000),
    ];
  }

  /** Delete the visit: running requests, token, basket, and what the page shows of it. */
  #forgetNow() {
    this.#drop();
    for (const input of $$("input")) {
      if (input.type === "checkbox") input.checked = false;
      else input.value = "";
    }
    $("#live").textContent = "";
  }

  #drop() {
    this.camera.stop();
    this.visit.abort.abort();
    this.visit = this.newVisit();
    for (const element of $$("[data-personal]")) element.replaceChildren();
  }

  /** Forget after a while unless the state changes before. */
  leaveIn(ms) {
    const { visit, state } = this;
    setTimeout(() => this.state === state && this.go("leave", visit), ms);
  }
}
