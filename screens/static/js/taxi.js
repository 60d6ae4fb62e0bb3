// The taxi tablet: the PIN before any place, three places with a reason, "somewhere else", and the driver's screen.

import { symbolOf } from "./art.js";
import { $, announce, drawing, h } from "./dom.js";
import { nameIn } from "./item.js";
import { Screen, place } from "./screen.js";
import { paidNeverFirst, sponsoredLabel } from "./sponsored.js";
import { Visit } from "./stage.js";
import { Elsewhere } from "./taxi/elsewhere.js";
import { coarseLabels } from "./taxi/labels.js";
import { Receiver } from "./taxi/receiver.js";
import { HandOver } from "./taxi/ride.js";
import { SetUp } from "./taxi/setup.js";
import { eventOf } from "./usual.js";

const SHOWN = 3;
const ASKED = 6; // more than are shown: the pick-up and places that no longer exist are dropped
const DONE_MS = 7000;
const RECENT = 6;

class Ride extends Visit {
  constructor() {
    super();
    this.chosen = null;
    this.recent = []; // the places that were looked at on this ride, the newest first
    this.pickup = null; // the place where the rider said the taxi is
    this.asksPickup = false; // the list of places asks where the taxi is, not where it goes
    this.told = false; // the driver has to be told
  }
}

const screen = new Screen("taxi", {
  newVisit: () => new Ride(), recognise, enter, draw: redraw, kind: "places", paired: () => setUp.start(),
});
const { stage, api, words, outbox } = screen;
const receiver = new Receiver({ wanted: new URLSearchParams(location.search).get("position") === "receiver" });
const setUp = new SetUp({ stage, api, words, receiver });
const handOver = new HandOver({ api, onChange: drawRide });
const elsewhere = new Elsewhere({
  words, rows: () => screen.rows, where: nearby, nameOf,
  choose: (row) => (stage.visit.asksPickup ? standAt : choose)(stage.visit, row),
});

/** Send the frames for recognition only: places need the second factor, so none is requested yet. */
async function recognise(body, visit) {
  const reply = await api.recognise(body, visit.abort.signal);
  visit.known(reply);
  return reply.decision;
}

/** Code and PIN in place of the frames: the token has the second factor already. */
async function enter(body, visit) {
  const reply = await api.recogniseByCode(body, visit.abort.signal);
  if (visit === stage.visit) visit.known(reply);
}

/** The places to offer: the rider's own after the second factor, else what is popular near here. */
async function ask(visit) {
  const token = visit.raised ? visit.token : undefined;
  try {
    const reply = await api.suggestions("destinations", { token, context: where(), n: ASKED, signal: visit.abort.signal });
    if (visit !== stage.visit) return;
    visit.suggestions = reply;
  } catch {
    if (visit !== stage.visit) return;
    visit.suggestions = { items: [] };
  }
  draw(visit);
}

/** Where the taxi is: what the rider said, else its receiver where that is good enough, else the page's address. */
function where() {
  const { site, ...rest } = place();
  const said = stage.visit?.pickup;
  if (said) return { ...rest, pickup: said.item_id, lat: said.lat ?? undefined, lon: said.lon ?? undefined };
  const here = receiver.now();
  if (here.state !== "good") return rest;
  const { pickup, ...others } = rest; // the stand's name is not where the taxi is now
  return { ...others, lat: here.lat, lon: here.lon };
}

/** Nobody but the rider knows where the taxi is: its receiver is too coarse, or silent, and no stand is set. */
function isLost(here) {
  return receiver.wanted && here.lat === undefined && !here.pickup;
}

/** Where to look for a place first. A coarse position puts the list in order; it gives no distances. */
function nearby() {
  const here = where();
  const { lat, lon } = receiver.now();
  return here.lat === undefined && lat !== undefined ? { ...here, lat, lon, coarse: true } : here;
}

// --- drawing -------------------------------------------------------------------------------------------------

const rowOf = (item) => screen.rows.find((one) => one.item_id === item.item_id) || item;

function nameOf(row) {
  return nameIn(row, words.language);
}

function draw(visit) {
  const here = where();
  const others = (visit.suggestions?.items || []).filter((item) => item.item_id !== here.pickup);
  const items = paidNeverFirst(others).slice(0, SHOWN);
  $("#greeting").textContent = words.t("taxi_greeting");
  $("#taxi-note").textContent = noteOf(visit, items, here);
  $("#say-pickup").hidden = !visit.suggestions || !isLost(here);
  const else_ = large("compass", words.t("somewhere_else"), words.t("somewhere_else_sub"), () => search(visit, false));
  else_.id = "somewhere-else";
  const rows = items.map(rowOf);
  const coarse = coarseLabels(rows);
  const own = items.map((item, k) => {
    const row = rows[k];
    const label = coarse[k] ? words.t(coarse[k].key, { number: coarse[k].number }) : nameOf(row);
    const button = large(symbolOf(coarse[k] ? { ...row, name: "", names: {} } : row), label, words.reason(item.reason), () => choose(visit, row));
    button.dataset.item = item.item_id;
    button.querySelector(".words").prepend(...[sponsoredLabel(item, words)].filter(Boolean));
    return button;
  });
  $("#places").replaceChildren(...[else_, ...own].map((button) => h("li", {}, button)));
  screen.notMe.draw(visit);
  screen.news.draw(visit);
}

