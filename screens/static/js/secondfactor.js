// The PIN of a recognised person: it opens places and separates two look-alikes.

import { Problem } from "./usual.js";
import { $, announce } from "./dom.js";

export class SecondFactor {
  /** @param {{stage, api, words, pinpad}} parts */
  constructor({ stage, api, words, pinpad }) {
    Object.assign(this, { stage, api, words, pinpad });
  }

  /** Ask for the PIN; the right one raises the visit's token. */
  ask(visit) {
    const { words } = this;
    words.say($("#pin-title"), "pin_enter");
    words.say($("#pin-text"), document.body.dataset.page === "taxi" ? "pin_enter_text" : "pin_enter_kiosk");
    $("#pin-other").hidden = false;
    words.say($("#pin-other"), "pin_guest");
    words.say($("#pin-error"));
    this.pinpad.ask((pin) => this.#raise(visit, pin));
  }

  async #raise(visit, pin) {
    try {
      const reply = await this.api.raise(visit.token, pin, visit.abort.signal);
      if (visit !== this.stage.visit) return;
      visit.token = reply.token;
      visit.purposes = reply.purposes;
      visit.raised = true;
      this.pinpad.clear();
      this.stage.go("raised", visit);
    } catch (error) {
      if (visit !== this.stage.visit) return;
      if (!(error instanceof Problem) && visit.abort.signal.aborted) return;
      this.#refuse(visit, error instanceof Problem ? error.status : 0);
    }
  }

  #refuse(visit, status) {
    const wrong = status >= 400 && status < 429;
    this.words.say($("#pin-error"), status === 429 ? "pin_locked" : wrong ? "pin_wrong" : "failed_text");
    announce($("#pin-error").textContent);
    this.pinpad.ask((pin) => this.#raise(visit, pin));
  }
}
