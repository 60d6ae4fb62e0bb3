// Elements without HTML in strings: text never becomes HTML.

export const $ = (id) => document.getElementById(id);

// el("p", { className: "answer" }, "text", other) ; attributes with a dash or "role" are set as attributes.
export function el(name, properties = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(properties)) {
    if (value === undefined || value === null) continue;
    if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
    else if (key === "dataset") Object.assign(made.dataset, value);
    else if (key.includes("-") || key === "role" || key === "for") made.setAttribute(key, value);
    else made[key] = value;
  }
  made.append(...children.filter((child) => child !== null && child !== undefined));
  return made;
}

// A button; `name` says for screen readers what it is about when the label alone does not.
export const button = (label, work, { name, primary = false, ...more } = {}) =>
  el("button", { type: "button", className: primary ? "primary" : "", "aria-label": name, onclick: work, ...more }, label);

export function say(text) {
  $("notice").textContent = text;
  $("notice").hidden = !text;
}
