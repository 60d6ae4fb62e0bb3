// A house's brand on the page: name or logo, two colours, a typeface; and whether the screen is dark.

import { $, h } from "./dom.js";

const COLOUR = /^#[0-9a-f]{6}$/;
const LOGO = /^data:image\/(svg\+xml|png|webp);base64,/;
const MOST_TIMES = 20; // a logo so much longer than it is high, or higher than a quarter of that, is a stroke
const EVENING = 20; // o'clock, of the house
const MORNING = 6;
const LOOK_AGAIN_MS = 5 * 60_000;

/** The hour of the day at a place; the device's own where the browser does not know the zone. */
export function hourIn(timezone, date = new Date()) {
  try {
    const name = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", hourCycle: "h23", timeZone: timezone });
    return Number(name.format(date));
  } catch {
    return date.getHours();
  }
}

/** For which media the dark colours hold. A taxi is dark at night, whatever its tablet says. */
export function darkFor(theme, page, hour) {
  if (theme === "dark") return "all";
  if (theme === "light") return "not all";
  return page === "taxi" && (hour >= EVENING || hour < MORNING) ? "all" : "(prefers-color-scheme: dark)";
}

/** Whether nobody can see what a logo shows, because almost nothing is left of its width or height. */
function isStroke({ naturalWidth, naturalHeight }) {
  const times = naturalWidth / naturalHeight;
  return !(times > 4 / MOST_TIMES && times < MOST_TIMES);
}

export class Brand {
  /** @param {string} page kiosk, taxi or driver */
  constructor(page, settings) {
    this.page = page;
    this.settings = settings;
    matchMedia("(prefers-color-scheme: dark)").addEventListener?.("change", () => this.#paint());
    setInterval(() => this.#paint(), LOOK_AGAIN_MS);
    settings.onChange(() => this.#show());
  }

  #show() {
    const { name, logo, typeface } = this.settings.brand;
    const place = $("#brand");
    place.classList.toggle("own", !name && !logo);
    const picture = LOGO.test(logo || "") && h("img", { src: logo, alt: "", decoding: "async" });
    place.replaceChildren(picture || name || "usual");
    const inWords = () => place.replaceChildren(name || "usual");
    if (picture) {
      picture.addEventListener("error", inWords);
      picture.addEventListener("load", () => isStroke(picture) && inWords());
    }
    document.title = name || "Usual";
    document.documentElement.dataset.typeface = typeface;
    this.#paint();
  }

  #paint() {
    const { theme, timezone, brand } = this.settings;
    const media = darkFor(theme, this.page, hourIn(timezone));
    $("#dark").media = media;
    const dark = matchMedia(media).matches;
    document.documentElement.dataset.theme = dark ? "dark" : "light";
    const colours = brand.colours[dark ? "dark" : "light"];
    for (const part of ["accent", "second"]) {
      // Properties of the page's root by script: the policy forbids styles in the page, not these.
      if (COLOUR.test(colours[part] || "")) document.documentElement.style.setProperty(`--${part}`, colours[part]);
      else document.documentElement.style.removeProperty(`--${part}`);
    }
  }
}
