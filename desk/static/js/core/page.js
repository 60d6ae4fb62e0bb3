// What every page does: who is signed in, the navigation, the language, the first sentence, trying again.

import { $, say } from "./dom.js";
import { watchSession } from "./again.js";
import { leave } from "./leave.js";
import { api, DESK, Refused } from "./server.js";
import { t } from "./words.js";

const AGAIN_MS = 5000;

function toSignIn({ problem }) {
  const here = location.pathname + location.search;
  location.assign(`/desk/sign-in?${new URLSearchParams({ back: here, why: problem?.code || "" })}`);
}

function drawFrame(person) {
  for (const item of document.querySelectorAll("#pages li")) item.hidden = !person.scopes.includes(item.dataset.scope);
  const here = document.querySelector("#pages [aria-current]"); // on a phone the row is longer than the screen
  const row = here?.closest("nav");
  if (row) row.scrollLeft = here.offsetLeft - row.offsetLeft - (row.clientWidth - here.offsetWidth) / 2;
  $("signed-in-as").textContent = person.display || person.name;
  $("sign-out").hidden = false;
  $("sign-out").onclick = () => leave(`${DESK}/sessions/current`);
}

function wireLanguage() {
  $("language").onchange = (event) => {
    document.cookie = `usual_language=${event.target.value}; path=/desk; max-age=31536000; samesite=strict`;
    location.reload();
  };
}

// The first line of the page: the answer to its question, as a sentence.
export function answer(text) {
  $("answer").textContent = text;
}

// Draw the page with `load(person)`. Without a session the browser goes to sign in; without a server it tries again.
export async function start(load) {
  wireLanguage();
  try {
    const person = await api("GET", `${DESK}/sessions/current`);
    drawFrame(person);
    watchSession(person);
    await load(person);
    say("");
  } catch (error) {
    if (error instanceof Refused && error.status === 401) return toSignIn(error);
    answer(error instanceof Refused ? t("no-access") : "");
    say(error.message);
    if (error.away) setTimeout(() => start(load), AGAIN_MS);
    else if (!(error instanceof Refused)) console.error(error);
  }
  document.body.dataset.ready = "true";
  return undefined;
}
