// What the person in front of the camera is asked: in words, and in the oval, where the server said what is wrong.

import { $, announce } from "../dom.js";

/** What the oval shows for a hint: closer, middle (with the side where the face is), one, still, light or nothing. */
const ASKS = Object.freeze({
  face_too_small: "closer",
  face_off_centre: "middle",
  several_faces: "one",
  face_blurred: "still",
  too_dark: "light",
  too_bright: "light",
});
const SIDES = ["left", "right", "top", "bottom"]; // of the picture; the preview is its mirror image

export class Guide {
  constructor(words) {
    this.words = words;
  }

  /** Say something, also to a screen reader; the same thing only once. */
  say(key) {
    const text = this.words.t(key);
    if ($("#hint").textContent === text) return;
    this.words.say($("#hint"), key);
    announce(text);
  }

  live(live) {
    $("#oval").dataset.live = String(live);
  }

  busy(busy) {
    $("#oval").dataset.busy = String(busy);
  }

  /** Draw what a refusal asks for; without one, a plain oval. */
  draw(problem = null) {
    const { dataset } = $("#oval");
    dataset.ask = ASKS[problem?.code] ?? "";
    dataset.where = SIDES.includes(problem?.where) ? problem.where : "";
  }
}
