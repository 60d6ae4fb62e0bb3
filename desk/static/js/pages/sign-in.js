// Sign in, or use a one-time link (its secret stands in the fragment of the address, which no server sees).

import { $, say } from "../core/dom.js";
import { api, DESK } from "../core/server.js";
import "../sign-in/provider.js";
import { has, t } from "../core/words.js";

const asked = new URLSearchParams(location.search);
const secret = new URLSearchParams(location.hash.slice(1)).get("invitation");
if (secret) history.replaceState(null, "", location.pathname);

// Only a page of the desk: an address from elsewhere is not followed.
function back() {
  const wanted = asked.get("back") || "/desk";
  return /^\/desk(\/|\?|$)/.test(wanted) ? wanted : "/desk";
}

function askForCode(form) {
  const code = form.querySelector(".code");
  code.hidden = false;
  code.querySelector("input").required = true;
}

// After a refusal: the words, and the field that has to be typed again.
function refused(form, error) {
  const needsCode = error.problem?.code === "code_needed";
  if (needsCode) askForCode(form);
  say(needsCode ? t("sign-code-now") : error.message);
  const code = form.elements.code;
  const field = needsCode || (error.problem?.code === "sign_in_refused" && code.value) ? code : form.elements.password;
  field.focus();
  field.select();
}

function wire(form, work) {
  form.hidden = false;
  form.querySelector(".show-password").onchange = (event) => {
    form.elements.password.type = event.target.checked ? "text" : "password";
  };
  form.onsubmit = async (event) => {
    event.preventDefault();
    const missing = [...form.elements].find((one) => one.required && !one.value);
    if (missing) return missing.focus();
    const button = form.querySelector("button");
    button.disabled = true;
    try {
      await work(Object.fromEntries(new FormData(form)));
      location.assign(back());
    } catch (error) {
      refused(form, error);
    } finally {
      button.disabled = false;
    }
    return undefined;
  };
}

function showSignIn() {
  wire($("sign-in"), ({ name, password, code }) => api("POST", `${DESK}/sessions`, { name, password, code }));
  $("sign-in").elements.name.focus();
}

async function showLink() {
  let whose;
  try {
    whose = await api("POST", `${DESK}/invitations/look`, { secret });
  } catch (error) {
    say(error.message);
    return showSignIn();
  }
  const form = $("accept");
  $("title").textContent = t("sign-hello", { name: whose.display || whose.name });
  if (!whose.is_new) $("accept-explained").textContent = t("sign-reset");
  form.elements.name.value = whose.name; // what a password manager stores beside the password
  if (whose.code_app) askForCode(form);
  wire(form, ({ password, code }) => api("POST", `${DESK}/invitations/accept`, { secret, password, code }));
  return form.elements.password.focus();
}

$("language").onchange = (event) => {
  document.cookie = `usual_language=${event.target.value}; path=/desk; max-age=31536000; samesite=strict`;
  if (secret) location.hash = `invitation=${secret}`;
  location.reload();
};
const why = `refused-${asked.get("why")}`;
if (has(why)) say(t(why));
await (secret ? showLink() : showSignIn());
document.body.dataset.ready = "true";
