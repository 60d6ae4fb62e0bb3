// A tall kiosk brings everything into its lower half when somebody asks for it, until they have left.

import { $ } from "./dom.js";

export function reachable(stage, words) {
  const button = $("#reach");
  if (!button) return;
  const label = $("[data-i18n]", button);
  const set = (low) => {
    document.body.dataset.reach = low ? "low" : "";
    button.setAttribute("aria-pressed", String(low));
    label.dataset.i18n = low ? "reach_up" : "reach_down";
    label.textContent = words.t(label.dataset.i18n);
  };
  button.addEventListener("click", () => set(document.body.dataset.reach !== "low"));
  stage.whenForgotten(() => set(false));
}
