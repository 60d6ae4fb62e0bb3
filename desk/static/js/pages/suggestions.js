// How good are the suggestions? What was measured, what is taken on the screens, which versions there are.

import { $, el } from "../core/dom.js";
import { filters, query } from "../core/filters.js";
import { answer, start } from "../core/page.js";
import { api, RECOMMENDER } from "../core/server.js";
import { t } from "../core/words.js";
import { liveOf } from "../suggestions/live.js";
import { measuredOf } from "../suggestions/measured.js";
import { versionsOf } from "../suggestions/versions.js";

const ANALYSTS = "usual-analysts";

start(async (person) => {
  const today = (await api("GET", `${RECOMMENDER}/desk/suggestions`)).today;
  let chosen = {};
  const load = async (values) => {
    chosen = values;
    const reply = await api("GET", `${RECOMMENDER}/desk/suggestions${query(values, today)}`);
    answer(reply.answer);
    const many = reply.scenes.length > 1;
    $("content").replaceChildren(...(reply.scenes.length ? [analystsSwitch(() => load(chosen))] : []),
      ...reply.scenes.map((scene) => section(scene, person, many, () => load(chosen))));
  };
  const { sites } = await api("GET", `${RECOMMENDER}/desk/suggestions`);
  await filters(load, { sites, today });
});

const forAnalysts = () => localStorage.getItem(ANALYSTS) === "yes";

function analystsSwitch(again) {
  const box = el("input", { type: "checkbox", checked: forAnalysts(), onchange: () => { localStorage.setItem(ANALYSTS, box.checked ? "yes" : ""); again(); } });
  return el("label", { className: "switch" }, box, t("suggestions-analysts"));
}

function section(scene, person, many, again) {
  const title = t(`suggestions-title-${scene.scene}`);
  const made = el("section", { id: `scene-${scene.scene}`, "aria-label": title }, el("h2", {}, title));
  if (many) made.append(el("p", { className: "answer" }, scene.sentence));
  if (scene.skipped.length) made.append(el("p", { className: "notice" }, t("suggestions-skipped", { versions: scene.skipped.join(", ") })));
  if (scene.missing) made.append(el("p", { className: "notice missing" }, scene.missing));
  made.append(liveOf(scene), measuredOf(scene, forAnalysts()), versionsOf(scene, person, again));
  return made;
}
