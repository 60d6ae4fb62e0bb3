// Why there is no camera, in words that a person can act on.

/** There is no camera, or it is gone, or the person or the device does not allow it. */
export class NoCamera extends Error {
  /** @param {string} why insecure, none, denied, busy, lost or failed: names the sentence that is shown */
  constructor(why, detail = why) {
    super(detail);
    this.why = why;
  }
}

/** The reasons that have a sentence of their own. */
export const SAID = Object.freeze(["insecure", "denied", "busy", "none", "lost"]);

const WHY = {
  NotAllowedError: "denied",
  SecurityError: "denied",
  NotFoundError: "none",
  OverconstrainedError: "none",
  NotReadableError: "busy",
  AbortError: "busy",
};

/** What `getUserMedia` threw, as NoCamera. */
export function troubleOf(error) {
  return new NoCamera(WHY[error?.name] ?? "failed", String(error));
}

/** @throws {NoCamera} where this page is given no camera at all */
export function demandCameras() {
  if (navigator.mediaDevices?.getUserMedia) return;
  throw new NoCamera(globalThis.isSecureContext === false ? "insecure" : "none");
}
