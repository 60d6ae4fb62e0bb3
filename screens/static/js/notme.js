// "Not me": for this visit at once; for good only after a question; and the way back after the PIN.

import { Problem } from "./usual.js";
import { $, announce, h } from "./dom.js";

export class NotMe {
  /** @param {{stage, api, words}} parts */
  constructor({ stage, api, words }) {
    Object.assign(this, { stage, api, words });
    words.onChange(() => this.draw(stage.visit));
  }

  /** The greeting was for somebody else: their data goes at once; the report may arrive later or fail. */
  now() {
    const { token } = this.stage.visit;
    const reported = token ? this.api.notMe(token).catch(() => {}) : null;
    this.stage.asGuest("not_me", this.words.page === "kiosk" ? "not_me_greeting" : "");
    if (!token) return;
    // The token opens nothing any more; it only says which greeting "never again" would be about.
    this.stage.visit.doubt = { token, reported, step: "ask" };
    this.draw(this.stage.visit);
  }

  /** Draw the line above the suggestions: the question, the way back, or nothing. */
  draw(visit) {
    const line = $("#doubt");
    const { doubt } = visit;
    if (doubt) line.replaceChildren(...this.#question(visit, doubt));
    else if (visit.doubted && visit.raised) line.replaceChildren(...this.#wayBack(visit));
    else line.replaceChildren();
  }

  #question(visit, doubt) {
    const say = (key) => h("span", {}, this.words.t(key));
    const button = (key, work, strong) =>
      h("button", { type: "button", class: strong ? "quiet strong" : "quiet", "data-doubt": key, onclick: work }, this.words.t(key));
    const to = (step) => () => {
      doubt.step = step;
      this.draw(visit);
      $("#doubt button, #greeting").focus();
    };
    if (doubt.step === "ask") return [say("notme_ask"), button("notme_never", to("explain"))];
    if (doubt.step === "explain" || doubt.step === "failed") {
      return [
        say(doubt.step === "failed" ? "notme_failed" : "notme_explain"),
        h("span", { class: "answers" }, button("notme_no", to("no")), button("notme_yes", () => this.#never(visit, doubt), true)),
      ];
    }
    return doubt.step === "kept" ? [say("notme_kept")] : [];
  }

  async #never(visit, doubt) {
    try {
      await doubt.reported;
      await this.api.neverAgain(doubt.token);
      doubt.step = "kept";
    } catch {
      doubt.step = "failed";
    }
    if (visit !== this.stage.visit) return;
    this.draw(visit);
    announce($("#doubt").textContent);
  }

  #wayBack(visit) {
    if (visit.faceAgain) return [h("span", {}, this.words.t(visit.faceAgain))];
    const work = async () => {
      try {
        await this.api.faceAgain(visit.token);
        visit.faceAgain = "face_again_done";
      } catch (error) {
        visit.faceAgain = error instanceof Problem && error.status < 500 ? "face_again_not" : "";
        if (!visit.faceAgain) announce(this.words.t("notme_failed"));
      }
      if (visit !== this.stage.visit) return;
      this.draw(visit);
      announce($("#doubt").textContent);
    };
    return [h("button", { type: "button", class: "quiet", "data-doubt": "face_again", onclick: work }, this.words.t("face_again"))];
  }
}