/** The same visit in another language. */
function redraw(visit) {
  if (["suggest", "menu", "basket"].includes(stage.state)) draw(visit);
  if (stage.state === "menu") drawAll(visit);
  if (stage.state === "basket") drawConfirm(visit);
  drawRide();
}

function noteOf(visit, items, here) {
  if (visit.note) return words.t(visit.note);
  if (!visit.suggestions) return words.t("looking");
  if (visit.recognised && !visit.purposes.includes("destinations")) return words.t("no_destinations");
  if (!items.length) return words.t("no_places");
  if (visit.raised) return "";
  // Without any place of its own the server says what is popular everywhere.
  return words.t(isLost(here) ? "position_unknown" : "popular_from_here");
}

function large(symbol, name, why, onclick) {
  return h("button", { type: "button", class: "place", onclick },
    h("span", { class: "tile" }, drawing("places", symbol)),
    h("span", { class: "words" }, h("span", { class: "name" }, name), h("span", { class: "why" }, why)));
}

function drawAll(visit) {
  const tell = large("speech", words.t("tell_driver"), words.t("tell_driver_sub"), () => {
    visit.chosen = null;
    stage.go("order");
  });
  $("#all-title").textContent = words.t(visit.asksPickup ? "where_now" : "all_places");
  $("#all-tell").replaceChildren(...(visit.asksPickup ? [] : [tell]));
  elsewhere.draw(visit.recent);
}

function drawConfirm(visit) {
  $("#confirm-name").textContent = nameOf(visit.chosen);
  $("#confirm-tile").replaceChildren(drawing("places", symbolOf(visit.chosen)));
}

const SAID = Object.freeze({
  sent: "ride_sent_text", unseen: "ride_unseen_text", seen: "ride_seen_text", accepted: "ride_accepted_text",
});

/** What became of the ride, on its own page and on the first screen. No place is named. */
function drawRide() {
  const { visit, state } = stage;
  const said = SAID[handOver.state];
  $("#ride-line").hidden = !said;
  for (const button of document.querySelectorAll("[data-ride-over]")) button.hidden = !said;
  $("#ride-state").textContent = said ? words.t(said) : "";
  if (state !== "done") return;
  const text = said || (visit.chosen && !visit.told ? "ride_sending_text" : "ride_told_text");
  if ($("#done-text").textContent === words.t(text)) return;
  $("#done-text").textContent = words.t(text);
  announce(words.t(text));
}

// --- what people do ------------------------------------------------------------------------------------------

function choose(visit, row) {
  visit.chosen = row;
  visit.recent = [row, ...visit.recent.filter((one) => one !== row)].slice(0, RECENT);
  stage.go("basket");
}

/** All places: to say where the taxi is, or where it goes. */
function search(visit, asksPickup) {
  visit.asksPickup = asksPickup;
  stage.go("menu");
}

/** The rider says where the taxi is: what is suggested from here on starts there. */
function standAt(visit, row) {
  visit.pickup = row;
  visit.suggestions = null;
  stage.go("back");
}

async function ride(visit) {
  const { pickup = "", lat, lon, region = "" } = where();
  const token = visit.raised ? visit.token : undefined; // a ride on a face alone is a guest's: nobody writes for others
  const { item_id } = visit.chosen;
  const event = eventOf("rode", {
    region,
    recommendation_id: visit.suggestions?.recommendation_id || "",
    items: [{ item_id }],
    ...((pickup || lat !== undefined) && { pickup: { place: pickup, lat, lon } }),
  });
  stage.go("order");
  const handed = handOver.send(item_id).then((reached) => {
    visit.told = !reached;
    if (visit === stage.visit) drawRide();
  });
  await Promise.all([handed, outbox.send([event], token)]);
}

stage.on("matched", () => stage.go("greet"));
stage.on("greet", (visit) => {
  receiver.start();
  announce(words.t("greeting"));
  const needed = visit.wantsHeld || visit.purposes.includes("destinations");
  stage.go(needed && !visit.raised ? "second_factor" : "suggest");
});
stage.on("suggest", (visit) => {
  receiver.start();
  draw(visit);
  if (screen.held.show(visit)) return;
  if (!visit.suggestions) ask(visit);
});
stage.on("menu", (visit) => drawAll(visit));
stage.on("basket", drawConfirm);
stage.on("done", () => {
  receiver.stop();
  drawRide();
  stage.leaveIn(DONE_MS);
});
stage.onDrop = () => {
  receiver.stop();
  elsewhere.forget();
};
$("#say-pickup").addEventListener("click", () => search(stage.visit, true));
$("#confirm").addEventListener("click", () => ride(stage.visit));
for (const button of document.querySelectorAll("[data-back]")) button.addEventListener("click", () => stage.go("back"));
for (const button of document.querySelectorAll("[data-ride-over]")) {
  button.addEventListener("click", () => {
    handOver.over();
    if (stage.state === "done") stage.go("leave");
  });
}

screen.start();
handOver.resume();
