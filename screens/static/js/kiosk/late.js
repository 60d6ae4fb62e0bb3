// Orders that waited for the line and were then not taken as they stood: for the staff, on the first page alone, where
// nobody's visit is. It names the order's number and its dishes, nothing of a person, and stays until somebody has
// seen it or the page is left.

import { $, h } from "../dom.js";
import { nameIn } from "../item.js";
import { redraw } from "../redraw.js";
import { laterOf } from "./taken.js";

const MOST = 20; // lines; the oldest go

export class Late {
  /** @param {{screen, words, stage, outbox}} parts */
  constructor({ screen, words, stage, outbox }) {
    Object.assign(this, { screen, words, stage, notes: [] });
    outbox.onLate = (events, outcome, problems) => this.hear(events, outcome, problems);
    $("#late-seen").addEventListener("click", () => {
      this.notes = [];
      this.draw();
      $("#attract-title").focus();
    });
    words.onChange(() => this.draw());
  }

  /** What became of events that nobody waits for any more. */
  hear(events, outcome, problems) {
    for (const [index, event] of events.entries()) {
      const own = problems.filter((one) => one.index === index);
      const note = event.type === "ordered" && laterOf(event, outcome, own);
      if (note) this.notes = [...this.notes, note].slice(-MOST);
    }
    this.draw();
  }

  draw() {
    $("#late").hidden = !this.notes.length;
    redraw($("#late-list"), this.notes.map((note) => h("li", {}, this.#sentence(note))));
  }

  #sentence({ number, refused, left, changed }) {
    const { words } = this;
    const names = (ids) => ids.map((id) => {
      const row = this.screen.rows.find(({ item_id }) => item_id === id);
      return row ? nameIn(row, words.language) : id;
    }).join(", ");
    if (refused) return words.t("late_refused", { number });
    if (left.length) return words.t("late_left", { number, list: names(left) });
    return words.t("late_changed", { number, list: names(changed) });
  }
}
