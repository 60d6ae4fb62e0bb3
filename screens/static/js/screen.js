// What the kiosk and the taxi tablet share: pairing, the first screen, languages, leaving.

import { Api, Problem, localTime } from "./api.js";
import { Camera } from "./camera.js";
import { $, $$ } from "./dom.js";
import { Joining } from "./joining.js";
import { Look } from "./look.js";
import { Outbox } from "./orders.js";
import { PinPad } from "./pinpad.js";
import { SecondFactor } from "./secondfactor.js";
import { Stage } from "./stage.js";
import { Words } from "./words.js";

const settings = new URLSearchParams(location.search);

/** The device's location, from the URL of the page: no geolocation of the browser or of a service. */
export function place() {
  const where = {};
  for (const name of ["site", "region", "pickup"]) if (settings.get(name)) where[name] = settings.get(name);
  for (const name of ["lat", "lon"]) {
    const value = Number.parseFloat(settings.get(name));
    if (Number.isFinite(value)) where[name] = value;
  }
  return { ...where, local_time: localTime(new Date()) };
}

export class Screen {
  /**
   * @param {string} page kiosk or taxi
   * @param {{newVisit: () => object, recognise: (body, visit) => Promise<string>, kind: string}} own what this page
   *   adds: its visit, what a press asks for, and the catalogue that it keeps ("items" or "places")
   */
  constructor(page, { newVisit, recognise, kind }) {
    const { dataset } = document.body;
    this.kind = kind;
    this.rows = this.#cached();
    this.api = new Api(page, {
      onReach: (reached) => this.#reached(reached),
      onUnpaired: () => this.stage.state !== "pairing" && this.stage.go("unpaired"),
    });
    this.words = new Words(settings.get("lang") || navigator.language.slice(0, 2), dataset.currency, page);
    this.stage = new Stage({ camera: new Camera($("#video")), idleSeconds: Number(dataset.idle), newVisit });
    this.outbox = new Outbox(this.api);
    this.pinpad = new PinPad($("#pinpad"), this.words);
    this.look = new Look({ ...this.#parts, recognise });
    this.second = new SecondFactor({ ...this.#parts, pinpad: this.pinpad });
    this.joining = new Joining({ ...this.#parts, look: this.look, pinpad: this.pinpad });
    this.#buttons();
  }

  get #parts() {
    return { stage: this.stage, api: this.api, words: this.words };
  }

  #buttons() {
    const { stage, look } = this;
    const actions = {
      recognise: () => look.press("recognise"),
      join: () => look.press("enrol"),
      guest: () => stage.asGuest("guest"),
      "opt-out": () => stage.go("opt_out"),
      "opt-out-face": () => look.press("forget"),
      "opt-out-code": () => this.joining.enterCode(),
      "somebody-else": () => look.somebodyElse(),
      "enter-pin": () => stage.go("second_factor"),
      again: () => look.press(stage.visit.purpose),
      leave: () => stage.go("leave"),
      "not-me": () => this.#notMe(),
      language: () => this.words.other(),
    };
    for (const element of $$("[data-action]")) {
      element.addEventListener("click", () => actions[element.dataset.action]?.());
    }
    stage.on("forget", () => {
      this.pinpad.clear();
      this.words.use(this.words.first);
    });
    $("#pairing-form").addEventListener("submit", (event) => {
      event.preventDefault();
      this.#pair($("#pairing-code").value.trim());
    });
    addEventListener("online", () => this.refresh());
  }

  /** Start: pair if the URL has a code, then load the catalogue. */
  async start() {
    const code = new URLSearchParams(location.hash.slice(1)).get("pair");
    if (code) {
      // A code works only once; remove it from the address bar and the history all the same.
      history.replaceState(null, "", location.pathname + location.search);
      this.stage.go("unpaired");
      await this.#pair(code);
    } else {
      await this.refresh();
    }
    document.body.dataset.ready = "true";
  }

  #notMe() {
    const { token } = this.stage.visit;
    this.stage.asGuest("not_me"); // at once; the report to the server may arrive later or fail
    if (token) this.api.notMe(token).catch(() => {});
  }

  async #pair(code) {
    $("#pairing-error").textContent = "";
    try {
      await this.api.pair(code);
      $("#pairing-code").value = "";
      this.stage.go("paired");
      await this.refresh();
    } catch (error) {
      const key = error instanceof Problem ? "pairing_refused" : "pairing_offline";
      $("#pairing-error").textContent = this.words.t(key);
    }
  }

  /** Load the notice and the catalogue again, and send what has waited. A failure changes nothing. */
  async refresh() {
    const loads = [this.joining.prepare(), this.#load(), this.outbox.flush()];
    await Promise.allSettled(loads);
  }

  async #load() {
    this.rows = await this.api.catalogue(this.kind);
    try {
      // Only public data (the catalogue) is stored, for a restart without a connection.
      localStorage.setItem(`usual-${this.kind}`, JSON.stringify(this.rows));
    } catch {
      // A full or forbidden store: the catalogue is then in memory alone.
    }
  }

  #cached() {
    try {
      return JSON.parse(localStorage.getItem(`usual-${this.kind}`)) || [];
    } catch {
      return [];
    }
  }

  #reached(reached) {
    const was = document.body.dataset.offline === "true";
    document.body.dataset.offline = String(!reached);
    $("#offline-badge").hidden = reached;
    if (reached && was) this.refresh();
    if (!reached) {
      clearTimeout(this.retry);
      this.retry = setTimeout(() => this.refresh(), 10_000);
    }
  }
}
