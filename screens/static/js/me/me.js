// The customer's own page: sign in, look, change, leave. `open` shows it on a device, over what is there.

import { h } from "../dom.js";
import * as sections from "./sections.js";
import { Refusal, Server, Unreachable } from "./server.js";
import { button, complaint, download, field, pinField, section } from "./parts.js";
import { FIRST, LANGUAGES, Sentences, languageFor, load, nameOfLanguage } from "./strings.js";

const EXPIRY_CHECK_MS = 5_000;
const CLOSED = ["token_expired", "erased", "customer_left"]; // the token opens nothing any more
const ELSEWHERE = Object.freeze({ elsewhere: true, everywhere: true, erasure: null }); // by another page or a screen

export class OwnPage {
  /**
   * @param {Element} root where it is shown
   * @param {{code?: string, page?: string, language?: string, onClose?: () => void}} options
   *   `code` was in the link; `page` is the paired page of a shared device; `onClose` leads back there
   */
  constructor(root, { code = "", page = "", language = "", onClose = null } = {}) {
    this.root = root;
    this.code = code;
    this.onClose = onClose;
    this.server = new Server(page);
    this.say = new Sentences(language ? languageFor(language) : FIRST);
    this.held = null;
    this.live = h("div", { class: "unseen", "aria-live": "polite", id: "me-live" });
    this.body = h("div", { class: "me-body" });
    this.top = h("div", { class: "me-top me-no-print" });
    root.replaceChildren(this.top, this.body, this.live);
    this.#bar();
    this.timer = setInterval(() => this.#expire(), EXPIRY_CHECK_MS);
  }

  // --- what every part uses

  /** Do something that may be refused; what went wrong is said where the page says such things. */
  async try(work, onError = null) {
    try {
      await work();
    } catch (error) {
      if (error instanceof Refusal && CLOSED.includes(error.code)) return this.#closed(error.code);
      if (onError) return onError(error);
      this.#complain(this.explain(error));
    }
    return undefined;
  }

  /** Change something, look again at what is held, and say what was done. */
  act(change, said, focus = null, onError = null) {
    this.body.inert = true; // one change at a time: what is shown is about to be replaced
    return this.try(async () => {
      const done = await change();
      await this.#load(focus);
      this.announce(typeof said === "function" ? said(done) : said);
    }, (error) => {
      this.body.inert = false;
      if (onError) onError(error);
      else this.#complain(this.explain(error));
    }).finally(() => (this.body.inert = false));
  }

  /** An error in words of the reader's language. */
  explain(error) {
    const { t } = this.say;
    if (error instanceof Unreachable) return t("offline");
    if (!(error instanceof Refusal)) throw error;
    const known = {
      code_or_pin_wrong: () => t("wrong"),
      code_mistyped: () => (error.body.group ? t("mistyped", { group: error.body.group }) : t("mistyped_somewhere")),
      too_many_requests: () => t("too_often", { minutes: error.minutes }),
      second_factor_required: () => t("pin_needed"),
      pin_wrong: () => t("pin_wrong"),
      pin_locked: () => t("pin_locked", { minutes: error.minutes }),
      pin_invalid: () => t("pin_four"),
      link_code_wrong: () => t("tie_wrong"),
    }[error.code];
    return known ? known() : t("failed", { detail: error.message });
  }

  announce(text) {
    this.live.textContent = "";
    this.live.textContent = text;
    const toast = this.body.querySelector("#me-said");
    if (toast) toast.textContent = text;
  }

  #complain(text) {
    const place = this.body.querySelector("#me-trouble");
    if (place) place.textContent = text;
  }

  // --- the bar

