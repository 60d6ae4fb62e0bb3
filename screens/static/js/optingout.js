// Opting out: by face, with the PIN where there is one, or by code; and what became of it.

import { Problem } from "./usual.js";
import { complaint, grouped, keyboard } from "./codes.js";
import { $, announce } from "./dom.js";

const SHOWN_MS = 9000; // "You are forgotten" stays this long

/** Of each outcome: title and text. */
const OUTCOMES = Object.freeze({
  forgotten: ["forgotten_title", "forgotten_text"],
  paused: ["paused_title", "paused_text"],
  unknown: ["forgotten_none_title", "forgotten_none_text"],
  undoing: ["undone_title", "undone_soon"],
  undone: ["undone_title", "undone_text"],
  late: ["undone_title", "undone_late"],
});

export class OptingOut {
  /** @param {{stage, api, words, look, pinpad}} parts */
  constructor({ stage, api, words, look, pinpad }) {
    Object.assign(this, { stage, api, words, look, pinpad });
    stage.on("optout", () => this.#choose());
    stage.on("forgotten", (visit) => this.#outcome(visit));
    words.onChange(() => stage.state === "forgotten" && this.#outcome(stage.visit));
    $("#optout-form").addEventListener("submit", (event) => {
      event.preventDefault();
      this.#forgetByCode();
    });
    keyboard("optout", words);
  }

  #choose() {
    this.words.say($("#optout-error"));
    $("#optout-code").value = "";
    $("#optout-entry").hidden = true;
  }

  /** Show the field and the keys for a code. */
  enterCode() {
    if (this.stage.state !== "optout") this.stage.go("opt_out");
    $("#optout-entry").hidden = false;
    $("#optout-code").focus();
  }

  /** The face may be that of somebody with a PIN: it says that it is them. Called when the state is `pin`. */
  askPin(visit) {
    this.words.say($("#pin-title"), "pin_enter");
    this.words.say($("#pin-text"), "pin_forget_text");
    $("#pin-other").hidden = false;
    this.words.say($("#pin-other"), "pin_forget_other");
    const refusal = { pin_wrong: "pin_wrong", pin_locked: "wait_text" }[visit.refusal] || (visit.pin ? "pin_wrong" : "");
    this.words.say($("#pin-error"), refusal);
    visit.refusal = "";
    this.pinpad.ask((pin) => this.#again(visit, pin));
  }

  /** Who does not know the PIN: nobody is greeted any more, and a member of staff ends it. */
  withoutPin(visit) {
    this.#again(visit, "");
  }

  #again(visit, pin) {
    this.pinpad.clear();
    visit.pin = pin;
    visit.tries = 0;
    this.stage.go("look", visit);
  }

  async #forgetByCode() {
    const { visit } = this.stage;
    const text = $("#optout-code").value;
    const wrong = complaint(text);
    if (wrong) {
      this.words.say($("#optout-error"), wrong.key, wrong.values);
      return;
    }
    try {
      await this.api.forgetReceipt(grouped(text), visit.abort.signal);
      visit.why = "forgotten";
      this.stage.go("forgotten", visit);
    } catch (refusal) {
      if (visit !== this.stage.visit) return;
      const { status } = refusal instanceof Problem ? refusal : { status: 0 };
      const key = status === 404 || status === 422 ? "optout_code_unknown" : status === 429 ? "wait_text" : "failed_text";
      this.words.say($("#optout-error"), key);
    }
  }

  /** The server has answered that an enrolment was undone. */
  undone(visit) {
    visit.why = "undone";
    if (visit !== this.stage.visit || this.stage.state !== "forgotten") return;
    $("#forgotten-text").textContent = this.words.t("undone_text");
    announce(this.words.t("undone_text"));
  }

  #outcome(visit) {
    const why = visit.why in OUTCOMES ? visit.why : "unknown";
    const [title, text] = OUTCOMES[why];
    this.pinpad.clear();
    visit.pin = null;
    $("#forgotten-title").textContent = this.words.t(title);
    $("#forgotten-text").textContent = this.words.t(text);
    const { reference } = visit;
    $("#forgotten-reference").textContent = why === "paused" ? reference : "";
    $("#forgotten-staff").textContent = why === "paused" ? this.words.t("paused_staff", { reference }) : "";
    $("#forgotten-paused").hidden = why !== "paused";
    $("#forgotten-code").hidden = !["unknown", "paused"].includes(why);
    $("#forgotten-again").hidden = why !== "unknown";
    $("#forgotten-join").hidden = why !== "late";
    if (["forgotten", "undoing", "undone"].includes(why)) this.stage.leaveIn(SHOWN_MS);
  }
}
