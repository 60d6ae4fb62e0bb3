// The offer beside the suggestions, and on the order once it was taken.

import { langOfName } from "../catalogue.js";
import { $, announce, h } from "../dom.js";
import { counts, leastSpend, missingFor, nameOf, reductionOf, termsOf } from "../offers.js";
import { redraw } from "../redraw.js";
import { place } from "../screen.js";
import { eventOf } from "../usual.js";

export class Offering {
  /** @param {{screen, api, words, outbox, draw: (visit) => void}} parts */
  constructor({ screen, api, words, outbox, draw }) {
    Object.assign(this, { screen, api, words, outbox, draw });
  }

  /** One offer, if there is one. Who chose offers gets theirs, others what everybody gets. */
  async ask(visit) {
    if (visit.taken) return;
    const token = visit.tokenFor("offers");
    const { signal } = visit.abort;
    try {
      const reply = await this.api.suggestions("offers", { token, context: place(), n: 1, signal });
      if (visit !== this.screen.stage.visit || !reply.items.length) return;
      visit.offer = { ...reply.items[0], recommendation_id: reply.recommendation_id };
      this.show(visit);
      this.outbox.send([this.event(visit.offer, "shown")], token);
    } catch {
      // No offer today: nothing is missing from the screen.
    }
  }

  /** What happened to an offer: shown, accepted, redeemed (then with its order). */
  event(offer, type, more = {}) {
    const { item_id, recommendation_id } = offer;
    return eventOf(type, { ...more, scene: "offers", items: [{ item_id }], recommendation_id });
  }

  show(visit) {
    const { words } = this;
    const { offer } = visit;
    if (!offer) return redraw($("#offer"), [], $("#greeting"));
    return redraw($("#offer"), [
      h("div", { class: "offer" },
        h("span", { class: "words" },
          h("span", { class: "kicker" }, words.t(visit.tokenFor("offers") ? "offer" : "offer_guest")),
          h("span", { class: "name", lang: langOfName(offer.offer || {}, words.language) }, nameOf(offer, words.language)),
          h("span", { class: "terms" }, termsOf(offer, words.language)),
          this.#least(visit, offer),
          offer.reason && h("span", { class: "why" }, words.reason(offer.reason))),
        h("button", { type: "button", class: "quiet", id: "offer-take", onclick: () => this.#take(visit) }, words.t("offer_add"))),
    ]);
  }

  /** From how much on it counts; what the order lacks to that once something is in it. */
  #least(visit, offer) {
    const { words } = this;
    const least = leastSpend(offer);
    if (!least) return null;
    const lacking = visit.basket.empty ? 0 : missingFor(offer, visit.basket);
    const text = words.t("offer_from", { amount: words.price(least) });
    const more = lacking > 0 ? words.t("offer_missing", { amount: words.price(lacking) }) : "";
    return h("span", { class: "lacking" }, [text, more].filter(Boolean).join(" · "));
  }

  #take(visit) {
    const { offer } = visit;
    this.outbox.send([this.event(offer, "accepted")], visit.tokenFor("offers"));
    Object.assign(visit, { offer: null, taken: offer });
    announce(`${this.words.t("added")}: ${nameOf(offer, this.words.language)}`);
    this.draw(visit);
  }

  /** The accepted offer on the order: what is taken off at the counter, or what it still needs. */
  line(visit) {
    const { words, screen: { rows } } = this;
    const { taken, basket } = visit;
    const off = reductionOf(taken, basket, rows);
    const fits = counts(taken, basket, rows);
    const lacking = missingFor(taken, basket);
    const note = fits ? words.t("offer_at_counter")
      : lacking > 0 ? words.t("offer_missing", { amount: words.price(lacking) }) : words.t("offer_other_dishes");
    return h("li", { class: "line taken" },
      h("span", { class: "name" }, `${nameOf(taken, words.language)}: ${note}`),
      h("span", { class: "terms" }, termsOf(taken, words.language)),
      fits && off ? h("span", { class: "price" }, `−${words.price(off)}`) : null);
  }
}
