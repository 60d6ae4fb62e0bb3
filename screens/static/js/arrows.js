// Keys and switches: the arrow keys go to the nearest control in their direction, Escape goes back.

import { $$ } from "./dom.js";

const WAYS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
const BACK = "[data-back], #dish-back, #capture-back, #pin-back, #reading-back, [data-action=leave]";
const ASIDE = 3; // how much more a step aside counts than one ahead

const seen = (element) => element.checkVisibility() && !element.disabled && !element.closest("[inert]");

/** The control nearest to `from` in a direction, or null. */
export function nearest(from, [dx, dy], controls) {
  const here = from.getBoundingClientRect();
  const middle = ({ left, top, width, height }) => [left + width / 2, top + height / 2];
  const [x, y] = middle(here);
  let best = null;
  for (const control of controls) {
    if (control === from) continue;
    const [cx, cy] = middle(control.getBoundingClientRect());
    const ahead = (cx - x) * dx + (cy - y) * dy;
    const aside = Math.abs((cx - x) * dy) + Math.abs((cy - y) * dx);
    if (ahead <= 1) continue;
    const far = ahead + ASIDE * aside;
    if (!best || far < best.far) best = { control, far };
  }
  return best?.control || null;
}

/** Follow the keys in the document. Called once, when the page starts. */
export function followKeys() {
  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.ctrlKey || event.altKey || event.metaKey) return;
    const { activeElement } = document;
    if (event.key === "Escape") {
      $$(BACK).find(seen)?.click();
      return;
    }
    const way = WAYS[event.key];
    if (!way || activeElement?.matches("input, textarea, select")) return;
    const controls = $$("button, a[href], input").filter(seen);
    const from = controls.includes(activeElement) ? activeElement : null;
    const next = from ? nearest(from, way, controls) : controls.find((one) => one.closest("main"));
    if (!next) return;
    event.preventDefault();
    next.focus();
  });
}
