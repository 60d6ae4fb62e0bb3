// When a screen was restarted, and how long the next one has to wait. Pure: the time is handed in.

export const FREE = 3; // so many within an hour need not wait
export const DAY_MS = 24 * 3600_000;
const HOUR_MS = 3600_000;
const FIRST_WAIT_MS = 60_000;
const LONGEST_WAIT_MS = 15 * 60_000;

/** The times of the last day, oldest first; one that lies ahead (a clock was set back) counts as now. */
export function ofTheLastDay(times, now) {
  return times.filter(Number.isFinite).map((time) => Math.min(time, now)).filter((time) => now - time < DAY_MS).slice(-200);
}

/** How many milliseconds must pass before the next restart: none for three in an hour, then 1, 2, 4 minutes up to 15. */
export function waitFor(times, now) {
  const hour = ofTheLastDay(times, now).filter((time) => now - time < HOUR_MS);
  if (hour.length < FREE) return 0;
  const wait = Math.min(FIRST_WAIT_MS * 2 ** (hour.length - FREE), LONGEST_WAIT_MS);
  return Math.max(0, wait - (now - hour.at(-1)));
}
