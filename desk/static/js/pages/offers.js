// What do the offers earn? The list of all offers first, with what each has earned; then the proof; the editor in its
// own view (#new, #ID).

import { $, button, el, say } from "../core/dom.js";
import { api, RECOMMENDER } from "../core/server.js";
import { answer, start } from "../core/page.js";
import { t } from "../core/words.js";
import { drawEarnings } from "../offers/earnings.js";
import { editor } from "../offers/editor.js";
import { drawList } from "../offers/list.js";

const COUNTING_MS = 15_000;
let person = null;
let house = null;

const mayChange = () => person.scopes.includes("train");

async function load(who) {
  person = who;
  await draw();
  addEventListener("hashchange", () => draw().catch((error) => say(error.message)));
}

async function draw(said = "") {
  const id = decodeURIComponent(location.hash.slice(1));
  if (id && mayChange()) return drawEditor(id);
  const [portfolio, proof] = await Promise.all([api("GET", `${RECOMMENDER}/desk/portfolio`), api("GET", `${RECOMMENDER}/desk/offers`)]);
  house = portfolio;
  answer(proof.answer);
  const proven = el("div", { id: "earnings" });
  $("content").replaceChildren(drawList(portfolio, proof, { mayChange: mayChange(), changed, open }), proven);
  drawEarnings(proven, portfolio, proof);
  if (said) say(said);
  if (proof.counting) setTimeout(() => !location.hash && draw().catch(() => {}), COUNTING_MS);
  return undefined;
}

async function drawEditor(id) {
  house = await api("GET", `${RECOMMENDER}/desk/portfolio`);
  const offer = id === "new" ? null : house.rows.find((row) => row.offer_id === id);
  if (offer === undefined) {
    location.hash = "";
    return say(t("offers-unknown", { id }));
  }
  answer(offer ? `${offer.name}: ${offer.state_name}. ${offer.why}` : t("offers-new-answer"));
  $("content").replaceChildren(editor(house, offer, (text) => {
    location.hash = ""; // draws the list
    setTimeout(() => text && say(text), 0);
  }));
  $("content").querySelector("input:not([readonly])").focus();
  return undefined;
}

const open = (id) => { location.hash = encodeURIComponent(id); };

/** Do something to offers, draw the list again and say so; `undo` takes it back. */
async function changed(work, text, undo = null) {
  try {
    await work();
    await draw(text);
    if (undo) $("notice").append(" ", button(t("offers-undo"), () => changed(undo, t("offers-undone"))));
  } catch (error) {
    say(error.problem?.fields ? error.problem.fields.map((one) => `${one.field}: ${one.message}`).join("; ") : error.message);
  }
}

start(load);
