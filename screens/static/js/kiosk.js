// The ordering kiosk: the usual, the next four, an offer, the whole menu, the order. The parts stand in kiosk/.

import { byCategory, linesOf } from "./basket.js";
import { $, announce, h } from "./dom.js";
import { paidNeverFirst } from "./sponsored.js";
import { redraw } from "./redraw.js";
import { Screen, place } from "./screen.js";
import { BasketPage } from "./kiosk/basketpage.js";
import { Cards } from "./kiosk/cards.js";
import { Dish } from "./kiosk/dish.js";
import { Late } from "./kiosk/late.js";
import { Menu } from "./kiosk/menu.js";
import { Offering } from "./kiosk/offering.js";
import { Placing } from "./kiosk/placing.js";
import { Similar } from "./kiosk/similar.js";
import { Sound } from "./kiosk/sound.js";
import { Staff } from "./kiosk/staff.js";
import { Order } from "./kiosk/visit.js";

const SHOWN = 5; // the usual and the next four
const OWN = ["usual", "usual_basket", "last_time", "had_before"]; // reasons that come from the person's own orders
const KINDS = 8; // categories of which a dish is shown where nothing is suggested
const GREET_MS = 400;

const screen = new Screen("kiosk", { newVisit: () => new Order(), recognise, enter, draw: translate, kind: "items" });
const { stage, api, words, outbox } = screen;
const sound = new Sound(() => Boolean(screen.settings?.sound));
const cards = new Cards({ screen, words, press: put, open: (item, visit) => dish.open(item, visit) });
const offering = new Offering({ screen, api, words, outbox, draw });
const similar = new Similar({ screen, api, words, cards });
const dish = new Dish({ screen, words, stage, cards, similar, changed });
const basketPage = new BasketPage({ screen, words, stage, cards, offering, dish, ask });
const menu = new Menu({ screen, words, cards });
new Staff({ screen, api, words, stage });
new Late({ screen, words, stage, outbox });
const placing = new Placing({ screen, words, stage, outbox, offering, basketPage, sound });

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
  const { signal } = visit.abort;
  try {
    const reply = await api.suggestions("orders", { token: visit.tokenFor("orders"), context, n: SHOWN, signal });
    if (turn !== visit.asked || visit !== stage.visit) return;
    visit.suggestions = reply;
  } catch {
    if (visit !== stage.visit) return;
    visit.unanswered = true; // no line: unless something was suggested before, dishes of the menu are shown
  }
  draw(visit);
}

// --- drawing -------------------------------------------------------------------------------------------------

function draw(visit) {
  const items = paidNeverFirst(
    (visit.suggestions?.items || []).filter((item) => item.bundle?.length || !visit.basket.has(item.item_id)));
  const greeting = $("#greeting");
  const listed = (list) => list.map((item) => h("li", {}, cards.card(item, visit)));
  greeting.textContent = words.t(visit.note || (visit.recognised ? "greeting" : "guest_greeting"));
  const nothing = h("p", { class: "lead" }, words.t(screen.rows?.length ? "no_suggestions" : "menu_empty"));
  redraw($("#usual"), items.length ? [cards.large(items[0], leadOf(items[0], visit), visit)] : [nothing], greeting);
  const others = items.length || !(visit.suggestions || visit.unanswered) ? items.slice(1, SHOWN) : ofEachKind();
  $("#others-title").textContent = words.t(items.length ? "next_four" : "menu_title");
  $("#others").hidden = !others.length;
  $("#others").parentElement.classList.toggle("by-kind", !items.length);
  redraw($("#others-list"), listed(others), greeting);
  $("#with-it").hidden = !items.length;
  redraw($("#with-it-list"), listed(items.slice(0, 4)), $("#basket-title"));
  offering.show(visit);
  basketPage.draw(visit);
  screen.notMe.draw(visit);
  screen.news.draw(visit);
}

/** Where nothing is suggested: a dish of each category, in the order of the menu. */
const ofEachKind = () => [...byCategory(screen.rows || [], place().site).values()].map(([row]) => row).slice(0, KINDS);

/** The same visit in another language. */
function translate(visit) {
  if (["suggest", "menu", "basket", "greet", "dish"].includes(stage.state)) draw(visit);
  if (stage.state === "menu") menu.draw(visit);
  if (stage.state === "dish") dish.draw(visit);
  if (stage.state === "done") placing.show(visit);
}

/** The title above the first suggestion: "The usual?" only when it is this person's own. */
function leadOf(item, visit) {
  if (!visit.basket.empty) return item?.reason?.code === "with_basket" ? "goes_with" : "anything_else";
  if (!visit.recognised || !item || item.reason?.code === "popular_here") return "popular";
  return OWN.includes(item.reason?.code) ? "the_usual" : "perhaps";
}

// --- what people do ------------------------------------------------------------------------------------------

/** One press puts a dish in, or the whole usual order; what has choices asks for them first. */
function put(item, visit) {
  if (cards.asks(item)) {
    dish.open(item, visit);
    return;
  }
  visit.basket.addAll(linesOf(item, screen.rows));
  changed(visit, () => `${words.t("added")}: ${cards.name(item)}`);
}

function changed(visit, change) {
  sound.play("added");
  basketPage.changed(visit, change);
}

stage.on("matched", () => stage.go("greet"));
stage.on("greet", (visit) => {
  document.body.dataset.tookMs = String(Math.round(performance.now() - visit.pressedAt));
  draw(visit);
  offering.ask(visit);
  announce(words.t("greeting"));
  const next = visit.wantsHeld && !visit.raised ? "second_factor" : "suggest";
  setTimeout(() => stage.state === "greet" && stage.go(next, visit), GREET_MS);
});
stage.on("suggest", (visit) => {
  draw(visit);
  if (screen.held.show(visit)) return;
  if (!visit.suggestions || (visit.raised && !visit.byCode)) ask(visit);
  if (!visit.offer && (!visit.recognised || visit.raised)) offering.ask(visit);
});
stage.on("menu", (visit) => {
  draw(visit);
  menu.draw(visit);
});
stage.on("basket", async (visit) => {
  draw(visit);
  await screen.loadMenu().catch(() => {}); // without a line: what is known
  if (visit !== stage.visit || stage.state !== "basket") return;
  basketPage.check(visit);
  basketPage.draw(visit);
  if (visit.problems.length) {
    sound.play("problem");
    announce(words.t("problem_some"));
  }
});
$("#menu-open").addEventListener("click", () => stage.go("menu"));
$("#basket-open").addEventListener("click", () => stage.go("basket"));
for (const button of document.querySelectorAll("[data-back]")) button.addEventListener("click", () => stage.go("back"));

// What gets the focus is scrolled to where the bar at the bottom does not cover it; how high that is changes with its words.
const bar = $("footer.bar");
new ResizeObserver(() => {
  const lies = getComputedStyle(bar).position === "sticky" && bar.offsetHeight > 0;
  const covered = lies ? bar.offsetHeight + (parseFloat(getComputedStyle(bar).bottom) || 0) : 0;
  document.documentElement.style.setProperty("--covered", `${covered}px`);
}).observe(bar);

screen.start();
