// People: colleagues (for who may invite), and one's own account (for everybody).

import { $, say } from "../core/dom.js";
import { answer, start } from "../core/page.js";
import { api, DESK } from "../core/server.js";
import { t } from "../core/words.js";
import { colleagues } from "../people/colleagues.js";
import { ownAccount } from "../people/own.js";

start(async (person) => {
  const mayInvite = person.scopes.includes("people");

  // Draws what changed and keeps the invitation: what is typed there, and a link that is shown once.
  async function reload(words) {
    const [own, may] = await Promise.all([api("GET", `${DESK}/own`), mayInvite ? api("GET", `${DESK}/people`) : null]);
    answer(may ? may.answer : t("people-answer-own"));
    const parts = [...(may ? colleagues(may, reload) : []), ownAccount(own, reload)];
    const kept = may && $("invite") ? $("content").firstElementChild : null;
    if (kept) parts[0] = kept;
    $("content").replaceChildren(...parts);
    if (words !== undefined) say(words);
  }

  await reload();
});
