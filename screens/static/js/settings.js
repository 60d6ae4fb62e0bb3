// How this screen looks and behaves, as the house has set it: asked for once it is paired, remembered for a start
// without a line. All of it is public.

import { keep, kept } from "./browser/kept.js";

const NAME = "settings";

/** Until a server has said more. Money without a currency is not shown at all: there is no catalogue either. */
const OWN = Object.freeze({
  brand: Object.freeze({ name: "", logo: null, typeface: "friendly", colours: Object.freeze({ light: {}, dark: {} }) }),
  currency: "EUR",
  digits: 2,
  languages: Object.freeze([]), // all that the pages speak, in their own order
  timezone: "UTC",
  theme: "auto",
  idle_seconds: 60,
  call_staff: false,
  sound: false,
  sign: null,
});

export class Settings {
  constructor() {
    const before = kept(NAME);
    this.now = { ...OWN, ...(before?.version === 1 ? before : {}) };
    this.listeners = [];
  }

  get brand() { return this.now.brand; }
  get currency() { return this.now.currency; }
  get digits() { return this.now.digits; }
  get languages() { return this.now.languages; }
  get timezone() { return this.now.timezone; }
  get theme() { return this.now.theme; }
  get idleSeconds() { return this.now.idle_seconds; }
  get callStaff() { return this.now.call_staff; }
  get sound() { return this.now.sound; }
  get sign() { return this.now.sign; }

  /** Run `work` now, and whenever other settings have come. */
  onChange(work) {
    this.listeners.push(work);
    work(this);
  }

  /** Ask the server. A failure changes nothing. */
  async load(api) {
    const found = await api.settings();
    const text = JSON.stringify(found);
    if (text === JSON.stringify(this.said)) return;
    this.said = found;
    this.now = { ...OWN, ...found };
    keep(NAME, found); // where nothing can be kept they hold until the page is left
    for (const work of this.listeners) work(this);
  }
}
