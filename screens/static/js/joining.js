// Opting in: the consent, the code of an earlier enrolment, the PIN, the receipt, its confirmation.

import { Problem } from "./usual.js";
import { complaint, grouped, keyboard } from "./codes.js";
import { $, $$, announce, h } from "./dom.js";
import { qrCode } from "./qr.js";

const PURPOSES = ["orders", "offers", "destinations"];
const CONFIRM_S = 60; // unless the server says otherwise
const JOINED_MS = 9000;

export class Joining {
  /** @param {{stage, api, words, look, pinpad, notice, undone: (visit) => void}} parts `undone`: the server has undone it */
  constructor({ stage, api, words, look, pinpad, notice, undone }) {
    Object.assign(this, { stage, api, words, look, pinpad, notice, undone, clock: null });
    stage.on("consent", () => notice.draw());
    stage.on("receipt", (visit) => this.#receipt(visit));
    stage.on("joined", () => stage.leaveIn(JOINED_MS));
    words.onChange(() => this.#translate());
    $("#consent-agree").addEventListener("click", () => this.#agree("face"));
    $("#consent-agree-code").addEventListener("click", () => this.#agree("code"));
    $("#earlier-open").addEventListener("click", () => this.#askEarlier(true));
    $("#earlier-use").addEventListener("click", () => this.#noteEarlier());
    $("#earlier-without").addEventListener("click", () => this.#earlier(null));
    $("#receipt-done").addEventListener("click", () => this.#confirm(stage.visit));
    $("#receipt-no").addEventListener("click", () => this.#undo(stage.visit, "undone"));
    $("#receipt-print").addEventListener("click", () => print());
    $("#receipt-print").hidden = !new URLSearchParams(location.search).has("printer");
    keyboard("earlier", words);
  }

  /** Somebody wants to join: nothing is ticked, whatever was ticked before. */
  start() {
    const { visit } = this.stage;
    visit.purpose = "enrol";
    this.words.say($("#consent-error"));
    for (const box of $$("#consent input[type=checkbox]")) box.checked = false;
    this.#mention(visit.earlier);
    $("#earlier-code").value = visit.earlier || ""; // an unknown code stays in the field, to be corrected
    this.#askEarlier(false);
    this.stage.go("join");
  }

  /** Show the field for the code of an earlier enrolment, or the choices again. */
  #askEarlier(asked) {
    this.words.say($("#earlier-error"));
    $("#earlier-entry").hidden = !asked;
    if (asked) $("#earlier-code").focus();
  }

  #noteEarlier() {
    const text = $("#earlier-code").value;
    const wrong = complaint(text);
    if (wrong) this.words.say($("#earlier-error"), wrong.key, wrong.values);
    else this.#earlier(grouped(text));
  }

  /** Continue with the code of an earlier enrolment, or without one (null). */
  #earlier(code) {
    this.stage.visit.earlier = code;
    if (!code) $("#earlier-code").value = "";
    this.#mention(code);
    this.#askEarlier(false);
    $("#earlier-open").focus();
  }

  #mention(code) {
    const button = $("#earlier-open");
    button.dataset.i18n = code ? "earlier_noted" : "earlier_open";
    button.textContent = this.words.t(button.dataset.i18n);
  }

  /** @param {"face"|"code"} way how the customer will be known */
  #agree(way) {
    const purposes = Object.fromEntries(PURPOSES.map((name) => [name, $(`#purpose-${name}`).checked]));
    const aged = $("#consent-age").checked;
    const chosen = Object.values(purposes).some(Boolean);
    const wrong = chosen ? (aged ? "" : "consent_missing_age") : "consent_missing_purpose";
    this.words.say($("#consent-error"), wrong);
    if (wrong) {
      $(chosen ? "#consent-age" : "#purpose-orders").focus();
      return;
    }
    const { now } = this.notice;
    const language = now.language || this.words.language;
    const { visit } = this.stage;
    const place = this.api.page === "taxi" ? { place: "taxi" } : {}; // as the notice was asked for
    visit.consent = { purposes, notice_version: now.version, age_confirmed: aged, language, ...place };
    visit.way = way;
    visit.pin = null;
    this.stage.go("agreed");
  }

  // --- the PIN -----------------------------------------------------------------------------------------------

  /** Choose a PIN, twice the same, or none where none is needed. Called when the state is `pin`. */
  choosePin(visit, refusal = "") {
    const { purposes } = visit.consent;
    const text = visit.way === "code" ? "pin_code_text"
      : visit.earlier ? "pin_keep_text"
        : purposes.destinations ? "pin_choose_text" : "pin_optional_text";
    this.words.say($("#pin-text"), text);
    $("#pin-other").hidden = visit.way === "code";
    this.words.say($("#pin-other"), visit.earlier ? "pin_keep" : "pin_skip");
    this.#first(visit, refusal);
  }

  #first(visit, refusal) {
    this.words.say($("#pin-title"), "pin_choose");
    this.words.say($("#pin-error"), refusal);
    this.pinpad.ask((pin) => {
      this.words.say($("#pin-title"), "pin_repeat");
      this.words.say($("#pin-error"));
      announce(this.words.t("pin_repeat"));
      this.pinpad.ask((again) => (again === pin ? this.#chosen(visit, pin) : this.#first(visit, "pin_differs")));
    });
  }

  #chosen(visit, pin) {
    visit.pin = pin;
    if (visit.way === "code") this.#enrolByCode(visit);
    else this.look.join(visit);
  }

  /** Go on without a PIN; who chose taxi destinations alone would join for what can never open. */
  withoutPin(visit) {
    const { orders, offers, destinations } = visit.consent.purposes;
    if (destinations && !orders && !offers && !visit.earlier) {
      announce(this.words.t("pin_places_only"));
      this.#first(visit, "pin_places_only");
      return;
    }
    this.pinpad.clear();
    visit.pin = null;
    this.look.join(visit);
  }

  async #enrolByCode(visit) {
    try {
      await this.look.enrol({ way: "code" }, visit);
      this.stage.go("enrolled", visit);
    } catch (error) {
      if (visit !== this.stage.visit || this.stage.state !== "pin") return;
      if (error instanceof Problem && error.code === "notice_outdated") await this.notice.prepare().catch(() => {});
      visit.why = error instanceof Problem && error.code === "enrolment_unknown" ? "earlier_unknown" : "failed";
      this.stage.go("failed", visit);
    }
  }

  // --- the receipt -------------------------------------------------------------------------------------------

  #receipt(visit) {
    this.pinpad.clear();
    const { receipt, qr, signed, within } = visit.enrolment;
    visit.pin = null;
    const groups = receipt.split(/(?<=-)/).map((group) => h("span", { class: "group" }, group));
    $("#receipt-code").replaceChildren(...groups);
    const code = qrCode(qr, this.words.t("receipt_qr"));
    $("#receipt-qr").replaceChildren(...(code ? [code] : []));
    $("#receipt-signed").textContent = signed || "";
    this.words.say($("#receipt-error"));
    const ends = performance.now() + within * 1000;
    const tick = () => {
      if (visit !== this.stage.visit || this.stage.state !== "receipt") return clearInterval(this.clock);
      this.left = Math.ceil((ends - performance.now()) / 1000);
      this.#sayLeft();
      return this.left > 0 ? undefined : this.#undo(visit, "late");
    };
    clearInterval(this.clock);
    this.clock = setInterval(tick, 1000);
    tick();
    this.#translate();
  }

  #sayLeft() {
    $("#receipt-seconds").textContent = this.words.t("receipt_seconds", { seconds: Math.max(this.left, 0) });
  }

  #translate() {
    const { visit, state } = this.stage;
    if (state !== "receipt") return;
    $("#receipt-text").textContent = this.words.t(visit.way === "code" ? "receipt_text_code" : "receipt_text");
    $("#receipt-qr img")?.setAttribute("alt", this.words.t("receipt_qr"));
    $("#receipt-where").textContent = this.notice.where;
    this.#sayLeft();
  }

