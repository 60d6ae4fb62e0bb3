// The QR code that the server drew, as a picture: nothing in a picture runs, whatever it holds.

import { h } from "./dom.js";

/** @param {string} svg an SVG element @param {string} label what a screen reader says @returns {Element|null} */
export function qrCode(svg, label) {
  if (!String(svg || "").startsWith("<svg")) return null;
  return h("img", { alt: label, src: `data:image/svg+xml,${encodeURIComponent(svg)}` });
}
