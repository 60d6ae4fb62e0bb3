// The page of experiments: the list, one experiment (#ID), and the form (#new, #edit-ID).

import { $, say } from "../core/dom.js";
import { start } from "../core/page.js";
import { drawForm } from "../experiments/form.js";
import { drawList } from "../experiments/list.js";
import { taken } from "../experiments/notice.js";
import { drawOne } from "../experiments/one.js";

let drawn = 0;

async function draw(person) {
  const mine = ++drawn; // a later click wins
  const name = decodeURIComponent(location.hash.slice(1));
  const may = person.scopes.includes("train") && !(person.sites || []).length;
  const content = name === "" ? await drawList(may)
    : name === "new" || name.startsWith("edit-") ? await drawForm(name === "new" ? "" : name.slice(5))
      : await drawOne(name, may);
  if (mine !== drawn) return;
  $("content").replaceChildren(...content);
}

start(async (person) => {
  await draw(person);
  addEventListener("hashchange", async () => {
    await start(() => draw(person));
    const text = taken();
    if (text) say(text);
  });
});
