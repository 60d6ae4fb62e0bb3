// How many different people must have chosen what others may see.

import { el, say } from "../core/dom.js";
import { field, submit } from "../core/form.js";
import { api, RECOMMENDER } from "../core/server.js";
import { number, t } from "../core/words.js";

const PATH = `${RECOMMENDER}/desk/sharing`;

export function sharingSection(may) {
  if (!may) return null;
  const place = el("section", { id: "sharing" }, el("h2", {}, t("sharing-title")));
  const sentence = el("p", {});
  const input = el("input", { type: "number", step: 1 });
  const form = el("form", { noValidate: true }, field("least_people", t("sharing-people"), input, t("sharing-hint")), el("div", { className: "actions" }, el("button", {}, t("save"))));
  const show = ({ least_people: least, floor }) => {
    sentence.textContent = t("sharing-sentence", { least: number(least), floor: number(floor) });
    input.min = floor;
    input.value = least;
  };
  form.onsubmit = (event) => {
    event.preventDefault();
    submit(form, async () => {
      const saved = await api("PUT", PATH, { least_people: Number(input.value) });
      if (saved.least_people) show(saved);
    });
  };
  place.append(sentence, form);
  api("GET", PATH).then(show).catch((error) => say(error.message));
  return place;
}
