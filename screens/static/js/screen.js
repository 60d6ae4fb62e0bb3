// What the kiosk and the taxi tablet share: pairing, the first screen, languages, leaving.

import { Api, Problem, localTime } from "./api.js";
import { ByCode } from "./bycode.js";
import { Camera } from "./camera.js";
import { $, $$ } from "./dom.js";
import { Held } from "./held.js";
import { Joining } from "./joining.js";
import { Look } from "./look.js";
import { News } from "./news.js";
import { Notice } from "./notice.js";
import { NotMe } from "./notme.js";
import { OptingOut } from "./optingout.js";
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
   * @param {{newVisit: () => object, recognise: (body, visit) => Promise<string>,
   *   enter: (body, visit) => Promise<void>, draw: (visit) => void, kind: string}} own what this page adds: its
   *   visit, what a press asks for, what code and PIN ask for, how it shows a visit in another language, and the
   *   catalogue that it keeps ("items" or "places")
   */
  constructor(page, { newVisit, recognise, enter, draw, kind }) {
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
    this.notice = new Notice(this.#parts);
    this.look = new Look({ ...this.#parts, recognise, canJoin: () => Boolean(this.notice.now) });
    this.second = new SecondFactor({ ...this.#parts, pinpad: this.pinpad });
    const more = { ...this.#parts, look: this.look, pinpad: this.pinpad };
    this.joining = new Joining({ ...more, notice: this.notice });
    this.optingOut = new OptingOut(more);
    this.byCode = new ByCode({ ...more, enter });
    this.notMe = new NotMe(this.#parts);
    this.held = new Held({ stage: this.stage, words: this.words, byCode: this.byCode, page });
    this.news = new News({ words: this.words, notice: this.notice, held: this.held });
    this.words.choice($("#languages"));
    this.words.onChange(() => draw(this.stage.visit));
    this.#buttons();
    this.#pin();
  }

  get #parts() {
    return { stage: this.stage, api: this.api, words: this.words };
  }

  #buttons() {
    const { stage, look, joining, notice } = this;
    const actions = {
      recognise: () => look.press("recognise"),
      "by-code": () => this.byCode.start(),
      join: () => joining.start(),
      guest: () => stage.asGuest("guest"),
      "opt-out": () => stage.go("opt_out"),
      "opt-out-face": () => look.press("forget"),
      "opt-out-code": () => this.optingOut.enterCode(),
      "somebody-else": () => look.somebodyElse(),
      "enter-pin": () => stage.go("second_factor"),
      again: () => this.#again(stage.visit),
      try: () => (stage.visit.way === "code" ? this.byCode.start() : look.press("recognise")),
      "look-back": () => look.back(),
      policy: () => notice.readPolicy(),
      held: () => this.held.start(),
      leave: () => stage.go("leave"),
      "not-me": () => this.notMe.now(),
    };
    for (const element of $$("[data-action]")) {
      element.addEventListener("click", () => actions[element.dataset.action]?.());
    }
    stage.on("code", () => this.held.mark());
    stage.on("forget", () => {
      this.held.close();
      this.pinpad.clear();
      this.words.use(this.words.first);
    });
    $("#pairing-form").addEventListener("submit", (event) => {
      event.preventDefault();
      this.#pair($("#pairing-code").value.trim());
    });
    addEventListener("online", () => this.refresh());
  }

  /** One pad for four purposes: what its digits are for, what stands beside them, and where they lead back. */
  #pin() {
    const { stage, joining, optingOut, byCode, second } = this;
    const pages = {
      enrol: {
        ask: (visit) => joining.choosePin(visit, visit.refusal ? "pin_places_only" : ""),
        other: (visit) => joining.withoutPin(visit),
        back: ["back", () => stage.go("back")],
      },
      forget: {
        ask: (visit) => optingOut.askPin(visit),
        other: (visit) => optingOut.withoutPin(visit),
        back: ["optout_code", () => optingOut.enterCode()],
      },
      code: {
        ask: (visit) => byCode.askPin(visit),
        other: () => stage.asGuest("guest"),
        back: ["code_change", () => stage.go("code")],
      },
      recognise: { ask: (visit) => second.ask(visit), other: () => stage.asGuest("guest"), back: null },
    };
    stage.on("pin", (visit) => {
      const { back, ask } = pages[visit.purpose];
      $("#pin-back").hidden = !back;
      $("#pin-back").dataset.i18n = back ? back[0] : "back";
      $("#pin-back").textContent = this.words.t($("#pin-back").dataset.i18n);
      ask(visit);
    });
    $("#pin-back").addEventListener("click", () => {
      this.pinpad.clear();
      pages[stage.visit.purpose].back[1]();
    });
    $("#pin-other").addEventListener("click", () => pages[stage.visit.purpose].other(stage.visit));
  }

  /** "Try again", of whatever did not work. */
  #again(visit) {
    if (visit.purpose !== "enrol") this.look.press(visit.purpose);
    else if (visit.explained?.name === "earlier_unknown") this.joining.start();
    else this.look.join(visit);
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
    const loads = [this.notice.prepare(), this.#load(), this.outbox.flush()];
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
