// Placing the order, and the page after it: its number, where to collect it, and the receipt.

import { unitPrice } from "../basket.js";
import { langOfName } from "../catalogue.js";
import { $, announce, h } from "../dom.js";
import { choiceNames, nameIn } from "../item.js";
import { counts } from "../offers.js";
import { qrCode } from "../qr.js";
import { place } from "../screen.js";
import { eventOf, pause, randomId } from "../usual.js";
import { MOST_BYTES, qrSvg } from "./qrdraw.js";
import { Numbers } from "./number.js";
import { basketTaken, linesTaken, sumOf } from "./taken.js";

const DONE_MS = 20_000; // long enough to read the number and to point a phone at the receipt
const LOOK_MS = 1500; // an order does not wait longer for the menu: then what is known of it holds
const SAID = { sending: "done_sending", sent: "done_text", waiting: "done_offline", refused: "done_refused" };
const settings = new URLSearchParams(location.search);

export class Placing {
  /** @param {{screen, words, stage, outbox, offering, basketPage, sound}} parts */
  constructor({ screen, words, stage, outbox, offering, basketPage, sound }) {
    Object.assign(this, { screen, words, stage, outbox, offering, basketPage, sound, numbers: new Numbers(() => screen.settings.sign), looking: null });
    $("#order").addEventListener("click", () => this.#start(this.stage.visit));
    this.stage.on("done", (visit) => this.#done(visit));
    this.stage.whenMoved(() => this.#lookAt(null));
    this.basketPage.onChanged = () => this.#lookAt(null);
  }

  /** Look at the menu once more, then order; what has changed is said instead. Who does something else meanwhile decides anew. */
  async #start(visit) {
    if (this.looking || visit.basket.empty || this.stage.state !== "basket") return;
    const look = this.#lookAt({});
    // Without a line, or a slow one: what is known.
    await Promise.race([this.screen.loadMenu().catch(() => {}), pause(LOOK_MS)]);
    if (look !== this.looking) return;
    this.#lookAt(null);
    this.basketPage.check(visit);
    this.basketPage.draw(visit);
    if (visit.problems.length) {
      announce(this.words.t("problem_some"));
      $("#basket-lines .wrong .answers button")?.focus();
    } else await this.#order(visit);
  }

  /** The look that is going on, or null: it is over or given up. */
  #lookAt(look) {
    this.looking = look;
    $("#order").setAttribute("aria-busy", String(look !== null));
    return look;
  }

  async #order(visit) {
    this.stage.go("order");
    const { local_time, site = "", region = "" } = place();
    const lines = [...visit.basket.lines.values()];
    const event = eventOf("ordered", {
      // The number is in the order's own id: so it can be found, and it says nothing about a person.
      event_id: `${visit.number}.${randomId()}`,
      occurred_at: local_time,
      site,
      region,
      recommendation_id: visit.suggestions?.recommendation_id || "",
      // A note is for the kitchen alone: it is on the ticket and nowhere else.
      items: lines.map((line) => ({
        item_id: line.item.item_id, quantity: line.quantity, price: unitPrice(line),
        ...(line.options.length && { options: line.options }),
      })),
    });
    const { taken } = visit;
    const outcome = await this.outbox.send([event], visit.tokenFor("orders"), (found) => (visit.replied = found));
    // The person has gone meanwhile: what was not taken is for the staff, as of an order that waited.
    if (visit !== this.stage.visit && outcome !== "waiting") this.outbox.onLate([event], outcome, visit.replied);
    if (outcome === "refused" && (await this.#changed(visit))) return;
    const real = basketTaken(visit.basket, visit.replied);
    const fits = taken && counts(taken, real, this.screen.rows);
    const altered = visit.replied.some(({ code }) => code !== "price_changed");
    visit.said = altered ? "done_changed" : SAID[outcome];
    if (taken && outcome !== "refused") {
      // The order is taken whatever becomes of the offer: below its minimum it is not even asked for.
      const redeemed = fits
        ? await this.outbox.send([this.offering.event(taken, "redeemed", { order_id: event.event_id })], visit.tokenFor("offers"))
        : "refused";
      if (redeemed === "refused" && outcome === "sent") visit.said = altered ? "done_changed_without_offer" : "done_without_offer";
    }
    if (visit !== this.stage.visit) return;
    visit.outcome = outcome;
    this.show(visit);
    announce(this.words.t(visit.said));
    this.sound.play(outcome === "refused" ? "problem" : "done");
    if (outcome !== "refused" && settings.has("printer")) print();
  }

  /** After a refusal: whether the menu says why. Then the order stands there again, with its lines marked. */
  async #changed(visit) {
    await this.screen.loadMenu().catch(() => {});
    if (visit !== this.stage.visit || this.stage.state !== "done") return true;
    this.basketPage.check(visit);
    if (visit.problems.length) this.stage.go("changed");
    return visit.problems.length > 0;
  }

  #done(visit) {
    Object.assign(visit, { number: this.numbers.next(place().local_time.slice(0, 10)), outcome: "sending", said: SAID.sending });
    this.show(visit);
    this.stage.leaveIn(DONE_MS);
  }

  /** The page after the order, in the language of the moment. */
  show(visit) {
    const { words } = this;
    const refused = visit.outcome === "refused";
    $("#done-text").textContent = words.t(visit.said);
    $("#done-number").textContent = refused ? "" : visit.number;
    $("#done-box").hidden = refused;
    $("#done-collect").textContent = words.t("done_collect", { place: settings.get("collect") || words.t("done_counter") });
    $("#done-lines").replaceChildren(...linesTaken(visit.basket, visit.replied).map((one) => this.#line(one)));
    const drawn = refused ? [] : [qrCode(qrSvg(this.#receipt(visit)), words.t("done_qr"))];
    // The same code stays in place: a phone may be reading it.
    if (!drawn[0]?.isEqualNode($("#done-qr").firstElementChild)) $("#done-qr").replaceChildren(...drawn);
    $("#done-sum").textContent = `${words.t("total")} ${words.price(basketTaken(visit.basket, visit.replied).total)}`;
  }

  /** What a phone reads from the code: the order as plain text, cut where it is too long. No note, no token. */
  #receipt(visit) {
    const { words } = this;
    const real = basketTaken(visit.basket, visit.replied);
    const lines = [...real.lines.values()].map((line) =>
      `${line.quantity} × ${nameIn(line.item, words.language)} ${words.price(sumOf(line))}`);
    const text = (shown) => [
      visit.number, place().local_time.slice(0, 16).replace("T", " "), ...shown, ...(shown.length < lines.length ? ["…"] : []),
      `${words.t("total")} ${words.price(real.total)}`,
    ].join("\n");
    const fits = (count) => new TextEncoder().encode(text(lines.slice(0, count))).length <= MOST_BYTES;
    let count = lines.length;
    while (count && !fits(count)) count -= 1;
    return text(lines.slice(0, count));
  }

  #line({ line: { item, quantity, options, note }, left, problems }) {
    const { words } = this;
    const { language } = words;
    const chosen = [...choiceNames(item, options, language), note && `“${note}”`].filter(Boolean).join(", ");
    const text = h("span", { lang: langOfName(item, language) }, `${quantity} × ${nameIn(item, language)}${chosen ? ` (${chosen})` : ""}`);
    const why = problems.map(({ code, shown, price }) =>
      words.t(`done_line_${code}`, { shown: words.price(shown), price: words.price(price) }));
    return h("li", { class: left && "left" }, left ? h("s", {}, text) : text, why.length > 0 && h("span", { class: "error" }, why.join(". ")));
  }
}
