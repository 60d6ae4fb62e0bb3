// The operator's page of the camera: which one, and how it is mounted. Opened from the page of pairing or by #camera.

import { $ } from "../dom.js";
import { cameraIds } from "./choice.js";
import { NoCamera, SAID } from "./trouble.js";

export class CameraSetup {
  /** @param {{stage, words}} parts */
  constructor({ stage, words }) {
    Object.assign(this, { stage, words });
    this.video = stage.camera.video;
    stage.on("setup", () => this.#open());
    $("#setup-other").addEventListener("click", () => this.#other());
    $("#setup-turn").addEventListener("click", () => stage.camera.turnOn());
    $("#setup-done").addEventListener("click", () => stage.go("done"));
  }

  /** The element that shows the picture: of this page while it is open, else of the page of a look. */
  show(here) {
    this.stage.camera.video = here ? $("#setup-video") : this.video;
  }

  async #open() {
    this.show(true);
    const { camera } = this.stage;
    this.words.say($("#setup-hint"), "setup_text");
    try {
      await camera.start();
      $("#setup-other").hidden = (await cameraIds()).length < 2;
    } catch (error) {
      if (!(error instanceof NoCamera)) throw error;
      if (this.stage.state !== "setup") return;
      const key = SAID.includes(error.why) ? `camera_${error.why}_text` : "no_camera_text";
      this.words.say($("#setup-hint"), key);
    }
  }

  async #other() {
    if (await this.stage.camera.other()) await this.#open();
  }
}
