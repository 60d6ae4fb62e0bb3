// The notice in the screen's language, and texts to read: the notice, the policy.

import { $, $$, h } from "./dom.js";
import { markdown, noticeParts } from "./markdown.js";
import { READERS } from "./states.js";

export class Notice {
  /** @param {{stage, api, words}} parts */
  constructor({ stage, api, words }) {
    Object.assign(this, { stage, api, words, byLanguage: {} });
    words.onChange(() => this.#changed());
    $("#consent-more").addEventListener("click", () => this.#unfold($("#consent-rest").hidden));
    $("#reading-back").addEventListener("click", () => stage.go(READERS[stage.visit.readFrom]));
  }

  /** The notice of the chosen language, or undefined. Without it there is no valid consent. */
  get now() {
    return this.byLanguage[this.words.language];
  }

  /** Who is responsible, and the contact; "" where the server names neither. */
  get where() {
    const { controller = "", contact = "" } = this.now || {};
    return controller || contact ? this.words.t("consent_where", { controller: controller || "-", contact: contact || "-" }) : "";
  }

  /** A taxi's notice speaks of the taxi. */
  get #place() {
    return this.api.page === "taxi" ? "taxi" : undefined;
  }

  /** Load the notice ahead. Where it cannot be had, the screen does not offer to opt in. */
  async prepare() {
    const { language } = this.words;
    try {
      this.byLanguage[language] = await this.api.notice(language, this.#place);
    } finally {
      this.#offer();
    }
  }

  #offer() {
    // Unless the server says that the recogniser is fit for production, the screen treats it as unfit.
    if (this.now) $("#demo-badge").hidden = this.now.grade === "production";
    for (const button of $$("[data-needs-notice]")) button.hidden = !this.now;
  }

  async #changed() {
    if (!this.now && this.stage.state !== "pairing") await this.prepare().catch(() => {});
    this.#offer();
    if (this.stage.state === "consent") this.draw(!$("#consent-rest").hidden);
    if (this.stage.state === "reading") this.stage.visit.reading();
  }

  /** Show the notice on the page of the consent: the essentials, and the rest behind a button, or unfolded. */
  draw(open = false) {
    const { words, now } = this;
    $("#consent-more").hidden = !now;
    if (!now) { // the buttons that agree to it are hidden, too
      $("#consent-essentials").replaceChildren(h("p", {}, words.t("reading_failed")));
      $("#consent-rest").replaceChildren();
      $("#consent-text").lang = words.language;
      return;
    }
    const { essentials, rest } = noticeParts(now.text);
    const said = essentials.map((element) => element.textContent).join(" ");
    const who = [now.controller, now.contact].every((name) => said.includes(name || "")) ? "" : this.where;
    $("#consent-essentials").replaceChildren(...essentials, ...(who ? [h("p", { class: "fine" }, who)] : []));
    $("#consent-rest").replaceChildren(...rest);
    $("#consent-text").lang = now.language || words.language;
    $("#consent-more").hidden = !rest.length;
    this.#unfold(open);
    $("#consent-age-text").textContent = words.t("consent_age", { age: now.minimum_age ?? 16 });
    const offered = (now.purposes || []).map((purpose) => purpose.name);
    for (const box of $$("[data-purpose]")) {
      box.closest("label").hidden = offered.length > 0 && !offered.includes(box.dataset.purpose);
    }
  }

  #unfold(open) {
    const button = $("#consent-more");
    $("#consent-rest").hidden = !open;
    button.setAttribute("aria-expanded", String(open));
    button.dataset.i18n = open ? "notice_less" : "notice_more";
    button.textContent = this.words.t(button.dataset.i18n);
  }

  /** Open the notice to be read; in a language that was just chosen it may still be on its way. */
  read() {
    this.#open("consent_notice", async () => {
      if (!this.now) await this.prepare();
      return markdown(this.now.text, "h2");
    });
  }

  /** Open the public policy to be read. */
  readPolicy() {
    this.#open("policy_link", async () => wordsOf(await policy(this.words.language)));
  }

  #open(title, load) {
    const { visit } = this.stage;
    visit.readFrom = this.stage.state;
    visit.reading = async () => {
      $("#reading-title").textContent = this.words.t(title);
      $("#reading-text").replaceChildren(h("p", {}, this.words.t("looking")));
      const elements = await load().catch(() => [h("p", {}, this.words.t("reading_failed"))]);
      if (this.stage.visit === visit && this.stage.state === "reading") $("#reading-text").replaceChildren(...elements);
    };
    this.stage.go("read");
    visit.reading();
  }
}

const POLICY_MS = 8000;
const BLOCKS = "h1, h2, h3, h4, p, li, th, td, dt, dd";

/** The public policy, as an inert document: nothing in it runs or loads. */
function policy(language) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("GET", `/policy?${new URLSearchParams({ language })}`);
    request.responseType = "document";
    request.timeout = POLICY_MS;
    request.onload = () => (request.status === 200 && request.response ? resolve(request.response) : request.onerror());
    request.onerror = request.ontimeout = () => reject(new Error("the policy cannot be had"));
    request.send();
  });
}

/** The words of a page's main part, as headings and paragraphs: nothing else of the page is taken over. */
function wordsOf(page) {
  const blocks = [...(page.querySelector("main") || page.body).querySelectorAll(BLOCKS)];
  return blocks
    .filter((block) => !block.querySelector(BLOCKS) && block.textContent.trim())
    .map((block) => h(/^H/.test(block.tagName) ? "h2" : "p", {}, block.textContent.replace(/\s+/g, " ").trim()));
}
