// "Somewhere else": every public place, found by typing, by its kind, or among those of this ride.

import { $, h } from "../dom.js";
import { isPrivate } from "./labels.js";
import { direction, metres } from "./position.js";
import { PlaceIndex } from "./search.js";

export const SHOWN = 40; // more than anybody reads; who types sees fewer

const RECENT = "\u0000recent"; // the chip of this ride's own places; no category is called that

const WAYS = Object.freeze({
  n: "way_n", ne: "way_ne", e: "way_e", se: "way_se", s: "way_s", sw: "way_sw", w: "way_w", nw: "way_nw",
});

export class Elsewhere {
  /**
   * @param {{words, rows: () => object[], where: () => {lat?: number, lon?: number, coarse?: boolean}, choose: (row) => void,
   *   nameOf: (row) => string}} parts the words, the catalogue, where the taxi is, what a press on a place does
   */
  constructor({ words, rows, where, choose, nameOf }) {
    Object.assign(this, { words, rows, where, choose, nameOf });
    this.chip = "";
    this.indexed = null;
    this.input = $("#place-search");
    this.input.addEventListener("input", () => this.#list());
    $("#place-clear").addEventListener("click", () => {
      this.input.value = "";
      this.#list();
      this.input.focus();
    });
    // Enter chooses nothing by itself: it closes the keyboard of the tablet, so that the list can be seen.
    $("#place-form").addEventListener("submit", (event) => {
      event.preventDefault();
      this.input.blur();
    });
  }

  /** Draw for a visit, whose own places of this ride are `recent`, the newest first. */
  draw(recent) {
    this.recent = recent.filter((row) => !isPrivate(row));
    if (this.chip === RECENT && !this.recent.length) this.chip = "";
    this.#chips();
    this.#list();
  }

  /** Nothing that was typed or seen stays. */
  forget() {
    this.chip = "";
    this.recent = [];
    this.input.value = "";
    for (const list of ["#all-list", "#place-chips"]) $(list).replaceChildren();
    $("#place-count").textContent = "";
  }

  /** The public places that can be had; made anew when the catalogue or the language is another one. */
  #index() {
    const rows = this.rows();
    const language = this.words.language;
    if (this.indexed?.rows !== rows || this.indexed.language !== language) {
      const open = rows.filter((row) => row.available !== false && !isPrivate(row));
      const entries = open.map((row) => ({
        row, texts: [this.nameOf(row), row.name, ...Object.values(row.names || {}), row.category || "", this.words.category(row.category || ""), ...(row.tags || [])],
      }));
      this.indexed = { rows, language, open, index: new PlaceIndex(entries), kinds: [...new Set(open.map((row) => row.category).filter(Boolean))].sort() };
    }
    return this.indexed;
  }

  #chips() {
    const { kinds } = this.#index();
    const chip = (value, label) => h("button", {
      type: "button", class: "chip", "data-chip": value === RECENT ? "recent" : value, "aria-pressed": String(this.chip === value),
      onclick: (event) => {
        this.chip = this.chip === value ? "" : value;
        for (const one of $("#place-chips").children) one.setAttribute("aria-pressed", "false");
        event.currentTarget.setAttribute("aria-pressed", String(this.chip === value));
        this.#list();
      },
    }, label);
    $("#place-chips").replaceChildren(
      ...(this.recent.length ? [chip(RECENT, this.words.t("places_recent"))] : []),
      ...kinds.map((kind) => chip(kind, this.words.category(kind))),
    );
  }

  #found() {
    const typed = this.input.value.trim();
    const { index, open } = this.#index();
    let rows = typed ? index.find(typed) : open;
    if (this.chip === RECENT) rows = typed ? rows.filter((row) => this.recent.includes(row)) : this.recent;
    else if (this.chip) rows = rows.filter((row) => row.category === this.chip);
    return typed || this.chip === RECENT ? rows : this.#nearest(rows);
  }

  /** The nearest first, where it is known where the taxi is; else by name. */
  #nearest(rows) {
    const here = this.where();
    if (here.lat === undefined) return this.words.sorted(rows, this.nameOf);
    const far = new Map(rows.map((row) => [row, this.#metresTo(row, here) ?? Infinity]));
    return [...rows].sort((one, other) => far.get(one) - far.get(other));
  }

  #metresTo(row, here) {
    return Number.isFinite(row.lat) && Number.isFinite(row.lon) && here.lat !== undefined ? metres(here, row) : null;
  }

  #list() {
    const rows = this.#found();
    const here = this.where();
    $("#place-clear").hidden = !this.input.value;
    $("#all-list").replaceChildren(...rows.slice(0, SHOWN).map((row) => h("li", {}, this.#button(row, here))));
    const empty = this.#index().open.length ? "places_none" : "places_empty"; // no other word would find anything
    const key = !rows.length ? empty : rows.length > SHOWN ? "places_more" : "places_found";
    $("#place-count").textContent = this.words.t(key, { n: rows.length, shown: SHOWN });
  }

  #button(row, here) {
    const far = here.coarse ? null : this.#metresTo(row, here);
    return h("button", { type: "button", class: "place-row", "data-item": row.item_id, onclick: () => this.choose(row) },
      h("span", { class: "name" }, this.nameOf(row)),
      far === null ? null : h("span", { class: "why" }, this.#far(far, direction(here, row))));
  }

  #far(far, way) {
    const km = new Intl.NumberFormat(this.words.language, { style: "unit", unit: "kilometer", maximumFractionDigits: 1 });
    return `${km.format(Math.max(0.1, far / 1000))} · ${this.words.t(WAYS[way])}`;
  }
}
