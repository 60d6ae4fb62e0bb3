// The ordering kiosk: the usual, the next four, an offer, the whole menu, the order.

import { Basket, byCategory, linesOf, priceOf } from "./basket.js";
import { pictureOf } from "./art.js";
import { $, announce, drawing, h } from "./dom.js";
import { Screen, place } from "./screen.js";
import { localTime } from "./api.js";
import { Visit } from "./stage.js";

const SHOWN = 5; // the usual and the next four
const OWN = ["usual", "usual_basket", "last_time", "had_before"]; // reasons that come from the person's own orders
const GREET_MS = 400;
const DONE_MS = 9000;

class Order extends Visit {
  constructor() {
    super();
    this.basket = new Basket();
    this.offer = null;
    this.taken = null; // the offer that the person accepted for this order
    this.asked = 0; // number of the newest request: older replies are ignored
  }
}

const screen = new Screen("kiosk", { newVisit: () => new Order(), recognise, enter, draw: redraw, kind: "items" });
const { stage, api, words, outbox } = screen;

/** Send the frames to /v1/visits: recognition and suggestions in one reply. */
async function recognise(body, visit) {
  const request = { ...body, scene: "orders", context: place(), n: SHOWN };
  const reply = await api.visit(request, visit.abort.signal);
  visit.suggestions = reply.suggestions;
  visit.known(reply);
  return reply.decision;
}

/** Code and PIN in place of the frames: the same reply. */
async function enter(body, visit) {
  const reply = await api.visitByCode({ ...body, scene: "orders", context: place(), n: SHOWN }, visit.abort.signal);
  if (visit !== stage.visit) return;
  visit.suggestions = reply.suggestions;
  visit.known(reply);
}

/** Ask again with what is in the basket now; on a failure what is shown stays. */
async function ask(visit) {
  const turn = ++visit.asked;
  const context = { ...place(), basket: visit.basket.itemIds };
  const token = visit.purposes.includes("orders") ? visit.token : undefined;
  const { signal } = visit.abort;
  try {
    const reply = await api.suggestions("orders", { token, context, n: SHOWN, signal });
    if (turn !== visit.asked || visit !== stage.visit) return;
    visit.suggestions = reply;
  } catch {
    if (visit !== stage.visit) return;
  }
  draw(visit);
}

/** One offer, if there is one; a moment after the usual. Who chose offers gets theirs, others what guests get. */
async function askOffer(visit) {
  if (visit.taken) return;
  const token = offersToken(visit);
  const { signal } = visit.abort;
  try {
    const reply = await api.suggestions("offers", { token, context: place(), n: 1, signal });
    if (visit !== stage.visit || !reply.items.length) return;
    visit.offer = { ...reply.items[0], recommendation_id: reply.recommendation_id };
    drawOffer(visit);
    outbox.send([offerEvent(visit.offer, "shown")], token);
  } catch {
    // No offer today: nothing is missing from the screen.
  }
}

function offersToken(visit) {
  return visit.purposes.includes("offers") ? visit.token : undefined;
}

/** What happened to an offer: shown, accepted, redeemed. */
function offerEvent(offer, type) {
  return {
    event_id: crypto.randomUUID(),
    type,
    scene: "offers",
    items: [{ item_id: offer.item_id }],
    recommendation_id: offer.recommendation_id,
    occurred_at: localTime(new Date()),
  };
}

// --- drawing -------------------------------------------------------------------------------------------------

function draw(visit) {
  const items = (visit.suggestions?.items || []).filter((item) => item.bundle?.length || !visit.basket.has(item.item_id));
  const lead = leadOf(items[0], visit);
  $("#greeting").textContent = words.t(visit.note || (visit.recognised ? "greeting" : "guest_greeting"));
  $("#usual").replaceChildren(...(items.length ? [large(items[0], lead, visit)] : [h("p", { class: "lead" }, words.t("no_suggestions"))]));
  $("#others-title").textContent = words.t("next_four");
  $("#others").hidden = items.length < 2;
  $("#others-list").replaceChildren(...items.slice(1, SHOWN).map((item) => h("li", {}, card(item, visit))));
  $("#with-it").hidden = !items.length;
  $("#with-it-list").replaceChildren(...items.slice(0, 4).map((item) => h("li", {}, card(item, visit))));
  drawOffer(visit);
  drawBasket(visit);
  screen.notMe.draw(visit);
  screen.news.draw(visit);
}

