// The portfolio of offers and what each has used up; create, change, pause and end them, one by one or from a file.
import { money } from "./curves.js";
import { $, BASE, api, button, save, say, start } from "./desk.js";
import { table } from "./figures.js";
import { drawHouse } from "./house.js";

const DAYS = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
const KINDS = ["discount", "bogo", "bundle", "gift", "informational"];

// The groups of form fields: name, label, kind of field, hint.
const GROUPS = [
  ["What it says", [
    ["offer_id", "Short name", "text", "letters, digits, - and _; it stays for good"],
    ["name", "The customer reads first", "text"],
    ["text", "… and then", "long"],
    ["kind", "Kind", "choice"],
    ["items", "Applies to these dishes", "items", "none: to everything"],
  ]],
  ["When and where", [
    ["starts_on", "From", "date", "empty: at once"],
    ["ends_on", "Until", "date", "empty: until it is ended"],
    ["weekdays", "On", "days", "none: every day"],
    ["from_hour", "From hour", "count"],
    ["to_hour", "To hour", "count", "below the first: past midnight"],
    ["sites", "At these sites", "list", "separated by commas; empty: everywhere"],
  ]],
  ["What it may cost", [
    ["redemption_cost", "One redemption costs", "money"],
    ["min_spend", "From an order of", "money"],
    ["budget_count", "Most redemptions in all", "count", "empty: no limit"],
    ["budget_money", "Most money in all", "money", "empty: no limit"],
  ]],
  ["How often one customer sees it", [
    ["cap_count", "At most so often", "count", "empty: no limit"],
    ["cap_days", "… in so many days", "count", "empty: ever"],
    ["window_hours", "Good for so many hours", "count", "after it was shown"],
    ["never_twice", "Never twice", "flag"],
  ]],
];
const FIELDS = GROUPS.flatMap(([, fields]) => fields);
const LISTED = ["items", "weekdays", "sites"];
const FRESH = { kind: "discount", items: [], weekdays: [], sites: [], from_hour: 0, to_hour: 24, window_hours: 72, redemption_cost: 0, min_spend: 0, status: "active" };

let portfolio = { rows: [], items: [] };

function used(now, most, show = (value) => value.toLocaleString()) {
  return most === null ? show(now) : `${show(now)} of ${show(most)}`;
}

function act(label, offer, work) {
  return button(label, `${label} “${offer.name}”`, work);
}

function actions(offer) {
  const box = document.createElement("span");
  box.className = "row-actions";
  box.append(act("Change", offer, () => edit(offer)));
  if (offer.status === "active") box.append(act("Pause", offer, () => turn(offer, "paused")));
  if (offer.status === "paused") box.append(act("Go on", offer, () => turn(offer, "active")));
  if (offer.status !== "ended") box.append(act("End", offer, () => turn(offer, "ended")));
  return box;
}

function draw() {
  $("counts").textContent = `${portfolio.items.length} dishes to choose from.`;
  const box = $("offers");
  box.querySelector(".answer").textContent = portfolio.answer;
  box.querySelector(".scroll").hidden = !portfolio.rows.length;
  const names = ["offer", "state", "shown", "redeemed", "still open", "given away", "", ];
  const order = { active: 0, paused: 1, ended: 2 };
  const rows = [...portfolio.rows].sort((a, b) => order[a.status] - order[b.status]).map((offer) => ({
    cells: [offer.name, offer.status, offer.shown, used(offer.spent_count, offer.budget_count), offer.reserved_count,
      used(offer.spent_money, offer.budget_money, money), actions(offer)],
    className: offer.status === "active" ? "" : "resting",
  }));
  box.querySelector("table").replaceChildren(...table(names, rows));
}

function plain(offer) {
  return Object.fromEntries([...FIELDS.map(([name]) => name), "status"].map((name) => [name, offer[name] ?? null]));
}

async function turn(offer, status) {
  await store({ ...plain(offer), status }, `“${offer.name}” is ${status === "active" ? "running again" : status}.`);
}

// Returns whether the offer was stored; a wrong field gets its message beside it.
async function store(offer, done) {
  try {
    await api("PUT", `${BASE}/offers/${encodeURIComponent(offer.offer_id)}`, offer);
    await load();
    $("offers").querySelector(".outcome").textContent = done;
    return true;
  } catch (error) {
    name(error);
    return false;
  }
}

