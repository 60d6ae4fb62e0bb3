// How is the desk set up? Money, zone, languages, hours, sites, how long events are kept, how many must stand behind a figure, keys.

import { $, el, say } from "../core/dom.js";
import { answer, start } from "../core/page.js";
import { api, RECOMMENDER } from "../core/server.js";
import { t } from "../core/words.js";
import { houseOf } from "../settings/house.js";
import { keysSection } from "../settings/keys.js";
import { screensSection } from "../settings/screens.js";
import { sharingSection } from "../settings/sharing.js";
import { sitesSection } from "../settings/sites.js";
import { sentenceOf, tenantSection } from "../settings/tenant.js";

const offersPart = "../settings/offers.js";

start(async (person) => {
  const [tenant, choices] = await Promise.all([api("GET", `${RECOMMENDER}/desk/tenant`), api("GET", `${RECOMMENDER}/desk/choices`)]);
  const may = person.scopes.includes("train");
  const house = houseOf(tenant);
  house.watch((now) => answer(sentenceOf(now)));
  const parts = [tenantSection(house, choices, may), sitesSection(house, choices, may), screensSection(may), sharingSection(may), offers(person), links(person), person.scopes.includes("admin") ? keysSection() : null];
  $("content").replaceChildren(...parts.filter(Boolean));
});

// How offers are decided stands in a part of its own.
function offers(person) {
  const place = el("div", { id: "offers-settings" });
  import(offersPart).then(({ offersSettings }) => offersSettings({ mayChange: person.scopes.includes("train") })).then((made) => { if (made) place.replaceChildren(made); }).catch((error) => {
    if (!(error instanceof TypeError)) say(error.message); // a TypeError: this installation has no such part
  });
  return place;
}

function links(person) {
  const items = [["people", "people", "settings-to-people"], ["trainings", "view", "settings-to-trainings"], ["record", "view", "settings-to-record"]];
  const mine = items.filter(([, scope]) => person.scopes.includes(scope));
  return el("section", {}, el("h2", {}, t("settings-elsewhere")), el("ul", {}, ...mine.map(([page, , id]) => el("li", {}, el("a", { href: `/desk/${page}` }, t(id))))),
    el("p", { className: "quiet" }, t("settings-webhooks")));
}

