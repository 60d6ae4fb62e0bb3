// In a frame without an origin, in a process of its own: when the page around it falls silent, it leads the window away.

"use strict";

const CHECK_MS = 1000;
const SILENT_CHECKS = 10; // counted, not timed: a device that slept is not one that hangs
let silent = null; // nothing was heard yet
let said = { wait: 0, query: "" };
let waited = 0;

addEventListener("message", ({ source, data }) => {
  if (source !== parent || !data || data.beat !== true) return;
  silent = 0;
  waited = 0;
  said = data;
});

/** A page that cannot be loaded would be worse than one that hangs. */
async function reachable() {
  const end = new AbortController();
  const timer = setTimeout(() => end.abort(), 4000);
  try {
    await fetch("/watch/alive", { mode: "no-cors", cache: "no-store", signal: end.signal });
    return true;
  } catch {
    return false;
  } finally {
    clearTimeout(timer);
  }
}

async function check() {
  if (silent !== null && !document.hidden) {
    silent += 1;
    if (silent > SILENT_CHECKS) waited += CHECK_MS;
    if (silent > SILENT_CHECKS && waited > said.wait && (await reachable()) && silent > SILENT_CHECKS) {
      const query = new URLSearchParams(said.query);
      query.set("restarted", "1");
      top.location.href = `/watch/restart?${query}`;
    }
  }
  setTimeout(check, CHECK_MS);
}

check();
