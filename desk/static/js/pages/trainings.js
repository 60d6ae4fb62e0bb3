// When does training happen? One sentence, the schedule in words, and every training with its progress.

import { $, el } from "../core/dom.js";
import { answer, start } from "../core/page.js";
import { api, RECOMMENDER } from "../core/server.js";
import { Runs } from "../trainings/runs.js";
import { Schedule } from "../trainings/schedule.js";

const LOOK_MS = 1000;
const REST_MS = 20000;

start(async (person) => {
  const may = person.scopes.includes("train");
  const content = $("content");
  const schedule = new Schedule(may, () => look());
  const runs = new Runs(may, () => look());
  let wait = 0;

  async function look() {
    clearTimeout(wait);
    const [when, found] = await Promise.all([api("GET", `${RECOMMENDER}/schedule`), runs.load()]);
    answer(when.sentence);
    schedule.draw(when, found.running);
    runs.draw(found);
    wait = setTimeout(again, found.running.length ? LOOK_MS : REST_MS);
  }

  // What was drawn stays when one look fails; the next one tries again.
  async function again() {
    try {
      await look();
    } catch {
      wait = setTimeout(again, REST_MS);
    }
  }

  content.replaceChildren(el("div", {}, schedule.box, runs.box));
  await look();
});