/** The same visit in another language. */
function redraw(visit) {
  if (!["suggest", "menu", "basket", "greet"].includes(stage.state)) return;
  draw(visit);
  if (stage.state === "menu") drawMenu(visit);
}

/** The title above the first suggestion: "The usual?" only when it is this person's own. */
function leadOf(item, visit) {
  if (!visit.basket.empty) return item?.reason?.code === "with_basket" ? "goes_with" : "anything_else";
  if (!visit.recognised || !item || item.reason?.code === "popular_here") return "popular";
  return OWN.includes(item.reason?.code) ? "the_usual" : "perhaps";
}

function large(item, lead, visit) {
  return h(
    "button",
    { type: "button", class: "usual", "data-item": item.item_id, onclick: () => put(item, visit) },
    h("span", { class: "tile" }, picture(item)),
    h(
      "span",
      { class: "words" },
      h("span", { class: "kicker" }, words.t(lead)),
      h("span", { class: "name" }, nameOf(item)),
      h("span", { class: "why" }, words.reason(item.reason)),
      h("span", { class: "row" },
        h("span", { class: "price" }, words.price(priceOf(item, screen.rows))),
        h("span", { class: "call" }, words.t("the_usual_sub"))),
    ),
  );
}

function card(item, visit) {
  return h(
    "button",
    { type: "button", class: "card", "data-item": item.item_id, onclick: () => put(item, visit) },
    h("span", { class: "tile" }, picture(item)),
    h("span", { class: "name" }, nameOf(item)),
    item.reason && h("span", { class: "why" }, words.reason(item.reason)),
    h("span", { class: "row" },
      h("span", { class: "price" }, words.price(priceOf(item, screen.rows))),
      h("span", { class: "plus", "aria-label": words.t("add") }, "+")),
  );
}

/** A suggestion has no category; the menu does. */
function picture(item) {
  return drawing("dishes", pictureOf(screen.rows.find((row) => row.item_id === item.item_id) || item));
}

function nameOf(item) {
  if (!item.bundle?.length) return item.name;
  return linesOf(item, screen.rows)
    .map((line) => (line.quantity > 1 ? `${line.quantity} × ${line.item.name}` : line.item.name))
    .join(" + ");
}

function drawOffer(visit) {
  const { offer } = visit;
  if (!offer) return $("#offer").replaceChildren();
  const take = () => {
    outbox.send([offerEvent(offer, "accepted")], offersToken(visit));
    Object.assign(visit, { offer: null, taken: offer });
    draw(visit);
    announce(`${words.t("added")}: ${offer.name}`);
  };
  return $("#offer").replaceChildren(
    h("div", { class: "offer" },
      h("span", { class: "words" },
        h("span", { class: "kicker" }, words.t(offersToken(visit) ? "offer" : "offer_guest")),
        h("span", { class: "name" }, offer.name),
        offer.reason && h("span", { class: "why" }, words.reason(offer.reason))),
      h("button", { type: "button", class: "quiet", onclick: take }, words.t("offer_add"))),
  );
}

function drawBasket(visit) {
  const { basket } = visit;
  $("#basket-count").textContent = String(basket.count);
  $("#basket-sum").textContent = words.price(basket.total);
  $("#basket-total").textContent = words.price(basket.total);
  $("#basket-open").disabled = basket.empty;
  $("#order").disabled = basket.empty;
  $("#basket-lines").replaceChildren(
    ...(basket.empty ? [h("li", { class: "line" }, words.t("basket_empty"))] : [...basket.lines.values()].map((line) => basketLine(line, visit))),
    ...(visit.taken ? [h("li", { class: "line" }, `${visit.taken.name}: ${words.t("offer_at_counter")}`)] : []),
  );
}

