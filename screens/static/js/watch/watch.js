// Around a screen: shows it in a frame and starts it again when it stays blank or its page is gone.
//
// What people read stands in the frame, so a frame that shows text is alive and is never touched. A page that
// computes without end stops this script too: then the beats to the sandboxed frame stop, and it acts (dog.js).

import { keep, kept } from "../browser/kept.js";
import { limited } from "../usual.js";
import { ofTheLastDay, waitFor } from "./restarts.js";

const CHECK_MS = 1000;
const BLANK_CHECKS = 10; // so long nothing to see: the screen is started again
const NAME = "watch";

const settings = new URLSearchParams(location.search);
const page = settings.get("page") === "taxi" ? "taxi" : "kiosk";
settings.delete("page");
settings.delete("restarted");
const asked = (query) => (String(query) ? `?${query}` : "");
const address = `/${page}${asked(settings)}`;

const screen = document.getElementById("screen");
const dog = document.getElementById("dog");
let memory = []; // where the browser keeps nothing
let blank = 0;

function times() {
  const { v, times: own } = kept(NAME) || {};
  return ofTheLastDay(v === 1 && Array.isArray(own) ? own : memory, Date.now());
}

function note() {
  memory = [...times(), Date.now()];
  keep(NAME, { v: 1, times: memory });
  count();
}

/** For the operator: how often in the last 24 hours. */
function count() {
  const n = times().length;
  document.getElementById("count").hidden = n === 0;
  document.getElementById("restarts").textContent = String(n);
}

/** Whether somebody who stands in front of the screen can read anything on it. */
function shows() {
  try {
    const main = screen.contentDocument?.querySelector("main");
    return Boolean(main && main.innerText.trim() && main.getBoundingClientRect().height > 0);
  } catch {
    return false; // the browser's own page in place of ours: it could not be loaded
  }
}

/** Whether it can be loaded now: the server answers, or a service worker has the page. */
async function reachable() {
  if (navigator.serviceWorker?.controller) return true;
  const request = limited(5000);
  try {
    await fetch("/watch/alive", { cache: "no-store", signal: request.signal });
    return true;
  } catch {
    return false;
  } finally {
    request.end();
  }
}

function open(hash = "") {
  blank = 0;
  screen.src = address + hash;
}

async function check() {
  const seen = shows();
  blank = seen ? 0 : blank + 1;
  if (seen) document.getElementById("starting").hidden = true;
  if (blank < BLANK_CHECKS) return;
  document.getElementById("starting").hidden = false;
  if (waitFor(times(), Date.now()) > 0 || !(await reachable()) || shows()) return;
  note();
  open();
}

async function watch() {
  // In the background a browser slows timers down and draws nothing.
  if (!document.hidden) await check();
  setTimeout(watch, CHECK_MS);
}

function beat() {
  const wait = waitFor(times(), Date.now());
  // No origin to address it by, and nothing in it that others may not read.
  dog.contentWindow.postMessage({ beat: true, wait, query: location.search.slice(1) }, "*");
}

if (new URLSearchParams(location.search).has("restarted")) {
  note();
  const clean = new URLSearchParams(location.search);
  clean.delete("restarted");
  history.replaceState(null, "", location.pathname + asked(clean));
}
// A code of pairing works once and does not stay in the address.
open(location.hash);
if (location.hash) history.replaceState(null, "", location.pathname + location.search);
count();
watch();
setInterval(beat, CHECK_MS);
document.body.dataset.ready = "true";
