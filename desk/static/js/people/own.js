// One's own account: sessions, password, code app.

import { button, el, say } from "../core/dom.js";
import { field, submit } from "../core/form.js";
import { leave } from "../core/leave.js";
import { api, DESK } from "../core/server.js";
import { table } from "../core/table.js";
import { t, when } from "../core/words.js";
import { dialog } from "./dialogs.js";

const OWN = `${DESK}/own`;
const secretInput = (autocomplete) => el("input", { type: "password", autocomplete, required: true });
const codeInput = () => el("input", { autocomplete: "one-time-code", autocapitalize: "none", spellcheck: false, required: true, maxLength: 40 });

function sessions(own, reload) {
  const end = (one) => async () => {
    try {
      await api("DELETE", `${OWN}/sessions/${one.session_id}`);
      await reload(t("own-session-ended"));
    } catch (error) {
      say(error.message);
    }
  };
  const columns = [
    { name: "browser", label: t("own-sessions-browser"), show: (value) => value || t("own-browser-unknown") },
    { name: "began_at", label: t("own-sessions-began"), show: when },
    { name: "seen_at", label: t("own-sessions-seen"), show: when },
    { name: "current", label: "", download: false, show: (current, one) => current ? el("strong", {}, t("own-session-here"))
      : button(t("own-session-end"), end(one), { name: `${t("own-session-end")}: ${one.browser || t("own-browser-unknown")}` }) },
  ];
  const everywhere = () => leave(`${OWN}/sessions`);
  return el("div", {}, el("h3", {}, t("own-sessions")), table(columns, own.sessions, { caption: t("own-sessions") }),
    el("div", { className: "actions" }, button(t("own-everywhere"), everywhere)));
}

// A form that asks for the password (and more) before it does something.
function proofForm(id, fields, label, work, done) {
  const form = el("form", { id, noValidate: true, className: "proof" }, ...fields,
    el("div", { className: "actions" }, el("button", { className: "primary" }, label)));
  form.onsubmit = async (event) => {
    event.preventDefault();
    if (await submit(form, () => work(form), { done })) form.reset();
  };
  return form;
}

function password(own, reload) {
  const form = proofForm("password", [
    el("input", { name: "login", autocomplete: "username", value: own.name, readOnly: true, hidden: true }),
    field("password", t("own-password-present"), secretInput("current-password")),
    field("new_password", t("own-password-new"), secretInput("new-password"), t("own-password-hint")),
  ], t("own-password"), async ({ elements }) => {
    await api("PUT", `${OWN}/password`, { password: elements.password.value, new_password: elements.new_password.value });
    await reload(t("own-password-done"));
  }, t("own-password-done"));
  return el("details", {}, el("summary", {}, t("own-password")), form);
}

const showCodes = (codes) => dialog(t("own-codes"), (close) => [el("p", {}, t("own-codes-hint")),
  el("ul", { className: "codes" }, ...codes.map((code) => el("li", {}, el("code", {}, code)))),
  el("div", { className: "actions" }, button(t("own-codes-kept"), () => close(true), { primary: true }))]);

// Second half of setting up: the QR code, and the first code of the app.
function offer(made, reload) {
  const form = proofForm("app-code", [
    el("img", { src: made.qr, alt: t("own-app-picture"), className: "qr" }),
    el("p", { className: "quiet secret" }, t("own-app-typed", { secret: made.secret })),
    field("code", t("own-app-code"), codeInput()),
  ], t("own-app-finish"), async ({ elements }) => {
    const { recovery_codes: codes } = await api("PUT", `${OWN}/code-app`, { sealed: made.sealed, code: elements.code.value });
    await showCodes(codes);
    await reload("");
  }, "");
  return [el("p", {}, t("own-app-scan")), form];
}

function codeApp(own, reload) {
  const place = el("div", {});
  const given = ({ elements }) => ({ password: elements.password.value, code: elements.code.value });
  if (!own.code_app) {
    const begin = proofForm("app-begin", [field("password", t("own-password-present"), secretInput("current-password"))],
      t("own-app-begin"), async ({ elements }) => {
        place.replaceChildren(...offer(await api("POST", `${OWN}/code-app`, { password: elements.password.value }), reload));
        place.querySelector("[name=code]").focus();
      }, "");
    place.append(el("p", {}, t("own-app-off")), begin);
  } else {
    const fields = () => [field("password", t("own-password-present"), secretInput("current-password")), field("code", t("own-app-any-code"), codeInput())];
    const more = proofForm("app-more", fields(), t("own-app-more"), async (form) => {
      await showCodes((await api("POST", `${OWN}/recovery-codes`, given(form))).recovery_codes);
      await reload("");
    }, "");
    const stop = proofForm("app-off", fields(), t("own-app-stop"), async (form) => {
      await api("POST", `${OWN}/code-app/off`, given(form));
      await reload(t("own-app-stopped"));
    }, t("own-app-stopped"));
    place.append(el("p", {}, t("own-app-on", { left: own.recovery_codes_left })),
      el("details", {}, el("summary", {}, t("own-app-more")), more), el("details", {}, el("summary", {}, t("own-app-stop")), stop));
  }
  return el("details", { id: "code-app" }, el("summary", {}, t("own-app")), place);
}

// The section of one's own account; `own` is the reply of GET /own.
export function ownAccount(own, reload) {
  return el("section", { id: "own" }, el("h2", {}, t("own-title")),
    el("p", {}, t("own-who", { name: own.display || own.name, login: own.name })),
    sessions(own, reload), password(own, reload), codeApp(own, reload));
}
