// What needs a second person: the tenant's choice, off at first.

import { el } from "../core/dom.js";
import { guard, submit } from "../core/form.js";
import { api, DESK } from "../core/server.js";
import { t } from "../core/words.js";

// A section with the form; `changed` is called when it was saved or waits itself.
export async function choice(person, changed) {
  let document = await api("GET", `${DESK}/four-eyes`);
  const boxes = document.possible.map((kind) => el("input", { type: "checkbox", name: kind, checked: document.kinds.includes(kind) }));
  const may = person.scopes.includes("people");
  for (const box of boxes) box.disabled = !may;
  const form = el("form", { id: "four-eyes" },
    ...boxes.map((box) => el("label", { className: "check" }, box, " ", t(`four-eyes-${box.name}`))),
    may ? el("button", {}, t("four-eyes-save")) : null);

  async function theirs() {
    document = await api("GET", `${DESK}/four-eyes`);
    for (const box of boxes) box.checked = document.kinds.includes(box.name);
    return {};
  }

  form.onsubmit = async (event) => {
    event.preventDefault();
    const kinds = boxes.filter((box) => box.checked).map((box) => box.name);
    if (await submit(form, () => api("PUT", `${DESK}/four-eyes`, { kinds }, { tag: document.etag }), { theirs })) {
      await theirs();
      await changed();
    }
  };
  guard(form);
  return el("section", { className: "four-eyes" }, el("h2", {}, t("four-eyes-title")), el("p", {}, t("four-eyes-explained")), form);
}