function name(error) {
  const form = $("edit").querySelector("form");
  const wrong = form.querySelector(".wrong");
  const fields = error.problem?.fields || [];
  if ($("edit").hidden) return say(error.message);
  wrong.hidden = false;
  wrong.textContent = fields.length ? `${fields.length === 1 ? "One field is" : `${fields.length} fields are`} not right yet; nothing was stored.` : error.message;
  for (const { field, message } of fields) {
    const at = form.querySelector(`[data-field="${field}"]`);
    if (!at) { wrong.textContent += ` ${field}: ${message}.`; continue; }
    at.classList.add("is-wrong");
    at.querySelector(".message").textContent = message;
    at.querySelector("input, select, textarea")?.setAttribute("aria-invalid", "true");
  }
  form.querySelector(".is-wrong input, .is-wrong select, .is-wrong textarea")?.focus();
}

function choice(values, chosen, several = false) {
  const select = document.createElement("select");
  select.multiple = several;
  if (several) select.size = 6;
  for (const [value, label] of values) {
    select.add(Object.assign(document.createElement("option"), { value, textContent: label, selected: chosen.includes(value) }));
  }
  return select;
}

function days(chosen) {
  const row = Object.assign(document.createElement("span"), { className: "days-row" });
  const boxes = DAYS.map((day, at) => {
    const box = Object.assign(document.createElement("input"), { type: "checkbox", value: day, checked: chosen.includes(at) });
    const label = document.createElement("label");
    label.append(box, day);
    row.append(label);
    return box;
  });
  return [row, () => boxes.filter((box) => box.checked).map((box) => box.value)];
}

// A field's control and how its value is read for the API.
function control(kind, value) {
  if (kind === "choice") { const box = choice(KINDS.map((one) => [one, one]), [value]); return [box, () => box.value]; }
  if (kind === "items") {
    const box = choice(portfolio.items.map((item) => [item.item_id, item.name]), value || [], true);
    return [box, () => [...box.selectedOptions].map((one) => one.value)];
  }
  if (kind === "days") return days(value || []);
  const box = document.createElement(kind === "long" ? "textarea" : "input");
  if (kind === "flag") { box.type = "checkbox"; box.checked = Boolean(value); return [box, () => box.checked]; }
  if (kind === "date") { box.type = "date"; box.value = value || ""; return [box, () => box.value || null]; }
  if (kind === "list") { box.value = (value || []).join(", "); return [box, () => box.value.split(",").map((one) => one.trim()).filter(Boolean)]; }
  if (kind === "money") {
    box.inputMode = "decimal";
    box.value = typeof value === "number" ? (value / 100).toFixed(2) : "";
    return [box, () => minor(box.value)];
  }
  if (kind === "count") { box.inputMode = "numeric"; box.value = value ?? ""; return [box, () => number(box.value)]; }
  box.value = value ?? "";
  return [box, () => box.value];
}

// The typed text as a number. Text that is no number goes to the server unchanged, which answers with the error.
function number(text) {
  return text.trim() === "" ? null : /^[+-]?\d+$/.test(text.trim()) ? Number(text) : text;
}

function minor(text) {
  const given = text.trim().replace(",", ".");
  return given === "" ? null : /^[+-]?\d+(\.\d{1,2})?$/.test(given) ? Math.round(Number(given) * 100) : text;
}

// One field with its label, hint and error message. Adds to `read` the function that reads its value.
function drawField([field, label, kind, hint = ""], given, exists, read) {
  const around = document.createElement("div");
  around.dataset.field = field;
  around.className = `field ${kind}`;
  const [input, value] = control(kind, given[field]);
  if (field === "offer_id" && exists) input.readOnly = true;
  read[field] = value;
  const text = (className, textContent) => Object.assign(document.createElement("span"), { className, textContent, id: `${field}-${className}` });
  const title = text("label", label);
  const named = document.createElement(kind === "days" ? "div" : "label"); // several boxes are a group, one is labelled
  if (kind === "days") {
    named.setAttribute("role", "group");
    named.setAttribute("aria-labelledby", title.id);
  }
  named.append(title, input);
  input.setAttribute("aria-describedby", `${field}-hint ${field}-message`);
  around.append(named, text("hint", hint), text("message", ""));
  return around;
}

