// Dialogs of the page: a question with one consequence, and a secret that is shown once.

import { button, el, say } from "../core/dom.js";
import { t } from "../core/words.js";

// Shows a dialog with `content(close)`; resolves with what `close` was called with, null when it was left.
export function dialog(title, content) {
  return new Promise((resolve) => {
    const box = el("dialog", { "aria-label": title });
    let result = null;
    const close = (value) => { result = value ?? null; box.close(); };
    box.append(el("h2", {}, title), ...content(close));
    box.onclose = () => { box.remove(); resolve(result); };
    document.body.append(box);
    box.showModal();
  });
}

export const confirmed = (title, text, label) =>
  dialog(title, (close) => [el("p", {}, text), el("div", { className: "actions" },
    button(label, () => close(true), { primary: true }), button(t("cancel"), () => close(false)))]);

// Without a clipboard (no TLS) the text is selected, to be copied by hand.
export async function copy(input) {
  input.select();
  try {
    await navigator.clipboard.writeText(input.value);
    say(t("people-copied"));
  } catch {
    input.focus();
  }
}
