// Choose several of many by typing: a field with a list that opens under it, and what was chosen as chips above.
// Arrow keys move, Enter chooses, Backspace in the empty field takes the last one back. No Ctrl-click.

import { el } from "../core/dom.js";
import { t } from "../core/words.js";

const SHOWN = 8;
let made = 0;

/**
 * options: [{ value, label, hint }]; chosen: values. `one`: at most one. Returns { element, input, values() }; the
 * element sends "change".
 */
export function picker(options, chosen, { label, one = false }) {
  made += 1;
  const id = `picker-${made}`;
  let values = chosen.filter(Boolean);
  let found = [];
  let at = -1;
  const input = el("input", {
    type: "text", role: "combobox", autocomplete: "off", id: `${id}-input`, "aria-expanded": "false", "aria-controls": id,
    "aria-autocomplete": "list", placeholder: t("offers-pick"),
  });
  const list = el("ul", { id, role: "listbox", className: "picker-list", hidden: true, "aria-label": label });
  const chips = el("ul", { className: "chips", "aria-label": t("offers-chosen", { what: label }) });
  const element = el("div", { className: "picker" }, chips, input, list);
  const labelOf = (value) => options.find((option) => option.value === value)?.label || value;

  function set(next) {
    values = next;
    drawChips();
    input.value = "";
    close();
    element.dispatchEvent(new Event("change", { bubbles: true }));
  }

  function drawChips() {
    chips.hidden = !values.length;
    chips.replaceChildren(...values.map((value) => el("li", {}, labelOf(value), el("button", {
      type: "button", "aria-label": t("offers-take-back", { what: labelOf(value) }),
      onclick: () => { set(values.filter((other) => other !== value)); input.focus(); },
    }, "×"))));
    input.hidden = one && values.length > 0;
  }

  function open() {
    const asked = input.value.trim().toLowerCase();
    found = options.filter((option) => !values.includes(option.value) && `${option.label} ${option.hint || ""}`.toLowerCase().includes(asked)).slice(0, SHOWN);
    at = found.length && asked ? 0 : -1;
    draw();
  }

  function draw() {
    list.replaceChildren(...(found.length ? found.map((option, place) => el("li", {
      role: "option", id: `${id}-${place}`, "aria-selected": String(place === at), className: place === at ? "at" : "",
      onmousedown: (event) => { event.preventDefault(); set(one ? [option.value] : [...values, option.value]); },
    }, option.label, option.hint ? el("span", { className: "quiet" }, ` ${option.hint}`) : null))
      : [el("li", { className: "quiet", role: "option", "aria-disabled": "true", "aria-selected": "false" }, t("offers-nothing-found"))]));
    list.hidden = false;
    input.setAttribute("aria-expanded", "true");
    if (at >= 0) input.setAttribute("aria-activedescendant", `${id}-${at}`);
    else input.removeAttribute("aria-activedescendant");
  }

  function close() {
    list.hidden = true;
    input.setAttribute("aria-expanded", "false");
    input.removeAttribute("aria-activedescendant");
  }

  input.addEventListener("input", (event) => { event.stopPropagation(); open(); });
  input.addEventListener("focus", open);
  input.addEventListener("blur", close);
  input.addEventListener("keydown", (event) => {
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      if (list.hidden) open();
      const step = event.key === "ArrowDown" ? 1 : -1;
      if (found.length) at = (at + step + found.length) % found.length;
      draw();
    } else if (event.key === "Enter") {
      event.preventDefault();
      if (!list.hidden && found[at]) set(one ? [found[at].value] : [...values, found[at].value]);
    } else if (event.key === "Escape") {
      close();
    } else if (event.key === "Backspace" && !input.value && values.length) {
      set(values.slice(0, -1));
    }
  });
  drawChips();
  return { element, input, values: () => values };
}
