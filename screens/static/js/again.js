// A request that the server has to hear of, also when there is no line at the moment: it is sent until it was answered.

import { Offline, Problem } from "./usual.js";

const PAUSE_MS = 2_000;
const LONGEST_PAUSE_MS = 20_000;
const ASK_LATER = [401, 403, 408, 429]; // refusals that say nothing about what was asked for

/** Whether the server has decided: what it does not know any more is done, too. */
const isAnswer = (error) => error instanceof Problem && error.status < 500 && !ASK_LATER.includes(error.status);

/** Wait for a while, or until the browser has a line again. */
function pauseOrLine(ms) {
  return new Promise((done) => {
    const go = () => {
      clearTimeout(timer);
      removeEventListener("online", go);
      done();
    };
    const timer = setTimeout(go, ms);
    addEventListener("online", go);
  });
}

/**
 * Send until the server has answered; it has to be a request that does no harm when it comes twice.
 * @param {() => Promise} send
 * @param {number} forMs for how long it is worth the while
 * @returns {Promise<boolean>} whether it was answered in this time
 */
export async function untilAnswered(send, forMs) {
  const ends = performance.now() + forMs;
  for (let wait = PAUSE_MS; performance.now() < ends; wait = Math.min(2 * wait, LONGEST_PAUSE_MS)) {
    try {
      await send();
      return true;
    } catch (error) {
      if (isAnswer(error)) return true;
      if (!(error instanceof Offline || error instanceof Problem)) throw error;
    }
    await pauseOrLine(wait);
  }
  return false;
}
