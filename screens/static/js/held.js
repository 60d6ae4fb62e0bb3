// "What is held about me": the customer's own page, opened on this screen after the PIN.

import { $ } from "./dom.js";

const OWN_PAGE = "./me/me.js";

export class Held {
  /** @param {{stage, words, byCode, page: string}} parts */
  constructor({ stage, words, byCode, page }) {
    Object.assign(this, { stage, words, byCode, page, module: null, shown: null });
  }

  /** From the first level: first by code or face, and the PIN. Where the page cannot be opened here, go to it. */
  async start() {
    try {
      this.module ??= await import(OWN_PAGE);
    } catch {
      location.assign(`/me?lang=${this.words.language}`);
      return;
    }
    if (this.stage.state !== "attract") return;
    this.stage.visit.wantsHeld = true;
    this.byCode.start();
  }

  /** Somebody who is recognised asks for it. */
  async ask(visit) {
    this.module ??= await import(OWN_PAGE).catch(() => null);
    if (visit !== this.stage.visit) return;
    if (!this.module) location.assign(`/me?lang=${this.words.language}`);
    visit.wantsHeld = true;
    if (visit.raised) this.show(visit);
    else this.stage.go("second_factor", visit);
  }

  /** Open the page if this visit asked for it and the PIN was given. @returns {boolean} whether it is open */
  show(visit) {
    if (!visit.wantsHeld || !visit.raised || !this.module) return false;
    visit.wantsHeld = false;
    const onClose = () => {
      this.shown = null;
      this.stage.go("leave", visit);
    };
    const idleSeconds = Number(document.body.dataset.idle);
    this.shown = this.module.open({ token: visit.token, page: this.page, language: this.words.language, idleSeconds, onClose });
    return true;
  }

  /** Whether the way there is being walked: the page of the code then offers the face too. */
  mark() {
    $("#code-face").hidden = !this.stage.visit.wantsHeld;
  }

  /** The visit is over: nothing of the page stays. */
  close() {
    this.shown?.close();
    this.shown = null;
  }
}
