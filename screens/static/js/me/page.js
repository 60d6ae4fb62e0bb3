// `/me` on somebody's own phone. The code is in the link's fragment, which no server ever gets.

import { OwnPage } from "./me.js";

const wanted = new URLSearchParams(location.search).get("lang") || "";
const code = location.hash.slice(1, 65).replace(/%20/g, " ");
const own = new OwnPage(document.querySelector("#me"), { code, language: wanted });
own.signIn();
addEventListener("pageshow", (event) => {
  if (event.persisted) own.close(); // the browser kept the page: nothing of it is shown again
});
document.body.dataset.ready = "true";
