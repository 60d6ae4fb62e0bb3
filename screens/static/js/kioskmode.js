// Kiosk mode of a paired device: full screen, the screen stays on, and no gesture leads out of the page.
//
// The operator chooses it on the page of pairing (or in the first-run link: #pair=...&kiosk=on). On a device that is
// not in kiosk mode nothing of this happens: who needs it there zooms, selects and opens menus as everywhere.

import { keep, kept } from "./browser/kept.js";

const NAME = "kiosk-mode";
const AGAIN_MS = 30_000; // the system took the wake lock away while the page is in view: ask again

/** The document of the window, also when a page of ours holds this one in a frame: it outlives the frame. */
function outermost() {
  try {
    return window.top.document;
  } catch {
    return document;
  }
}

/** What this browser lacks of what kiosk mode uses: "fullscreen", "wake_lock", "touch_action". */
export function missing() {
  const root = outermost().documentElement;
  const alone = matchMedia("(display-mode: fullscreen), (display-mode: standalone)").matches;
  return [
    !root.requestFullscreen && !alone && "fullscreen",
    !navigator.wakeLock && "wake_lock",
    !globalThis.CSS?.supports?.("touch-action", "pan-x pan-y") && "touch_action",
  ].filter(Boolean);
}

export class KioskMode {
  constructor() {
    this.off = null; // aborts every listener
    this.lock = null;
  }

  /** What the operator chose on this device. */
  get chosen() {
    return this.wanted ?? kept(NAME, false) === true;
  }

  /** Remember the operator's choice; `false` where the browser cannot keep it beyond this page. */
  choose(on) {
    this.wanted = on;
    return keep(NAME, on);
  }

  get running() {
    return this.off !== null;
  }

  /** Begin, if it was chosen: after pairing, and when a paired page is loaded. */
  start() {
    if (!this.chosen || this.running) return;
    this.off = new AbortController();
    document.documentElement.dataset.kioskMode = "on";
    this.#closeWaysOut();
    this.#pointer();
    this.#listen(document, "visibilitychange", () => this.#keepAwake());
    this.#listen(document, "click", () => this.fillScreen(), { capture: true });
    this.#keepAwake();
  }

  /** End: the device is not paired any more. */
  stop() {
    this.off?.abort();
    this.off = null;
    delete document.documentElement.dataset.kioskMode;
    delete document.documentElement.dataset.pointer;
    this.lock?.release().catch(() => {});
    this.lock = null;
  }

  /** Full screen; a browser allows it only in the course of a press. A refusal changes nothing. */
  fillScreen() {
    const { documentElement, fullscreenElement } = outermost();
    if (fullscreenElement || !documentElement.requestFullscreen) return;
    documentElement.requestFullscreen({ navigationUI: "hide" }).catch(() => {});
  }

  #listen(target, type, work, options = {}) {
    target.addEventListener(type, work, { signal: this.off.signal, ...options });
  }

  #closeWaysOut() {
    const stop = (event) => event.preventDefault();
    const writes = (event) => event.target?.closest?.("input, textarea");
    for (const type of ["contextmenu", "dragstart", "gesturestart", "gesturechange"]) this.#listen(document, type, stop, { passive: false });
    this.#listen(document, "selectstart", (event) => writes(event) || stop(event));
    // A pinch on a touchpad is a wheel with Ctrl; two fingers on a screen are forbidden by touch-action (kioskmode.css).
    this.#listen(document, "wheel", (event) => event.ctrlKey && stop(event), { passive: false });
    this.#listen(document, "touchmove", (event) => event.touches.length > 1 && stop(event), { passive: false });
    this.#listen(document, "keydown", (event) => {
      if ((event.ctrlKey || event.metaKey) && ["+", "-", "=", "0", "p", "s"].includes(event.key)) stop(event);
    });
    // Nothing of a page may ask "Leave this page?" when it is to be loaded anew.
    this.#listen(window, "beforeunload", (event) => event.stopImmediatePropagation(), { capture: true });
  }

  /** Where a finger is used there is no arrow. */
  #pointer() {
    const seen = ({ pointerType }) => {
      document.documentElement.dataset.pointer = pointerType === "touch" ? "touch" : "other";
    };
    for (const type of ["pointerdown", "pointermove"]) this.#listen(document, type, seen, { passive: true });
  }

  /** The screen stays on. The lock is lost whenever the page is out of view: then it is asked for anew. */
  async #keepAwake() {
    if (!this.running || !navigator.wakeLock || document.visibilityState !== "visible") return;
    if (this.lock && !this.lock.released) return;
    const { signal } = this.off;
    try {
      const lock = await navigator.wakeLock.request("screen");
      if (signal.aborted) return void lock.release();
      this.lock = lock;
      lock.addEventListener("release", () => setTimeout(() => this.#keepAwake(), AGAIN_MS), { once: true, signal });
    } catch {
      // Refused, for instance with an empty battery: a later view of the page asks again.
      setTimeout(() => !signal.aborted && this.#keepAwake(), AGAIN_MS);
    }
  }
}

/** For the operator, on the page of pairing: what this browser lacks for kiosk mode. */
export function drawMissing(words) {
  const list = document.getElementById("pairing-kiosk-missing");
  const items = missing().map((name) => {
    const item = document.createElement("li");
    item.textContent = words.t(`kioskmode_missing_${name}`);
    return item;
  });
  list.replaceChildren(...items);
  list.hidden = items.length === 0;
}
