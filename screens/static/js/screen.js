// What the kiosk and the taxi tablet share: pairing, the first screen, languages, leaving.

import { load as loadArt } from "./art.js";
import { keep, kept } from "./browser/kept.js";
import { missing } from "./browser/features.js";
import { followKeys } from "./arrows.js";
import { ByCode } from "./bycode.js";
import { Brand } from "./brand.js";
import { Camera } from "./camera/camera.js";
import { CameraSetup } from "./camera/setup.js";
import { languageFor } from "./dictionaries.js";
import { $, $$, h } from "./dom.js";
import { Held } from "./held.js";
import { Joining } from "./joining.js";
import { KioskMode, drawMissing } from "./kioskmode.js";
import { Listening } from "./listening.js";
import { Look } from "./look.js";
import { News } from "./news.js";
import { Notice } from "./notice.js";
import { NotMe } from "./notme.js";
import { OptingOut } from "./optingout.js";
import { OneTab } from "./offline/tab.js";
import { keepForOffline } from "./offline/worker.js";
import { Outbox } from "./orders.js";
import { PinPad } from "./pinpad.js";
import { SecondFactor } from "./secondfactor.js";
import { reachable } from "./reach.js";
import { Settings } from "./settings.js";
import { Stage } from "./stage.js";
import { guardTaps } from "./tap.js";
import { Problem, Usual, clock } from "./usual.js";
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
  return { ...where, local_time: clock.text() };
}

