// The times of events that were made before a server had said what time it is.

import { clock, localTime } from "../usual.js";

/** Refusals of a time: the server's own is used instead, so that no order is lost to a wrong clock. */
const WRONG_TIME = ["event_from_the_future", "event_too_old", "event_before_2000", "event_outside_press"];

export const isWrongTime = (problem) => WRONG_TIME.includes(problem.code);

/** The same events at another moment. */
export const at = (events, date) => events.map((event) => ({ ...event, occurred_at: localTime(date) }));

/** When something happened, by the server's clock, that this device's own clock put at `madeMs`; never in the future. */
export function corrected(madeMs) {
  return new Date(Math.min(madeMs - clock.offMs, clock.now().getTime()));
}
