// The screen as a whole: which state it is in, what is visible, when nobody is there any more.

import { $, $$ } from "./dom.js";
import { CAMERA_STATES, PERSONAL_STATES, next } from "./states.js";

const WARN_SECONDS = 12; // "Are you still there?" this long before everything goes
const FORGET_MS = 1200; // how long "Nothing stays on this screen" is shown

/** What is held of one visit. Forgetting is replacing it: nothing of a person is kept anywhere else. */
export class Visit {
  constructor() {
    this.token = null;
    this.purposes = [];
    this.suggestions = null;
    this.purpose = "recognise"; // of a press: recognise, enrol, forget
    this.tries = 0;
    this.hint = null; // what the last answer asks of the person
    this.consent = null;
    this.earlier = null; // the receipt of an enrolment that this one goes on from
    this.enrolment = null;
    this.why = "";
    this.somebodyElse = false;
    this.raised = false; // the second factor was given
    this.pressedAt = 0;
    this.abort = new AbortController();
  }

  /** Keep what a recognition says. A look-alike's token opens nothing until the PIN has raised it. */
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
    // Leaving the page leaves nothing: also not in the browser's memory of pages to go back to.
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
   * @param {Visit} [visit] when given and not the present one any more, nothing happens: somebody has left
   */
  go(event, visit = this.visit) {
    if (visit !== this.visit) return;
    this.#enter(next(this.state, event));
  }

  /** Go on as a guest: whatever was known or under way is dropped first, and nothing is reported of it. */
  asGuest(event) {
    this.#drop();
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

  /** What the state and the visit say together: is somebody recognised, is "Not me" on the screen. */
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

  /** Somebody is there: begin counting anew. */
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

  /** Throw the visit away: requests under way, token, basket, and whatever the page shows of it. */
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

  /** Forget after a while unless somebody does something else before. */
  leaveIn(ms) {
    const { visit, state } = this;
    setTimeout(() => this.state === state && this.go("leave", visit), ms);
  }
}
