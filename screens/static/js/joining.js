// Opting in and opting out: the consent, the code of an earlier enrolment, the PIN, the receipt, the deletion.

import { Problem } from "./api.js";
import { grouped, keyboard } from "./codes.js";
import { $, $$, announce, h } from "./dom.js";

const PURPOSES = ["orders", "offers", "destinations"];
const SHOWN_MS = 9000; // "You are forgotten" stays this long

export class Joining {
  /** @param {{stage, api, words, look, pinpad}} parts */
  constructor({ stage, api, words, look, pinpad }) {
    Object.assign(this, { stage, api, words, look, pinpad, notice: null });
    stage.on("consent", (visit) => this.#consent(visit));
    stage.on("receipt", (visit) => this.#receipt(visit));
    stage.on("optout", () => this.#optout());
    stage.on("forgotten", (visit) => this.#forgotten(visit));
    $("#consent-agree").addEventListener("click", () => this.#agree());
    $("#optout-form").addEventListener("submit", (event) => {
      event.preventDefault();
      this.#forgetByCode();
    });
    $("#earlier-open").addEventListener("click", () => this.#askEarlier(true));
    $("#earlier-use").addEventListener("click", () => this.#noteEarlier());
    $("#earlier-without").addEventListener("click", () => this.#earlier(null));
    for (const name of ["optout", "earlier"]) keyboard(name, words);
  }

  /** Load the notice ahead. Without it there is no valid consent, so the screen does not offer to opt in. */
  async prepare() {
    this.notice = await this.api.notice();
    // Unless the server says that the recogniser is fit for production, the screen treats it as unfit.
    $("#demo-badge").hidden = this.notice.grade === "production";
    this.look.canJoin = true;
    for (const button of $$("[data-needs-notice]")) button.hidden = false;
  }

  #consent(visit) {
    // The notice is wrapped for a terminal: a new line means something only before a dash.
    const paragraphs = String(this.notice.text).split(/\n\s*\n|\n(?=\s*[-*•])/);
    $("#consent-text").replaceChildren(...paragraphs.map((text) => h("p", {}, text.replace(/\s+/g, " ").trim().replace(/^[*-] /, "• "))));
    $("#consent-age-text").textContent = this.words.t("consent_age", { age: this.notice.minimum_age ?? 16 });
    $("#consent-error").textContent = "";
    for (const box of $$("#consent input[type=checkbox]")) box.checked = false;
    this.#mention(visit.earlier);
    $("#earlier-code").value = visit.earlier || ""; // an unknown code stays in the field, to be corrected
    this.#askEarlier(false);
    const offered = (this.notice.purposes || []).map((purpose) => purpose.name);
    for (const name of PURPOSES) {
      $(`#purpose-${name}`).closest("label").hidden = offered.length > 0 && !offered.includes(name);
    }
  }

  /** Show the field for the code of an earlier enrolment, or the choices again. */
  #askEarlier(asked) {
    $("#earlier-error").textContent = "";
    $("#earlier-entry").hidden = !asked;
    if (asked) $("#earlier-code").focus();
  }

  #noteEarlier() {
    const code = grouped($("#earlier-code").value);
    if (code) this.#earlier(code);
    else $("#earlier-error").textContent = this.words.t("optout_code_missing");
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

  #agree() {
    const purposes = Object.fromEntries(PURPOSES.map((name) => [name, $(`#purpose-${name}`).checked]));
    const aged = $("#consent-age").checked;
    const chosen = Object.values(purposes).some(Boolean);
    const wrong = chosen ? (aged ? "" : "consent_missing_age") : "consent_missing_purpose";
    $("#consent-error").textContent = wrong && this.words.t(wrong);
    if (wrong) {
      $(chosen ? "#consent-age" : "#purpose-orders").focus();
      return;
    }
    this.stage.visit.consent = { purposes, notice_version: this.notice.version, age_confirmed: aged };
    this.stage.go("agreed");
  }

  /** Choose a PIN, twice the same; the receipt follows. Called by the page when the state is `pin`. */
  choosePin(visit) {
    const refuse = (text) => {
      $("#pin-title").textContent = this.words.t("pin_choose");
      $("#pin-error").textContent = text;
      this.pinpad.ask(first);
    };
    const save = async (pin) => {
      try {
        await this.api.setPin(visit.enrolment.receipt, { secret: visit.enrolment.secret, pin }, visit.abort.signal);
        this.stage.go("chosen", visit);
      } catch (error) {
        if (visit !== this.stage.visit) return;
        refuse(error instanceof Problem ? error.message : this.words.t("failed_text"));
      }
    };
    const first = (pin) => {
      $("#pin-title").textContent = this.words.t("pin_repeat");
      $("#pin-error").textContent = "";
      announce(this.words.t("pin_repeat"));
      this.pinpad.ask((again) => (again === pin ? save(pin) : refuse(this.words.t("pin_differs"))));
    };
    $("#pin-text").textContent = this.words.t(visit.earlier ? "pin_keep_text" : "pin_choose_text");
    $("#pin-other").textContent = this.words.t(visit.earlier ? "pin_keep" : "pin_skip");
    refuse("");
  }

  #receipt(visit) {
    this.pinpad.clear();
    $("#receipt-code").textContent = visit.enrolment.receipt;
    visit.enrolment = null;
    visit.consent = null;
    visit.earlier = null;
  }

  #optout() {
    $("#optout-error").textContent = "";
    $("#optout-code").value = "";
    $("#optout-entry").hidden = true;
  }

  /** Show the field and the keys for a receipt code. */
  enterCode() {
    $("#optout-entry").hidden = false;
    $("#optout-code").focus();
  }

  async #forgetByCode() {
    const { visit } = this.stage;
    const code = grouped($("#optout-code").value);
    const error = $("#optout-error");
    if (!code) {
      error.textContent = this.words.t("optout_code_missing");
      return;
    }
    try {
      await this.api.forgetReceipt(code, visit.abort.signal);
      visit.why = "forgotten";
      this.stage.go("forgotten", visit);
    } catch (refusal) {
      if (visit !== this.stage.visit) return;
      const { status } = refusal instanceof Problem ? refusal : { status: 0 };
      const key = status === 404 || status === 422 ? "optout_code_unknown" : status === 429 ? "wait_text" : "failed_text";
      error.textContent = this.words.t(key);
    }
  }

  #forgotten(visit) {
    const name = visit.why === "forgotten" ? "forgotten" : "forgotten_none";
    $("#forgotten-title").textContent = this.words.t(`${name}_title`);
    $("#forgotten-text").textContent = this.words.t(`${name}_text`);
    $("#forgotten-code").hidden = name === "forgotten";
    if (name === "forgotten") this.stage.leaveIn(SHOWN_MS);
  }
}
