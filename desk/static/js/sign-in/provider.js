// The button of the sign-in service of the house, where there is one. An invitation goes with it.
// Imported first by the sign-in page, which takes the invitation out of the address afterwards.

import { $, button, el, say } from "../core/dom.js";
import { api, DESK } from "../core/server.js";
import { t } from "../core/words.js";

const invitation = new URLSearchParams(location.hash.slice(1)).get("invitation") || "";
const back = new URLSearchParams(location.search).get("back") || "/desk";

async function go() {
  try {
    const { address } = await api("POST", `${DESK}/oidc/begin`, { invitation, back });
    location.assign(address);
  } catch (error) {
    say(error.problem?.detail || error.message);
  }
}

async function offer() {
  const about = await api("GET", `${DESK}/oidc`).catch(() => ({ available: false, passwords: true }));
  if (!about.available) return;
  const place = $("other-ways") || $("main").appendChild(el("div", { id: "other-ways" }));
  if (about.passwords) place.append(el("p", { className: "hint" }, t("sign-in-or")));
  else document.body.classList.add("no-passwords");
  place.append(button(t("sign-in-with", { name: about.name }), go, { primary: !about.passwords, id: "provider" }));
}

offer();