function edit(offer = null) {
  const given = offer || FRESH;
  const box = $("edit");
  box.hidden = false;
  box.querySelector("h2").textContent = offer ? `Change “${offer.name}”` : "A new offer";
  box.querySelector(".wrong").hidden = true;
  const read = {};
  box.querySelector(".fields").replaceChildren(...GROUPS.map(([title, fields]) => {
    const set = document.createElement("fieldset");
    set.append(Object.assign(document.createElement("legend"), { textContent: title }));
    set.append(...fields.map((field) => drawField(field, given, offer !== null, read)));
    return set;
  }));
  box.querySelector("form").onsubmit = async (event) => {
    event.preventDefault();
    box.querySelectorAll(".is-wrong").forEach((one) => { one.classList.remove("is-wrong"); one.querySelector(".message").textContent = ""; });
    box.querySelectorAll("[aria-invalid]").forEach((one) => one.removeAttribute("aria-invalid"));
    box.querySelector(".wrong").hidden = true;
    const made = Object.fromEntries(Object.entries(read).map(([field, value]) => [field, value()]));
    for (const field of ["redemption_cost", "min_spend", "from_hour", "to_hour", "window_hours"]) if (made[field] === null) delete made[field];
    made.status = given.status;
    if (!made.offer_id) return name({ problem: { fields: [{ field: "offer_id", message: "is needed" }, ...(made.name ? [] : [{ field: "name", message: "is needed" }])] } });
    if (await store(made, offer ? `“${made.name}” was changed.` : `“${made.name}” is running.`)) box.hidden = true;
  };
  box.querySelector(".cancel").onclick = () => { box.hidden = true; };
  box.scrollIntoView({ block: "start" });
  box.querySelector("input:not([readonly])").focus();
}

// CSV with quotes, as spreadsheets write it; the first row names the columns.
export function parse(text) {
  const rows = [[]];
  let cell = "", quoted = false;
  for (let at = 0; at < text.length; at += 1) {
    const sign = text[at];
    if (quoted) {
      if (sign === '"' && text[at + 1] === '"') { cell += '"'; at += 1; }
      else if (sign === '"') quoted = false;
      else cell += sign;
    } else if (sign === '"') quoted = true;
    else if (sign === "," || sign === "\n") {
      rows[rows.length - 1].push(cell.replace(/\r$/, ""));
      cell = "";
      if (sign === "\n") rows.push([]);
    } else cell += sign;
  }
  rows[rows.length - 1].push(cell);
  const [header, ...body] = rows.filter((row) => row.some((one) => one !== ""));
  return (body || []).map((row) => Object.fromEntries(header.map((field, at) => [field.trim(), row[at] ?? ""]).filter(([, value]) => value !== "")));
}

async function takeIn(file) {
  const outcome = $("offers").querySelector(".outcome");
  try {
    const rows = parse((await file.text()).replace(/^\ufeff/, ""));
    const { stored } = await api("POST", `${BASE}/offers`, { rows });
    await load();
    outcome.textContent = `${stored} offers were taken in from ${file.name}.`;
  } catch (error) {
    outcome.textContent = `${file.name}: ${error.message}`;
  }
}

function download() {
  const fields = [...FIELDS.map(([field]) => field), "status"];
  const cell = (offer, field) => (LISTED.includes(field) ? offer[field].join("|") : offer[field]);
  save("offers.csv", [fields, ...portfolio.rows.map((offer) => fields.map((field) => cell(offer, field)))]);
}

async function load() {
  portfolio = await api("GET", `${BASE}/desk/portfolio`);
  draw();
  await drawHouse();
}

$("offers").querySelector(".new").addEventListener("click", () => edit());
$("offers").querySelector(".download").addEventListener("click", download);
$("offers").querySelector("input[type=file]").addEventListener("change", (event) => {
  if (event.target.files[0]) takeIn(event.target.files[0]);
  event.target.value = "";
});
start(load);
