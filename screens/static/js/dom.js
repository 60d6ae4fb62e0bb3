// Making and showing elements. Text is always text: nothing here parses HTML.

/** An element: h("button", {class: "big", onclick: f, "aria-label": "…"}, "text", child). */
export function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value === true) element.setAttribute(name, "");
    else element.setAttribute(name, value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

const ART = new URL("../art/", import.meta.url).pathname;
const SVG = "http://www.w3.org/2000/svg";

/** The address of a file in art/: of the release that this module is of, so that a browser keeps it for good. */
export const artUrl = (file) => `${ART}${file}`;

/**
 * A drawing from a sheet of symbols; decorative: the words beside it say the same, so screen readers skip it.
 * `colour` is for what has none of its own (a neutral plate).
 */
export function drawing(sheet, name, colour = "") {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", "0 0 96 96");
  svg.setAttribute("aria-hidden", "true");
  svg.setAttribute("focusable", "false");
  const use = document.createElementNS(SVG, "use");
  use.setAttribute("href", `${artUrl(`${sheet}.svg`)}#${name}`);
  if (colour) svg.setAttribute("color", colour);
  svg.append(use);
  return svg;
}

export const $ = (selector, root = document) => root.querySelector(selector);
export const $$ = (selector, root = document) => [...root.querySelectorAll(selector)];

/** Say something to a screen reader without moving the focus. */
export function announce(text) {
  const live = $("#live");
  live.textContent = "";
  live.textContent = text;
}
