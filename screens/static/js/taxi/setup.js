// Setting a tablet up, right after it was paired: the code for the driver's screen, and the permission for the receiver.

import { Offline, Problem } from "../usual.js";
import { $ } from "../dom.js";
import { grouped } from "./codes.js";

export class SetUp {
  /** @param {{stage, api, words, receiver}} parts */
  constructor({ stage, api, words, receiver }) {
    Object.assign(this, { stage, api, words, receiver });
    $("#taxi-setup-code-show").addEventListener("click", () => this.#code());
    $("#taxi-setup-position").addEventListener("click", () => this.#position());
    $("#taxi-setup-done").addEventListener("click", () => this.stage.go("taxi_setup_done"));
    this.stage.on("taxi_setup", () => this.#draw());
  }

  start() {
    if (this.stage.state === "attract") this.stage.go("taxi_setup");
  }

  #draw() {
    $("#taxi-setup-code").textContent = "";
    $("#taxi-setup-error").textContent = "";
    $("#taxi-setup-position-box").hidden = !this.receiver.wanted;
    $("#taxi-setup-position-said").textContent = "";
  }

  async #code() {
    $("#taxi-setup-error").textContent = "";
    try {
      const made = await this.api.driverCode();
      if (this.stage.state === "taxi_setup") $("#taxi-setup-code").textContent = grouped(made.code);
    } catch (error) {
      if (!(error instanceof Problem || error instanceof Offline)) throw error;
      $("#taxi-setup-error").textContent = this.words.t(error instanceof Problem ? "taxi_setup_code_refused" : "pairing_offline");
    }
  }

  async #position() {
    const given = await this.receiver.permit();
    $("#taxi-setup-position-said").textContent = this.words.t(given ? "taxi_setup_position_yes" : "taxi_setup_position_no");
  }
}
