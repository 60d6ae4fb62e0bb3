// The offer as the kiosk shows it: the same card, drawn here.

import { el } from "../core/dom.js";
import { t } from "../core/words.js";

export function preview(offer, terms) {
  return el("figure", { className: "kiosk-preview" },
    el("figcaption", {}, t("offers-preview")),
    el("div", { className: "kiosk-card" },
      el("div", { className: "kiosk-words" },
        el("span", { className: "kiosk-kicker" }, t("offers-preview-kicker")),
        el("strong", { className: "kiosk-name" }, offer.name || t("offers-preview-name")),
        el("span", { className: "kiosk-terms" }, terms)),
      el("span", { className: "kiosk-take" }, t("offers-preview-take"))));
}
