// One tab of one browser is the screen. Another one says so, and can take its place.

const GRACE_MS = 2000; // the page that was reloaded lets go a moment later

export class OneTab {
  /**
   * @param {string} page
   * @param {{onTurn: (here: boolean) => void}} listeners called when this tab becomes the screen, and when it is not
   */
  constructor(page, { onTurn }) {
    this.name = `usual-screen-${page}`;
    this.onTurn = onTurn;
    this.here = false;
  }

  /** Ask to be the screen; wait for the other tab to be closed. */
  start() {
    if (!navigator.locks) return; // plain http, or an old browser: both tabs take part, orders are still sent once
    this.#ask({});
    setTimeout(() => this.here || this.onTurn(false), GRACE_MS);
  }

  /** Become the screen now: the other tab hears it. */
  take() {
    this.#ask({ steal: true });
  }

  #ask(how) {
    let held = false;
    const hold = () => new Promise(() => {
      held = this.here = true;
      this.onTurn(true);
    });
    navigator.locks.request(this.name, how, hold).catch(() => {
      if (!held) return;
      this.here = false;
      this.onTurn(false); // another tab took it: wait for it to be closed
      this.#ask({});
    });
  }
}
