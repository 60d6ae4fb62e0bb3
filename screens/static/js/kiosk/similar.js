// "More like this" on the page of a dish: the same for everybody, so no token is sent. Without an answer nothing is shown.

import { isServed } from "../basket.js";
import { $, h } from "../dom.js";
import { redraw } from "../redraw.js";
import { place } from "../screen.js";
import { filtered } from "./diet.js";

const SHOWN = 4;
const ASKED = 12; // a person's filters may leave few of them

export class Similar {
  /** @param {{screen, api, words, cards}} parts */
  constructor({ screen, api, words, cards }) {
    Object.assign(this, { screen, api, words, cards });
  }

  /** Look for dishes like the one that is open. */
  async ask(visit) {
    const { dish } = visit;
    const { site, local_time } = place();
    const context = { local_time, ...(site && { site }) };
    try {
      const reply = await this.api.similar(dish.item.item_id, { context, n: ASKED, signal: visit.abort.signal });
      dish.similar = reply.items;
    } catch {
      return; // nothing is missing from the page
    }
    if (visit === this.screen.stage.visit && visit.dish === dish && this.screen.stage.state === "dish") this.draw(visit);
  }

  draw(visit) {
    const { words, cards } = this;
    const items = this.#fitting(visit);
    $("#similar").hidden = !items.length;
    $("#similar-title").textContent = words.t("similar_title");
    redraw($("#similar-list"), items.map((item) => h("li", {}, cards.card(item, visit, { opens: true }))), $("#dish-title"));
  }

  /** The rows of the menu with their reason: what can be had, passes the person's filters and is not in the order. */
  #fitting(visit) {
    const { rows } = this.screen;
    const found = (visit.dish.similar || []).flatMap(({ item_id, reason }) => {
      const row = rows.find((one) => one.item_id === item_id);
      return row && isServed(row, place().site) ? [{ ...row, reason: { code: reason } }] : [];
    });
    return filtered(found, visit).shown.filter(({ item_id }) => !visit.basket.has(item_id)).slice(0, SHOWN);
  }
}
