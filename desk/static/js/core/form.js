// Forms: labelled fields, the server's message at each wrong field, nothing typed is ever lost.

import { el, say } from "./dom.js";
import { Refused, waiting } from "./server.js";
import { t } from "./words.js";

let fields = 0; // two forms of a page may have a field of one name

// A labelled field. `input` is any input, select or textarea; `hint` stands below it. Field names are the API's.
export function field(name, label, input, hint = "") {
  fields += 1;
  const id = `${name}-${fields}`;
  const message = el("span", { className: "message", id: `${id}-message` });
  input.name = name;
  input.setAttribute("aria-describedby", `${id}-hint ${id}-message`);
  return el("div", { className: "field", dataset: { field: name } },
    el("label", {}, el("span", { className: "label" }, label), input), el("span", { className: "hint", id: `${id}-hint` }, hint), message);
}

export function clear(form) {
  for (const box of form.querySelectorAll(".field")) {
    box.classList.remove("is-wrong");
    for (const message of box.querySelectorAll(".message")) message.textContent = ""; // a row of boxes to tick has none
    box.querySelector("[name]")?.removeAttribute("aria-invalid");
    box.querySelector(".theirs")?.remove();
  }
}

// Show what somebody else has saved meanwhile beside each field that differs (`values`: text by field name). What was
// typed here stays.
export function showTheirs(form, values) {
  for (const [name, value] of Object.entries(values)) {
    const box = form.querySelector(`[data-field="${CSS.escape(name)}"]`);
    const own = box?.querySelector("[name]");
    if (!own || String(own.type === "checkbox" ? own.checked : own.value) === String(value ?? "")) continue;
    box.querySelector(".theirs")?.remove();
    box.append(el("span", { className: "theirs hint", role: "note" }, t("theirs", { value: String(value ?? "–") })));
  }
}

// Show the fields of a problem (`fields: [{ field, message }]`), focus the first one.
export function mark(form, fields) {
  for (const { field: name, message } of fields) {
    const box = form.querySelector(`[data-field="${CSS.escape(name)}"]`);
    if (!box) continue;
    box.classList.add("is-wrong");
    box.querySelector(".message").textContent = message;
    box.querySelector("[name]")?.setAttribute("aria-invalid", "true");
  }
  form.querySelector(".is-wrong [name]")?.focus();
}

// Send a form with `work`; the outcome is said in the notice. Returns whether it was saved (or waits for a second
// person). When somebody else saved first (412), `theirs` reads the document again, takes its new tag for the next try,
// and gives its values by field name; they are shown beside what was typed.
export async function submit(form, work, { done = t("saved"), theirs } = {}) {
  clear(form);
  const waited = waiting.count;
  const buttons = [...form.querySelectorAll("button")];
  for (const one of buttons) one.disabled = true;
  try {
    await work();
    form.dataset.dirty = "";
    say(waiting.count > waited ? t("waits-for-second") : done);
    return true;
  } catch (error) {
    if (error.changed && theirs) {
      try {
        showTheirs(form, (await theirs()) || {});
        say(t("theirs-title"));
      } catch (again) {
        say(again.message);
      }
      return false;
    }
    const fields = error.problem?.fields || [];
    say(fields.length ? t("fields-wrong") : error.message);
    mark(form, fields);
    if (!(error instanceof Refused) && !error.problem && !error.away) throw error;
    return false;
  } finally {
    for (const one of buttons) one.disabled = false;
  }
}

// Ask before a page with unsaved text is left.
export function guard(form) {
  form.addEventListener("input", () => { form.dataset.dirty = "true"; });
  addEventListener("beforeunload", (event) => {
    if (form.dataset.dirty) event.preventDefault();
  });
}
