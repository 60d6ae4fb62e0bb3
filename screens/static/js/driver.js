// The driver's screen of one taxi: where the rider wants to go, once they have confirmed it, and for no longer than the
// ride. Nothing is kept: what is shown is in the page alone.

import { darkFor } from "./brand.js";
import { FIRST } from "./dictionaries.js";
import { $, $$, announce, h } from "./dom.js";
import { nameIn } from "./item.js";
import { codeOf } from "./taxi/codes.js";
import { Ended } from "./taxi/ended.js";
import { isPrivate } from "./taxi/labels.js";
import { Offline, Problem, Usual } from "./usual.js";
import { Words } from "./words.js";

const PAUSE_MS = 2_000;
const LONGEST_PAUSE_MS = 20_000;

const words = new Words(FIRST, "EUR", "driver");
const api = new Usual({ page: "driver", onReach: (reached) => ($("#offline-badge").hidden = reached), onUnpaired: () => show("pairing") });

const ended = new Ended((rideId) => api.finishRide(rideId));

let ride = null; // what the server said last
let announced = ""; // the ride that was said aloud
let forgetting = 0;
let running = false;

/** Dark at night, as the tablet beside it; by the hour of the driver's own device. */
function paint() {
  $("#dark").media = darkFor("auto", "taxi", new Date().getHours());
}
paint();
setInterval(paint, 60_000);

/** Show one of the pages: pairing, waiting or ride. */
function show(page) {
  if (page !== "ride") empty();
  if (document.body.dataset.state === page) return;
  document.body.dataset.state = page;
  for (const section of $$("[data-driver]")) section.hidden = section.dataset.driver !== page;
  $("[data-driver]:not([hidden]) h1")?.focus({ preventScroll: true });
}

/** Nothing of a place stays in the page. */
function empty() {
  ride = ride && { ...ride, place: null, ride_id: "", state: "none" };
  clearTimeout(forgetting);
  announced = "";
  for (const id of ["#ride-name", "#ride-kind", "#ride-way", "#live"]) $(id).replaceChildren();
}

function draw() {
  if (!ride) return;
  if (!ride.place) {
    $("#waiting-text").textContent = ride.taxi ? words.t("driver_waiting_text", { taxi: ride.taxi }) : words.t("driver_of_none");
    show("waiting");
    return;
  }
  const { place } = ride;
  $("#ride-name").textContent = nameIn(place, words.language);
  $("#ride-kind").textContent = isPrivate(place) ? "" : words.category(place.category);
  $("#ride-way").replaceChildren(...wayTo(place));
  $("#accept").hidden = ride.state === "accepted";
  $("#accepted").hidden = ride.state !== "accepted";
  show("ride");
  if (announced === ride.ride_id) return;
  announced = ride.ride_id;
  announce(`${words.t("driver_ride_title")} ${nameIn(place, words.language)}`); // in place of the ride before
}

/** A link for the navigation that the device has, and the coordinates for one that has to be typed into. */
function wayTo({ lat, lon, ...place }) {
  if (!Number.isFinite(lat) || !Number.isFinite(lon)) return [];
  const at = `${lat},${lon}`;
  const href = `geo:${at}?q=${at}(${encodeURIComponent(nameIn(place, words.language)).replace(/[()]/g, "")})`;
  return [h("a", { href, rel: "noreferrer" }, words.t("driver_navigate")), h("p", { dir: "ltr" }, `${lat.toFixed(5)}, ${lon.toFixed(5)}`)];
}

function take(reply) {
  // A server that has not heard yet that a ride is over still sends its place: it is not shown again.
  ride = ended.has(reply.ride_id) ? { ...reply, place: null, ride_id: "", state: "none" } : reply;
  clearTimeout(forgetting);
  if (ride.place) forgetting = setTimeout(() => { empty(); draw(); }, 1000 * reply.forget_in_s);
  draw();
}

/** Ask without end: the server answers when something is new, or after half a minute. */
async function follow() {
  if (running) return;
  running = true;
  let pause = PAUSE_MS;
  while (document.body.dataset.state !== "pairing") {
    const known = ride;
    const asked = performance.now();
    try {
      const reply = await api.driverRide({ watch: known?.watch, since: known?.mark });
      if (reply) take(reply);
      pause = reply && reply.mark !== known?.mark ? PAUSE_MS : Math.min(2 * pause, LONGEST_PAUSE_MS);
    } catch (error) {
      if (!(error instanceof Offline || error instanceof Problem)) throw error;
      pause = Math.min(2 * pause, LONGEST_PAUSE_MS);
    }
    // A server that lets nobody wait answers at once; one that cannot be reached, too.
    const news = ride?.mark !== known?.mark;
    if (!news && performance.now() - asked < PAUSE_MS) await new Promise((done) => setTimeout(done, pause));
  }
  running = false;
}

async function pair(code) {
  $("#pairing-error").textContent = "";
  try {
    await api.pair(code);
    $("#pairing-code").value = "";
    show("loading");
    await follow();
  } catch (error) {
    $("#pairing-error").textContent = words.t(error instanceof Problem ? "driver_pairing_refused" : "pairing_offline");
  }
}

async function press(button, work) {
  button.disabled = true;
  await work().catch(() => null); // what is true now comes with the next answer
  button.disabled = false;
}

$("#accept").addEventListener("click", () => press($("#accept"), async () => {
  const { ride_id } = ride;
  await api.acceptRide(ride_id);
  if (ride?.ride_id === ride_id) take({ ...ride, state: "accepted" });
}));
$("#over").addEventListener("click", () => {
  ended.end(ride.ride_id);
  empty();
  draw();
});
$("#pairing-form").addEventListener("submit", (event) => {
  event.preventDefault();
  pair(codeOf($("#pairing-code").value));
});
words.choice($("#languages"));
words.onChange(() => document.body.dataset.state !== "pairing" && draw());
// The browser keeps no picture of a page with a place to go back to.
addEventListener("pagehide", empty);
addEventListener("pageshow", (event) => event.persisted && location.reload());

ended.resume();
const code = new URLSearchParams(location.hash.slice(1)).get("pair");
if (code) {
  history.replaceState(null, "", location.pathname + location.search);
  show("pairing");
  pair(code);
} else {
  follow();
}
document.body.dataset.ready = "true";
