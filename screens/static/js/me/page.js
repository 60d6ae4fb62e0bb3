// `/me` on somebody's own phone. The code is in the link's fragment, which no server ever gets; it is taken out of the
// address at once, so that neither the browser nor who uses it next keeps it.

import { OwnPage } from "./me.js";

/** The code of the link, which is used up. */
function codeOfLink() {
  const code = location.hash.slice(1, 65).replace(/%20/g, " ");
  if (code) history.replaceState(null, "", location.pathname + location.search);
  return code;
}

const language = new URLSearchParams(location.search).get("lang") || "";
const own = new OwnPage(document.querySelector("#me"), { code: codeOfLink(), language });
own.signIn();
addEventListener("hashchange", () => location.hash && own.restart(codeOfLink())); // the link was opened once more
addEventListener("pageshow", (event) => {
  if (event.persisted) own.close(); // the browser kept the page: nothing of it is shown again
});
document.body.dataset.ready = "true";
