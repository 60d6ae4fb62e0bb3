// The settings of the house: size of the holdout, share of visits with an offer, share of exploration.
import { $, BASE, api } from "./desk.js";

// name, label, hint, whether it is a share
const FIELDS = [
  ["holdout_share", "Customers who are always left alone, in %", "they show what offers are worth", true],
  ["share", "Visits that may carry an offer, in %", "empty: all that gain", true],
  ["exploration", "Visits that try something else, in %", "at least 1: without it nothing new is learned", true],
  ["margin_share", "Of what is spent you earn, in %", "", true],
  ["nag_count", "Most offers one customer sees", "empty: no limit", false],
  ["nag_days", "… in so many days", "", false],
];

const percent = (share) => `${+(100 * share).toFixed(1)} %`;

function sentence(now) {
  const parts = [
    `${percent(now.holdout_share)} of customers are always left alone`,
    now.share === null ? "every other visit may carry an offer" : `at most ${percent(now.share)} of the other visits carry an offer`,
    `${percent(now.exploration)} of them try something else`,
    now.nag_count === null ? "" : `nobody sees more than ${now.nag_count} offers in ${now.nag_days} days`,
  ];
  return `${parts.filter(Boolean).join(", ")}.`;
}

export async function drawHouse() {
  const now = await api("GET", `${BASE}/desk/settings`);
  const box = $("house");
  box.hidden = false;
  box.querySelector(".answer").textContent = sentence(now);
  const inputs = FIELDS.map(([name, label, hint, share]) => {
    const input = Object.assign(document.createElement("input"), { inputMode: "decimal", readOnly: now.fixed.includes(name) });
    input.value = now[name] === null ? "" : share ? +(100 * now[name]).toFixed(4) : now[name];
    const text = (className, textContent) => Object.assign(document.createElement("span"), { className, textContent, id: `house-${name}-${className}` });
    const named = document.createElement("label");
    named.append(text("label", label), input);
    input.setAttribute("aria-describedby", `house-${name}-hint house-${name}-message`);
    const around = Object.assign(document.createElement("div"), { className: "field" });
    around.dataset.field = name;
    around.append(named, text("hint", input.readOnly ? "fixed since the first decision" : hint), text("message", ""));
    return { name, share, input, around };
  });
  box.querySelector(".fields").replaceChildren(...inputs.map((one) => one.around));
  box.querySelector("form").onsubmit = (event) => {
    event.preventDefault();
    save(box, inputs);
  };
}

function read({ share, input }) {
  const text = input.value.trim().replace(",", ".");
  if (text === "") return null;
  const value = Number(text);
  return Number.isNaN(value) ? input.value : share ? value / 100 : value;
}

async function save(box, inputs) {
  const outcome = box.querySelector(".outcome");
  for (const { around, input } of inputs) {
    around.classList.remove("is-wrong");
    around.querySelector(".message").textContent = "";
    input.removeAttribute("aria-invalid");
  }
  try {
    await api("PUT", `${BASE}/desk/settings`, Object.fromEntries(inputs.filter((one) => !one.input.readOnly).map((one) => [one.name, read(one)])));
    await drawHouse();
    outcome.textContent = "It is decided so from now on.";
  } catch (error) {
    const fields = error.problem?.fields || [];
    outcome.textContent = fields.length ? "Not changed: look at the marked fields." : error.message;
    for (const { field, message } of fields) {
      const one = inputs.find(({ name }) => name === field);
      if (!one) continue;
      one.around.classList.add("is-wrong");
      one.around.querySelector(".message").textContent = message;
      one.input.setAttribute("aria-invalid", "true");
    }
    inputs.find(({ around }) => around.classList.contains("is-wrong"))?.input.focus();
  }
}
