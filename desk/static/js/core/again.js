// A session that ends in the middle of a form: sign in again on the page (or in another tab), then the change is sent.

import { el, say } from "./dom.js";
import { api, DESK, onSessionEnd } from "./server.js";
import { t } from "./words.js";

let open = null; // the promise of the dialog that is open: several changes wait for one sign-in

export function watchSession(person) {
  onSessionEnd(() => (open ??= ask(person).finally(() => { open = null; })));
}

function ask(person) {
  return new Promise((resolve) => {
    const password = el("input", { type: "password", name: "password", autocomplete: "current-password" });
    const code = el("input", { name: "code", autocomplete: "one-time-code", inputMode: "numeric" });
    const codeLabel = el("label", { hidden: true }, t("again-code"), code);
    const message = el("p", { className: "message", role: "alert" });
    const form = el("form", { method: "dialog", noValidate: true },
      el("label", {}, t("sign-in-name"), el("input", { name: "name", value: person.name, autocomplete: "username", readOnly: true })),
      el("label", {}, t("sign-in-password"), password), codeLabel, message,
      el("p", { className: "buttons" },
        el("button", { className: "primary" }, t("sign-in")),
        el("button", { type: "button", onclick: () => end(false) }, t("cancel"))),
      el("p", {}, el("a", { href: "/desk/sign-in", target: "_blank", rel: "noopener" }, t("again-tab")), " ",
        el("button", { type: "button", className: "quiet", onclick: signedInElsewhere }, t("again-done"))));
    const dialog = el("dialog", { className: "again", id: "again", "aria-labelledby": "again-title", oncancel: () => end(false) },
      el("h2", { id: "again-title" }, t("again-title")), el("p", {}, t("again-explained")), form);

    function end(signedIn) {
      dialog.close();
      dialog.remove();
      resolve(signedIn);
    }

    // Somebody else at this browser must not save the first one's text under their own name unasked.
    function settle(now) {
      if (now.user_id === person.user_id) return end(true);
      Object.assign(person, now);
      say(t("again-other"));
      return end(false);
    }

    async function signedInElsewhere() {
      try {
        settle(await api("GET", `${DESK}/sessions/current`));
      } catch (error) {
        message.textContent = error.message;
      }
    }

    form.onsubmit = async (event) => {
      event.preventDefault();
      message.textContent = "";
      const given = { name: person.name, password: password.value };
      if (!codeLabel.hidden) given.code = code.value;
      try {
        settle(await api("POST", `${DESK}/sessions`, given));
      } catch (error) {
        if (error.problem?.code === "code_needed") codeLabel.hidden = false;
        message.textContent = error.problem?.detail || error.message;
        (codeLabel.hidden ? password : code).focus();
      }
    };
    document.body.append(dialog);
    dialog.showModal();
    password.focus();
  });
}
