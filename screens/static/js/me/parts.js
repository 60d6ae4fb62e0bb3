// The parts that the customer's page is made of. Text is always text: nothing here parses HTML.

import { h } from "../dom.js";

let serial = 0;

/** An id that no other element has. */
export const fresh = (name) => `me-${name}-${(serial += 1)}`;

/** A part of the page with a heading. */
export function section(title, ...children) {
  const id = fresh("title");
  return h("section", { class: "me-card", "aria-labelledby": id }, h("h2", { id }, title), ...children);
}

/** A button; `kind` is "" (plain), "strong" or "danger". */
export function button(text, onclick, kind = "", attributes = {}) {
  return h("button", { type: "button", class: `me-button ${kind}`.trim(), onclick, ...attributes }, text);
}

/** A field with its label and a hint below. */
export function field(label, attributes = {}, hint = "") {
  const id = fresh("field");
  const note = hint ? h("p", { class: "me-hint", id: `${id}-hint` }, hint) : null;
  const input = h("input", { id, class: "me-field", type: "text", ...attributes });
  if (note) input.setAttribute("aria-describedby", note.id);
  return { input, box: h("div", { class: "me-entry" }, h("label", { for: id }, label), input, note) };
}

/** A field for four digits. */
export const pinField = (label, hint = "") =>
  field(label, { type: "password", inputmode: "numeric", autocomplete: "off", maxlength: "4", pattern: "[0-9]{4}" }, hint);

/** A line for what went wrong; a screen reader hears it. */
export function complaint() {
  return h("p", { class: "me-error", role: "alert" });
}

/**
 * A button that asks once more in its own place. `yes` does it, `no` puts the button back.
 * The question stands where the finger is; the focus goes to the answer that changes nothing.
 */
export function asking(text, question, yes, no, act, kind = "", attributes = {}) {
  const place = h("div", { class: "me-asking" });
  const ask = () => {
    const keep = button(no, back);
    const go = button(yes, () => act(), kind || "strong", { "data-yes": "" });
    place.replaceChildren(h("p", { class: "me-question", role: "status" }, question), go, keep);
    place.dataset.open = "";
    keep.focus();
  };
  const first = button(text, ask, kind, attributes);
  const back = () => {
    delete place.dataset.open;
    place.replaceChildren(first);
    first.focus();
  };
  place.append(first);
  return place;
}

/** A list of which the first `most` are shown, and the rest on a press. Paper shows all. */
export function longList(rows, most, moreText, attributes = {}) {
  const list = h("ul", { class: "me-list", ...attributes }, ...rows);
  if (rows.length <= most) return list;
  rows.slice(most).forEach((row) => row.classList.add("me-more"));
  const more = button(moreText, () => {
    rows.forEach((row) => row.classList.remove("me-more"));
    const next = rows[most];
    next.setAttribute("tabindex", "-1");
    next.focus();
    more.remove();
  });
  more.classList.add("me-no-print");
  return h("div", { class: "me-long" }, list, more);
}

/** Hand a JSON file to the browser. */
export function download(name, content) {
  const url = URL.createObjectURL(new Blob([JSON.stringify(content, null, 2) + "\n"], { type: "application/json" }));
  const link = h("a", { href: url, download: name });
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(url), 1_000);
}
