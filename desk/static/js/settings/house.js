// What the tenant says about itself: one document that two forms of the page share. Who saves one part of it leaves the
// other as it is, and is refused when somebody else has saved it meanwhile.

import { api, RECOMMENDER } from "../core/server.js";

const PATH = `${RECOMMENDER}/desk/tenant`;
const FIELDS = ["currency", "margin_share", "timezone", "languages", "opening_hours", "retention_days", "sites"];

export function houseOf(document) {
  const watching = [];
  const house = { now: document };
  house.watch = (work) => {
    watching.push(work);
    work(house.now);
  };
  house.save = async (part) => {
    const whole = Object.fromEntries(FIELDS.map((name) => [name, house.now[name]]));
    const saved = await api("PUT", PATH, { ...whole, ...part }, { tag: house.now.etag });
    if (!saved.currency) return; // it waits for a second person
    house.now = saved;
    for (const work of watching) work(saved);
  };
  return house;
}