  /** The customer has the code: from now on they count. */
  async #confirm(visit) {
    this.words.say($("#receipt-error"));
    try {
      await this.api.confirm(visit.enrolment.receipt, visit.abort.signal);
      if (visit !== this.stage.visit) return;
      this.#clear(visit);
      this.stage.go("confirmed", visit);
    } catch (error) {
      if (visit !== this.stage.visit || !visit.enrolment) return;
      if (error instanceof Problem && [404, 409, 410].includes(error.status)) this.#undo(visit, "late");
      else this.words.say($("#receipt-error"), "receipt_failed");
    }
  }

  /** The customer does not want it after all, or the time is over. @param {"undone"|"late"} why */
  #undo(visit, why) {
    clearInterval(this.clock);
    const told = visit.undo?.();
    this.#clear(visit);
    visit.why = why === "undone" ? "undoing" : why; // nothing is said to be gone before the server has said so
    this.stage.go("undone", visit);
    told?.then((gone) => gone && visit.why === "undoing" && this.undone(visit));
  }

  #clear(visit) {
    clearInterval(this.clock);
    for (const name of ["code", "qr", "signed", "seconds"]) $(`#receipt-${name}`).replaceChildren();
    Object.assign(visit, { enrolment: null, consent: null, earlier: null, undo: null });
  }
}
