// The chosen language: sentences, prices, and texts for the server's codes.

import { STRINGS } from "./strings.js";
import { $$ } from "./dom.js";

/** Reasons by code, for languages other than the server's own (English). The server's sentence is more exact. */
const REASONS = {
  de: {
    kiosk: {
      usual: "Das bestellen Sie oft",
      usual_basket: "Ihre übliche Bestellung",
      last_time: "Das hatten Sie beim letzten Mal",
      had_before: "Das hatten Sie schon einmal",
      with_basket: "Passt zu Ihrer Bestellung",
      popular_here: "Um diese Zeit hier beliebt",
      alike: "Wählen Gäste mit ähnlichem Geschmack",
      new: "Neu für Sie",
      suggested: "Jetzt auf der Karte",
      offer: "Ein Angebot für heute",
    },
    taxi: {
      usual: "Dorthin fahren Sie oft",
      usual_now: "Um diese Zeit fahren Sie oft dorthin",
      weekly: "Etwa jede Woche um diese Zeit",
      from_here: "Von hier aus fahren Sie oft dorthin",
      been_there: "Dort waren Sie schon",
      return: "Dort begann eine frühere Fahrt",
      follows: "Von hier aus ein häufiges Ziel",
      alike: "Ziel von Menschen mit ähnlichen Fahrten",
      popular_near: "In der Nähe um diese Zeit beliebt",
      popular_here: "In der Nähe beliebt",
      suggested: "Einer Ihrer Vorschläge",
    },
  },
};

const COUNTED = { de: "Bei {a} Ihrer letzten {b} Besuche bestellt" };

export class Words {
  /** @param {string} page kiosk or taxi: "usual" is a dish at one and a place in the other */
  constructor(language, currency, page) {
    this.page = page;
    this.first = language in STRINGS ? language : "en";
    this.currency = currency;
    this.use(this.first);
  }

  use(language) {
    this.language = language;
    this.money = new Intl.NumberFormat(language, { style: "currency", currency: this.currency });
    document.documentElement.lang = language;
    for (const element of $$("[data-i18n]")) element.textContent = this.t(element.dataset.i18n);
    for (const element of $$("[data-i18n-label]")) {
      element.setAttribute("aria-label", this.t(element.dataset.i18nLabel));
    }
  }

  /** The other language; the next person starts with the screen's own again. */
  other() {
    const all = Object.keys(STRINGS);
    this.use(all[(all.indexOf(this.language) + 1) % all.length]);
  }

  t(key, values = {}) {
    const text = STRINGS[this.language][key];
    if (text === undefined) throw new Error(`no sentence ${key} in ${this.language}`);
    return text.replace(/\{(\w+)\}/g, (_, name) => values[name]);
  }

  /** Minor units as money. */
  price(minor) {
    return typeof minor === "number" ? this.money.format(minor / 100) : "";
  }

  /** The server's reason as a sentence of this language. */
  reason(reason) {
    if (!reason) return "";
    const text = this.#own(reason) || reason.text || "";
    return text.charAt(0).toUpperCase() + text.slice(1);
  }

  #own({ code, text }) {
    const own = REASONS[this.language]?.[this.page];
    if (!own) return "";
    const counted = /(\d+) of your last (\d+) visits/.exec(text || "");
    if (counted) return COUNTED[this.language].replace("{a}", counted[1]).replace("{b}", counted[2]);
    return own[code] || own[code.split("_")[0]] || "";
  }
}