export class Screen {
  /**
   * @param {string} page kiosk or taxi
   * @param {{newVisit: () => object, recognise: (body, visit) => Promise<string>,
   *   enter: (body, visit) => Promise<void>, draw: (visit) => void, kind: string}} own what this page adds: its
   *   visit, what a press asks for, what code and PIN ask for, how it shows a visit in another language, and the
   *   catalogue that it keeps ("items" or "places")
   */
  constructor(page, { newVisit, recognise, enter, draw, kind, paired = () => {} }) {
    this.paired = paired;
    this.kind = kind;
    this.settings = new Settings();
    new Brand(page, this.settings);
    this.rows = kept(this.kind, []);
    this.kioskMode = new KioskMode();
    this.api = new Usual({
      page,
      onReach: (reached) => this.#reached(reached),
      onUnpaired: () => this.#unpaired(),
    });
    this.words = new Words(this.#language, this.settings.currency, page);
    this.stage = new Stage({ camera: new Camera($("#video")), idleSeconds: this.settings.idleSeconds, newVisit });
    this.outbox = new Outbox(this.api);
    this.outbox.onChange = (count, durable) => this.#waiting(count, durable);
    this.tab = new OneTab(page, { onTurn: (here) => this.#turn(here) });
    this.pinpad = new PinPad($("#pinpad"), this.words);
    this.notice = new Notice(this.#parts);
    this.look = new Look({ ...this.#parts, recognise, canJoin: () => Boolean(this.notice.now) });
    this.second = new SecondFactor({ ...this.#parts, pinpad: this.pinpad });
    const more = { ...this.#parts, look: this.look, pinpad: this.pinpad };
    this.joining = new Joining({ ...more, notice: this.notice, undone: (visit) => this.optingOut.undone(visit) });
    this.optingOut = new OptingOut(more);
    this.byCode = new ByCode({ ...more, enter });
    this.notMe = new NotMe(this.#parts);
    this.setup = new CameraSetup(this.#parts);
    this.held = new Held({ stage: this.stage, words: this.words, byCode: this.byCode, page });
    this.news = new News({ words: this.words, notice: this.notice, held: this.held });
    const reading = { settings_changed: () => this.settings.load(this.api), menu_changed: () => this.loadMenu() };
    this.listening = new Listening({ api: this.api, stage: this.stage, reading });
    guardTaps();
    followKeys();
    this.words.choice($("#languages"));
    this.settings.onChange(() => this.stage.state === "attract" && this.#adopt());
    this.words.onChange(() => draw(this.stage.visit));
    this.words.onChange(() => this.stage.state === "pairing" && this.#lacking());
    this.#buttons();
    this.#pin();
    reachable(this.stage, this.words);
  }

  get #parts() {
    return { stage: this.stage, api: this.api, words: this.words };
  }

  /** The language that the next person is met in: the address of the page names it, else the house, else the device. */
  get #language() {
    return languageFor(settings.get("lang"), this.settings.languages[0], navigator.languages || []);
  }

  /** Take over what the house has set, while nobody is there. */
  #adopt() {
    const { words, stage } = this;
    const { currency, languages, idleSeconds } = this.settings;
    stage.idleSeconds = idleSeconds;
    for (const button of $$("[data-language]")) {
      button.hidden = languages.length > 0 && !languages.includes(button.dataset.language);
    }
    const first = this.#language;
    if (first === words.first && currency === words.currency) return;
    words.currency = currency;
    if ($(`[data-language="${CSS.escape(first)}"]`)) words.first = first;
    words.use(words.first);
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
      setup: () => stage.go("setup"),
      here: () => this.tab.take(),
      policy: () => notice.readPolicy(),
      held: () => this.held.start(),
      leave: () => stage.go("leave"),
      "not-me": () => this.notMe.now(),
    };
    for (const element of $$("[data-action]")) {
      element.addEventListener("click", () => actions[element.dataset.action]?.());
    }
    stage.on("code", () => this.held.mark());
    stage.on("attract", () => this.setup.show(false));
    stage.on("forget", () => {
      this.held.close();
      this.pinpad.clear();
      this.words.use(this.words.first);
      this.#adopt();
    });
    $("#pairing-form").addEventListener("submit", (event) => {
      event.preventDefault();
      this.kioskMode.choose($("#pairing-kiosk").checked);
      if (this.kioskMode.chosen) this.kioskMode.fillScreen(); // now: it must be in the course of a press
      this.#pair($("#pairing-code").value.trim());
    });
    stage.on("pairing", () => {
      $("#pairing-kiosk").checked = this.kioskMode.chosen;
      drawMissing(this.words);
      this.#lacking();
    });
    this.words.onChange(() => drawMissing(this.words));
    $("#setup-done").addEventListener("click", () => this.refresh()); // who is not paired is asked to pair again
    addEventListener("online", () => this.refresh());
  }

  #unpaired() {
    this.kioskMode.stop();
    if (!["pairing", "setup"].includes(this.stage.state)) this.stage.go("unpaired");
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
    this.tab.start();
    await this.outbox.restore();
    this.listening.start(); // before what it hears changes of is read
    const given = new URLSearchParams(location.hash.slice(1));
    const code = given.get("pair");
    if (code) {
      if (given.has("kiosk")) this.kioskMode.choose(given.get("kiosk") === "on");
      // A code works only once; remove it from the address bar and the history all the same.
      history.replaceState(null, "", location.pathname + location.search);
      this.stage.go("unpaired");
      await this.#pair(code);
    } else {
      this.kioskMode.start();
      await this.refresh();
    }
    if (location.hash === "#camera" && this.stage.state === "attract") this.stage.go("setup");
    document.body.dataset.ready = "true";
    this.look.sight.wake();
    keepForOffline(this.api.page, () => ["attract", "pairing", "elsewhere"].includes(this.stage.state));
  }

  /** This tab became the screen, or another one did. */
  #turn(here) {
    if (!here) this.stage.go("taken");
    else if (this.stage.state === "elsewhere") {
      this.stage.go("here");
      this.outbox.restore().then(() => this.refresh());
    }
  }

  /** The badge of the orders that wait. */
  #waiting(count, durable) {
    const badge = $("#waiting-badge");
    badge.hidden = !count;
    this.words.say(badge, count ? (durable ? "badge_waiting" : "badge_waiting_memory") : "", { n: count });
  }

  /** For the operator, on the page of pairing: what this browser does not give, and what does not work without it. */
  #lacking() {
    const lines = missing().filter((name) => name !== "camera" || isSecureContext);
    $("#lacking").hidden = !lines.length;
    $("#lacking-list").replaceChildren(...lines.map((name) => h("li", {}, this.words.t(`lacking_${name}`))));
  }

  async #pair(code) {
    this.words.say($("#pairing-error"));
    try {
      await this.api.pair(code);
      await this.look.sight.forget();
      $("#pairing-code").value = "";
      this.stage.go("paired");
      this.kioskMode.start();
      this.paired();
      await this.refresh();
    } catch (error) {
      const key = error instanceof Problem ? "pairing_refused" : "pairing_offline";
      this.words.say($("#pairing-error"), key);
    }
  }

  /** Load the notice and the catalogue again, and send what has waited. A failure changes nothing. */
  async refresh() {
    const loads = [
      this.settings.load(this.api), this.notice.prepare(), this.loadMenu(), this.outbox.flush(), loadArt(this.kind),
    ];
    await Promise.allSettled(loads);
  }

  /** Load the catalogue again. */
  async loadMenu() {
    this.rows = await this.api.catalogue(this.kind);
    keep(this.kind, this.rows); // public data alone, for a restart without a connection
  }

  #reached(reached) {
    const was = document.body.dataset.offline === "true";
    document.body.dataset.offline = String(!reached);
    $("#offline-badge").hidden = reached;
    if (reached && was) {
      this.listening.again();
      this.refresh();
    }
    if (!reached) {
      clearTimeout(this.retry);
      this.retry = setTimeout(() => this.refresh(), 10_000);
    }
  }
}