  #bar() {
    const { t } = this.say;
    const languages = LANGUAGES.map((name) =>
      h("button", { type: "button", class: "me-language", lang: name, "data-language": name, "aria-pressed": String(name === this.say.language), onclick: () => this.use(name) }, nameOfLanguage(name)));
    this.root.setAttribute("lang", this.say.language);
    this.root.setAttribute("dir", this.say.direction);
    if (!this.onClose) {
      document.documentElement.lang = this.say.language;
      document.documentElement.dir = this.say.direction;
      document.title = `${t("title")} – Usual`;
    }
    this.top.replaceChildren(
      h("span", { class: "brand", "aria-hidden": "true" }, "usual"),
      h("div", { class: "me-languages", role: "group", "aria-label": t("language") }, ...languages),
      this.server.signedIn || this.onClose
        ? button(t(this.onClose ? "close" : "leave"), () => this.close(), "", { id: "me-close" })
        : h("span", {}),
    );
  }

  async use(language) {
    try {
      await load(language);
    } catch {
      return; // no line, and it was never loaded: the page stays as it is
    }
    this.say = new Sentences(language);
    this.#bar();
    this.top.querySelector(`[data-language=${language}]`).focus();
    if (this.gone) this.#showGone();
    else if (this.held) this.#show();
    else this.signIn();
  }

  // --- signing in

  /** Ask for code and PIN. With a code from the link, for the PIN alone. */
  signIn(said = "") {
    const { t } = this.say;
    const code = field(t("code"), { autocomplete: "off", autocapitalize: "characters", spellcheck: "false", maxlength: "64", id: "me-code" });
    code.box.querySelector("label").setAttribute("for", "me-code");
    code.input.value = this.code;
    const pin = pinField(t("pin"), t("pin_if_set"));
    const wrong = complaint();
    wrong.textContent = said;
    const go = h("button", { class: "me-button strong", id: "me-sign-in" }, t("sign_in"));
    const form = h("form", { class: "me-form", id: "me-sign-in-form" }, code.box, pin.box, wrong, go);
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      wrong.textContent = "";
      if (!code.input.value.trim()) return code.input.focus();
      go.disabled = true;
      return this.try(async () => {
        await this.server.signIn(code.input.value.trim(), pin.input.value);
        await this.#load();
      }, (error) => {
        wrong.textContent = this.explain(error);
        pin.input.value = "";
        pin.input.focus();
      }).finally(() => (go.disabled = false));
    });
    this.body.replaceChildren(h("div", { class: "me-card me-sign-in" },
      h("h1", { tabindex: "-1" }, t("title")), h("p", { class: "lead" }, t(this.code ? "sign_in_again" : "sign_in_lead")), form));
    (this.code ? pin : code).input.focus();
  }

  /** Go on with the token of the device where somebody stands, who gave their PIN there. */
  takeOver(token) {
    this.body.replaceChildren(h("p", { class: "lead" }, this.say.t("loading")));
    return this.try(async () => {
      await this.server.takeOver(token);
      await this.#load();
    }, (error) => this.signIn(this.explain(error)));
  }

  // --- what is held

  async #load(focus = null) {
    const first = this.held === null;
    this.held = await this.server.everything();
    this.body.inert = false;
    if (first) this.#bar();
    this.#show(focus, first);
  }

  #show(focus = null, first = false) {
    const { t } = this.say;
    const at = scrollY;
    const heading = h("h1", { tabindex: "-1", id: "me-title" }, t("hello"));
    this.body.replaceChildren(
      h("div", { class: "me-head" }, heading, sections.inWords(this, this.held),
        h("p", { class: "me-said", id: "me-said" }), h("p", { class: "me-error", id: "me-trouble", role: "alert" })),
      sections.doing(this, this.held),
      sections.agreements(this, this.held),
      sections.history(this, this.held),
      sections.lookups(this, this.held),
      ...sections.suggestions(this, this.held),
      sections.pin(this, this.held),
      sections.account(this, this.held),
      sections.records(this, this.held),
    );
    scrollTo(0, first ? 0 : at);
    const target = focus && this.body.querySelector(focus);
    (target || heading).focus({ preventScroll: !first });
  }

  download() {
    download("usual-export.json", this.held);
  }

  // --- leaving

  erase() {
    return this.try(async () => {
      this.#leave(await this.server.erase());
    });
  }

  /** Everything was erased, as `gone` says: nothing of it stays on the page. */
  #leave(gone) {
    this.gone = gone;
    this.server.leave();
    this.held = null;
    this.code = "";
    this.#bar();
    this.#showGone(true);
  }

  #showGone(first = false) {
    const { t } = this.say;
    const receipt = this.gone.erasure;
    const stores = ((receipt && receipt.stores) || []).map((one) => h("li", {}, `${one.store}: ${one.state}`));
    const key = this.gone.elsewhere ? "gone_elsewhere" : "gone";
    const title = h("h1", { tabindex: "-1", id: "me-gone" }, t(`${key}_title`));
    this.body.inert = false;
    this.body.replaceChildren(h("div", { class: "me-card" }, title, h("p", { class: "lead" }, t(`${key}_text`)),
      this.gone.everywhere ? null : h("p", {}, t("gone_later")),
      receipt ? button(t("gone_receipt"), () => download("usual-erasure.json", receipt), "strong", { id: "me-receipt" }) : null),
    stores.length ? section(t("gone_stores"), h("ul", { class: "me-list" }, ...stores)) : "");
    if (first) title.focus();
  }

  #expire() {
    if (this.server.expires !== null && Date.now() > this.server.expires) this.#end();
  }

  /** The server refuses the token: its time is over, or nobody is behind it any more. Nothing is shown meanwhile. */
  async #closed(code) {
    this.held = null;
    this.body.replaceChildren(h("p", { class: "lead" }, this.say.t("loading")));
    if (code !== "token_expired" || (await this.server.isErased())) this.#leave(ELSEWHERE);
    else this.#end();
  }

  /** The token is not valid any more: everything personal leaves the screen. */
  #end() {
    this.server.leave();
    this.held = null;
    this.#bar();
    if (this.onClose) this.close();
    else this.signIn(this.say.t("ended"));
  }

  /** Somebody opened a link: whatever was here before leaves. */
  restart(code) {
    this.close();
    this.code = code;
    this.signIn();
  }

  close() {
    this.server.leave();
    this.held = null;
    this.gone = null;
    this.code = "";
    if (this.onClose) {
      clearInterval(this.timer);
      this.body.replaceChildren();
      this.onClose();
      return;
    }
    this.#bar();
    this.signIn();
  }
}

