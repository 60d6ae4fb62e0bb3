// "Call staff": one press, and the house's people see at which screen somebody is wanted. Nothing of a visit is sent.

import { $, announce } from "../dom.js";

const SAID_MS = 60_000; // for so long it says what became of the call; a call in that time changes nothing

export class Staff {
  /** @param {{screen, api, words, stage}} parts */
  constructor({ screen, api, words, stage }) {
    Object.assign(this, { screen, api, words, said: "call_staff", timer: null });
    this.button = $("#call-staff");
    this.button.addEventListener("click", () => this.#call());
    screen.settings.onChange(() => this.#draw());
    words.onChange(() => this.#draw());
    stage.whenForgotten(() => this.#say("call_staff"));
  }

  async #call() {
    if (this.said === "call_told") return announce(this.words.t(this.said));
    const found = await this.api.callStaff().then(() => "call_told", () => "call_failed");
    this.#say(found);
    return announce(this.words.t(found));
  }

  #say(key) {
    clearTimeout(this.timer);
    this.said = key;
    this.#draw();
    if (key !== "call_staff") this.timer = setTimeout(() => this.#say("call_staff"), SAID_MS);
  }

  #draw() {
    this.button.hidden = !this.screen.settings.callStaff;
    this.button.dataset.said = this.said;
    $("#call-staff-text").textContent = this.words.t(this.said);
    this.button.setAttribute("aria-label", this.words.t(this.said));
    this.button.title = this.words.t(this.said);
  }
}
