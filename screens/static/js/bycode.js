// Without a face: the customer's code and PIN lead to the same suggestions.

import { Problem } from "./usual.js";
import { complaint, grouped, keyboard } from "./codes.js";
import { $, announce } from "./dom.js";

export class ByCode {
  /**
   * @param {{stage, api, words, pinpad, enter: (body, visit) => Promise<void>}} parts; `enter` sends code and PIN and
   *   stores the reply in the visit
   */
  constructor({ stage, api, words, pinpad, enter }) {
    Object.assign(this, { stage, api, words, pinpad, enter });
    $("#code-form").addEventListener("submit", (event) => {
      event.preventDefault(); // also a reader that ends with Enter arrives here
      this.#typed();
    });
    keyboard("code", words);
  }

  /** Somebody chose the way without a face. */
  start() {
    Object.assign(this.stage.visit, { purpose: "code", token: null, purposes: [] });
    this.words.say($("#code-error"));
    this.stage.go("code");
    $("#code-code").focus();
  }

  #typed() {
    const { visit } = this.stage;
    const text = $("#code-code").value;
    const wrong = complaint(text);
    if (wrong) {
      this.words.say($("#code-error"), wrong.key, wrong.values);
      announce($("#code-error").textContent);
      return;
    }
    visit.code = grouped(text);
    visit.pressedAt = performance.now();
    this.stage.go("typed");
  }

  /** Called when the state is `pin`. */
  askPin(visit, refusal = "") {
    this.words.say($("#pin-title"), "pin_enter");
    this.words.say($("#pin-text"), "pin_by_code_text");
    $("#pin-other").hidden = false;
    this.words.say($("#pin-other"), "pin_guest");
    this.words.say($("#pin-error"), refusal);
    if (refusal) announce(this.words.t(refusal));
    this.pinpad.ask((pin) => this.#enter(visit, pin));
  }

  async #enter(visit, pin) {
    try {
      await this.enter({ receipt: visit.code, pin }, visit);
      if (visit !== this.stage.visit) return;
      $("#code-code").value = "";
      Object.assign(visit, { code: null, byCode: true, raised: true });
      this.pinpad.clear();
      this.stage.go("matched", visit);
    } catch (error) {
      if (visit !== this.stage.visit || visit.abort.signal.aborted) return;
      const { status } = error instanceof Problem ? error : { status: 0 };
      const wrong = [403, 404, 422].includes(status);
      this.askPin(visit, status === 429 ? "pin_by_code_locked" : wrong ? "pin_by_code_wrong" : "failed_text");
    }
  }
}