function basketLine({ item, quantity }, visit) {
  const change = (work) => () => {
    work();
    changed(visit);
  };
  const step = (label, sign, work) =>
    h("button", { type: "button", class: "step", "aria-label": `${words.t(label)}: ${item.name}`, onclick: change(work) }, sign);
  return h(
    "li",
    { class: "line" },
    h("span", { class: "tile" }, picture(item)),
    h("span", { class: "name" }, item.name),
    h("span", { class: "steps" },
      step("remove", "−", () => visit.basket.remove(item.item_id)),
      h("span", { class: "count" }, String(quantity)),
      step("more", "+", () => visit.basket.add(item))),
    h("span", { class: "price" }, words.price(item.price * quantity)),
  );
}

function drawMenu(visit) {
  const groups = byCategory(screen.rows, place().site);
  const title = (name) => name.charAt(0).toUpperCase() + name.slice(1).replaceAll("_", " ");
  const jump = (name) => () => $(`[data-category="${CSS.escape(name)}"]`).scrollIntoView();
  const chips = [...groups.keys()].map((name) => h("button", { type: "button", class: "chip", onclick: jump(name) }, title(name)));
  $("#menu-categories").replaceChildren(...chips);
  const sections = [...groups].map(([name, rows]) =>
    h("section", { "data-category": name },
      h("h3", {}, title(name)),
      h("ul", { class: "cards" }, ...rows.map((row) => h("li", {}, card(row, visit))))),
  );
  $("#menu-list").replaceChildren(...(sections.length ? sections : [h("p", { class: "lead" }, words.t("menu_empty"))]));
}

// --- what people do ------------------------------------------------------------------------------------------

function put(item, visit) {
  for (const line of linesOf(item, screen.rows)) visit.basket.add(line.item, line.quantity);
  announce(`${words.t("added")}: ${nameOf(item)}`);
  changed(visit);
}

function changed(visit) {
  drawBasket(visit);
  ask(visit);
}

async function order(visit) {
  const { local_time, site = "", region = "" } = place();
  const event = {
    event_id: crypto.randomUUID(),
    type: "ordered",
    occurred_at: local_time,
    site,
    region,
    recommendation_id: visit.suggestions?.recommendation_id || "",
    items: [...visit.basket.lines.values()].map(({ item, quantity }) => ({
      item_id: item.item_id,
      quantity,
      price: item.price,
    })),
  };
  const token = visit.purposes.includes("orders") ? visit.token : undefined;
  stage.go("order");
  const { taken } = visit;
  const own = offersToken(visit);
  const outcome = await outbox.send([event], token);
  if (taken) outbox.send([offerEvent(taken, "redeemed")], own);
  if (visit !== stage.visit) return;
  $("#done-text").textContent = words.t({ sent: "done_text", waiting: "done_offline", refused: "done_refused" }[outcome]);
}

stage.on("matched", () => stage.go("greet"));
stage.on("greet", (visit) => {
  document.body.dataset.tookMs = String(Math.round(performance.now() - visit.pressedAt));
  draw(visit);
  askOffer(visit);
  announce(words.t("greeting"));
  const next = visit.wantsHeld && !visit.raised ? "second_factor" : "suggest";
  setTimeout(() => stage.state === "greet" && stage.go(next, visit), GREET_MS);
});
stage.on("suggest", (visit) => {
  draw(visit);
  if (screen.held.show(visit)) return;
  if (!visit.suggestions || (visit.raised && !visit.byCode)) ask(visit);
  if (!visit.offer && (!visit.recognised || visit.raised)) askOffer(visit);
});
stage.on("menu", (visit) => drawMenu(visit));
stage.on("basket", (visit) => draw(visit));
stage.on("done", () => {
  $("#done-text").textContent = words.t("done_text");
  stage.leaveIn(DONE_MS);
});
$("#menu-open").addEventListener("click", () => stage.go("menu"));
$("#basket-open").addEventListener("click", () => stage.go("basket"));
$("#order").addEventListener("click", () => order(stage.visit));
for (const button of document.querySelectorAll("[data-back]")) button.addEventListener("click", () => stage.go("back"));

screen.start();
