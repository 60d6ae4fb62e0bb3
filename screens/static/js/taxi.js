// The taxi tablet: the PIN before any place, three places with a reason, and "somewhere else".

import { symbolOf } from "./art.js";
import { byCategory } from "./basket.js";
import { localTime } from "./api.js";
import { $, announce, drawing, h } from "./dom.js";
import { Screen, place } from "./screen.js";
import { Visit } from "./stage.js";

const SHOWN = 3;
const ASKED = 6; // more than are shown: the pick-up and places that no longer exist are dropped
const DONE_MS = 7000;

class Ride extends Visit {
  constructor() {
    super();
    this.chosen = null;
  }
}

const screen = new Screen("taxi", { newVisit: () => new Ride(), recognise, enter, draw: redraw, kind: "places" });
const { stage, api, words, outbox } = screen;

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

function where() {
  const { site, ...rest } = place();
  return rest;
}

// --- drawing -------------------------------------------------------------------------------------------------

/** A private place shows only its area until the person confirms it; a public place shows its name. */
function labelOf(item) {
  const row = screen.rows.find((one) => one.item_id === item.item_id) || item;
  const private_ = row.sensitive || /residen|home/i.test(row.category || "");
  if (!private_) return { row, label: row.name, symbol: symbolOf(row) };
  const street = row.name.split(" ").slice(0, 1).join(" ");
  return { row, label: words.t("area", { name: street }), symbol: row.sensitive ? "pin" : symbolOf(row) };
}

function draw(visit) {
  const items = (visit.suggestions?.items || []).filter((item) => item.item_id !== place().pickup).slice(0, SHOWN);
  $("#greeting").textContent = words.t("taxi_greeting");
  $("#taxi-note").textContent = noteOf(visit, items);
  const else_ = large("compass", words.t("somewhere_else"), words.t("somewhere_else_sub"), () => stage.go("menu"));
  else_.id = "somewhere-else";
  const own = items.map((item) => {
    const { row, label, symbol } = labelOf(item);
    const button = large(symbol, label, words.reason(item.reason), () => choose(visit, row));
    button.dataset.item = item.item_id;
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
}

function noteOf(visit, items) {
  if (visit.note) return words.t(visit.note);
  if (!visit.suggestions) return words.t("looking");
  if (visit.recognised && !visit.purposes.includes("destinations")) return words.t("no_destinations");
  if (!items.length) return words.t("no_places");
  return visit.raised ? "" : words.t("popular_from_here");
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
  $("#all-tell").replaceChildren(tell);
  const sections = [...byCategory(screen.rows.filter((row) => !/residen|home/i.test(row.category || "")))].map(([name, rows]) =>
    h("section", {},
      h("h3", {}, name.charAt(0).toUpperCase() + name.slice(1)),
      h("ul", { class: "all" }, ...rows.map((row) =>
        h("li", {}, h("button", { type: "button", class: "quiet", onclick: () => choose(visit, row) }, row.name))))),
  );
  $("#all-list").replaceChildren(...sections);
}

// --- what people do ------------------------------------------------------------------------------------------

function choose(visit, row) {
  visit.chosen = row;
  stage.go("basket");
}

async function ride(visit) {
  const { pickup = "", lat, lon, region = "" } = place();
  const token = visit.raised ? visit.token : undefined; // a ride on a face alone is a guest's: nobody writes for others
  const event = {
    event_id: crypto.randomUUID(),
    type: "rode",
    occurred_at: localTime(new Date()),
    region,
    recommendation_id: visit.suggestions?.recommendation_id || "",
    items: [{ item_id: visit.chosen.item_id }],
    ...((pickup || lat !== undefined) && { pickup: { place: pickup, lat, lon } }),
  };
  stage.go("order");
  await outbox.send([event], token);
}

stage.on("matched", () => stage.go("greet"));
stage.on("greet", (visit) => {
  announce(words.t("greeting"));
  const needed = visit.wantsHeld || visit.purposes.includes("destinations");
  stage.go(needed && !visit.raised ? "second_factor" : "suggest");
});
stage.on("suggest", (visit) => {
  draw(visit);
  if (screen.held.show(visit)) return;
  if (!visit.suggestions) ask(visit);
});
stage.on("menu", (visit) => drawAll(visit));
stage.on("basket", (visit) => {
  const { name, category } = visit.chosen;
  $("#confirm-name").textContent = name;
  $("#confirm-tile").replaceChildren(drawing("places", symbolOf({ name, category })));
});
stage.on("done", (visit) => {
  $("#done-text").textContent = words.t(visit.chosen ? "ride_text" : "ride_told_text");
  stage.leaveIn(DONE_MS);
});
$("#confirm").addEventListener("click", () => ride(stage.visit));
for (const button of document.querySelectorAll("[data-back]")) button.addEventListener("click", () => stage.go("back"));

screen.start();
