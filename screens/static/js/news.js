// What has changed for a customer since they joined: a calm line with a way to read more.

import { $, h } from "./dom.js";

const SENTENCES = Object.freeze({ notice_changed: "news_notice_changed", consent_ends_soon: "news_consent_ends_soon" });

export class News {
  /** @param {{words, notice, held}} parts */
  constructor({ words, notice, held }) {
    Object.assign(this, { words, notice, held });
  }

  /** Draw the line above the suggestions; news that this screen does not know has none. */
  draw(visit) {
    const known = visit.news.filter((name) => name in SENTENCES);
    $("#news").replaceChildren(...(visit.recognised ? known : []).map((name) =>
      h("p", { class: "calm", "data-news": name }, h("span", {}, this.words.t(SENTENCES[name])), this.#way(name, visit))));
  }

  #way(name, visit) {
    const button = (key, work) => h("button", { type: "button", class: "quiet", onclick: work }, this.words.t(key));
    if (name === "consent_ends_soon") return button("news_page", () => this.held.ask(visit));
    return button("news_read", () => this.notice.read());
  }
}
