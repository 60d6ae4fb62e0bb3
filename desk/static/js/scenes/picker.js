// A field that finds one of many things by their names: type, arrow keys, Enter. The value is the thing's id.

import { el } from "../core/dom.js";
import { field } from "../core/form.js";
import { t } from "../core/words.js";

const MOST = 12; // rows that are shown
let made = 0;

// choices: [{ id, name, more }] ; `chosen(choice)` is called on each choice; `keep` leaves its name in the field.
export function picker(name, label, choices, { value = "", chosen = () => {}, keep = true, hint = "" } = {}) {
  const id = `picker-${++made}`;
  const named = new Map(choices.map((one) => [one.id, one]));
  const input = el("input", {
    type: "text", autocomplete: "off", role: "combobox", "aria-expanded": "false", "aria-controls": id,
    "aria-autocomplete": "list", value: named.get(value)?.name ?? value,
  });
  const list = el("ul", { id, className: "choices", role: "listbox", "aria-label": label, hidden: true });
  let at = -1;
  let found = [];
  let current = value;

  function close() {
    list.hidden = true;
    input.setAttribute("aria-expanded", "false");
    input.removeAttribute("aria-activedescendant");
  }

  function take(choice) {
    current = choice.id;
    input.value = keep ? choice.name : "";
    close();
    chosen(choice);
  }

  function move(to) {
    at = found.length ? (to + found.length) % found.length : -1;
    [...list.children].forEach((row, n) => row.setAttribute("aria-selected", String(n === at)));
    if (at < 0) return;
    input.setAttribute("aria-activedescendant", `${id}-${at}`);
    list.children[at].scrollIntoView({ block: "nearest" });
  }

  function search() {
    const wanted = input.value.trim().toLocaleLowerCase();
    const fits = (one) => `${one.name} ${one.id} ${one.more ?? ""}`.toLocaleLowerCase().includes(wanted);
    found = choices.filter((one) => !wanted || fits(one)).slice(0, MOST);
    list.replaceChildren(...found.map((one, n) =>
      el("li", { id: `${id}-${n}`, role: "option", "aria-selected": "false", onmousedown: (event) => { event.preventDefault(); take(one); } },
        el("span", {}, one.name), el("span", { className: "quiet" }, one.more ? ` ${one.more}` : ""))));
    if (!found.length) list.append(el("li", { role: "option", "aria-disabled": "true", "aria-selected": "false" }, t("scenes-nothing-found")));
    list.hidden = false;
    input.setAttribute("aria-expanded", "true");
    move(found.length ? 0 : -1);
  }

  input.addEventListener("input", () => { current = ""; search(); });
  input.addEventListener("focus", () => input.select());
  input.addEventListener("click", search);
  input.addEventListener("blur", () => {
    close();
    if (current && keep) input.value = named.get(current)?.name ?? current;
  });
  input.addEventListener("keydown", (event) => {
    const steps = { ArrowDown: 1, ArrowUp: -1 };
    if (event.key in steps) {
      event.preventDefault();
      if (list.hidden) search();
      else move(at + steps[event.key]);
    } else if (event.key === "Enter") {
      event.preventDefault(); // never sends the form
      if (!list.hidden && found[at]) take(found[at]);
    } else if (event.key === "Escape" && !list.hidden) {
      event.stopPropagation();
      close();
    }
  });
  const box = field(name, label, input, hint);
  box.classList.add("picker");
  box.append(list);
  return { field: box, value: () => current };
}