/**
 * Show the page over what is on a shared device, for who gave their PIN there.
 *
 * @param {{token: string, page: string, language?: string, idleSeconds?: number, onClose?: () => void}} options
 *   `page` is the device's paired page ("kiosk", "taxi"); the token stays in memory and leaves with the page
 * @returns {OwnPage} `close()` ends it at any time
 */
export function open({ token, page, language = "", idleSeconds = 60, onClose = () => {} }) {
  const css = new URL("../../css/me.css", import.meta.url).pathname;
  if (!document.querySelector(`link[href="${css}"]`)) document.head.append(h("link", { rel: "stylesheet", href: css }));
  const root = h("div", { class: "me-root me-over", role: "dialog", "aria-modal": "true", "aria-label": "Usual" });
  const behind = [...document.body.children];
  for (const element of behind) element.inert = true;
  document.body.append(root);
  let idle = 0;
  const touched = () => {
    clearTimeout(idle);
    idle = setTimeout(() => own.close(), 1_000 * idleSeconds);
  };
  const own = new OwnPage(root, {
    page,
    language,
    onClose: () => {
      clearTimeout(idle);
      for (const name of ["pointerdown", "keydown"]) root.removeEventListener(name, touched);
      root.remove();
      for (const element of behind) element.inert = false;
      onClose();
    },
  });
  for (const name of ["pointerdown", "keydown"]) root.addEventListener(name, touched);
  touched();
  own.takeOver(token);
  return own;
}
