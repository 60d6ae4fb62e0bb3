// What the offers earn: a question, its answer as a sentence, the chart under it, the table behind it, the download.
import { gained, intervals, money, ribbon, tenths } from "./curves.js";
import { $, BASE, api, button, followed, outcomeOf, save, say, start, when } from "./desk.js";
import { table } from "./figures.js";

const boxes = new Map();

// One question's section, made once. `draw(width)` gives the chart, `names` and `rows` the table behind it.
function question(id, title, answer, { caption = "", draw = null, names = [], rows = [], facts = [] } = {}) {
  if (!boxes.has(id)) {
    const box = $("question-template").content.cloneNode(true).querySelector("section");
    box.id = id;
    box.querySelector("h2").textContent = title;
    box.querySelector("h2").id = `${id}-title`;
    box.setAttribute("aria-labelledby", `${id}-title`);
    $("questions").append(box);
    boxes.set(id, box);
  }
  const box = boxes.get(id);
  box.querySelector(".answer").textContent = answer;
  const figure = box.querySelector("figure");
  figure.hidden = !draw;
  if (draw) {
    figure.querySelector("figcaption").textContent = caption;
    figure.querySelector(".chart").replaceChildren(...[draw(figure.clientWidth)].flat());
  }
  const list = box.querySelector(".facts");
  list.hidden = !facts.length;
  list.replaceChildren(...facts.map((text) => Object.assign(document.createElement("li"), { textContent: text })));
  const [details, download] = [box.querySelector(".table"), box.querySelector(".download")];
  details.hidden = download.hidden = !rows.length;
  details.querySelector("table").replaceChildren(...table(names, rows.map((cells) => ({ cells, className: "" }))));
  download.onclick = () => save(`${id}.csv`, [names, ...rows]);
  return box;
}

const span = (row) => `${money(row.low, true)} to ${money(row.high, true)}`;

function drawHoldout(desk) {
  const rows = desk.history;
  const box = question("holdout", "Against people who were left alone", desk.answer, {
    caption: "More margin per visit than in the group that is never shown an offer; the band is where the truth lies with 95 % certainty.",
    draw: rows.length > 1 ? (width) => ribbon(rows, { label: desk.answer, zero: "as much as without offers", width }) : null,
    names: ["until", "more per visit", "at least", "at most"],
    rows: rows.map((row) => [row.until.slice(0, 10), money(row.difference, true), money(row.low, true), money(row.high, true)]),
    facts: [...desk.groups.filter((one) => one.visits).map((one) =>
      `${one.customers.toLocaleString()} customers who ${one.group === "left alone" ? "were left alone" : one.group} ` +
      `brought ${money(one.value)} per visit, over ${one.visits.toLocaleString()} visits.`),
    ...(rows.length ? ["The answer allows for what each of them used to spend before; these plain averages do not."] : [])],
  });
  box.classList.toggle("certain", desk.decided && desk.difference > 0);
}

function drawSingle(single) {
  const rows = single.history || [];
  question("single", "Against the best single offer", single.answer, {
    caption: "More margin per visit on the same visits, doubly robust. The best single offer is always the one with the best " +
      `average among those that may be shown just then${single.offer ? `; over all it is “${single.offer}”` : ""}.`,
    draw: rows.length > 1 && single.high - single.low > 0.5
      ? (width) => ribbon(rows, { label: single.answer, zero: "as much as the best single offer", width }) : null,
    names: ["until", "more per visit", "at least", "at most"],
    rows: rows.map((row) => [row.until.slice(0, 10), money(row.difference, true), money(row.low, true), money(row.high, true)]),
  });
}

function drawWhom(whom) {
  question("whom", "Whom do offers move?", whom.answer, {
    caption: "Left: gain per visit by tenth of visits (bar), with its interval, and what the model predicted (line). " +
      "Right: what is gained when only the best share of visits carries an offer (Qini curve).",
    draw: whom.deciles.length ? (width) => {
      const each = width > 760 ? width / 2 - 10 : width;
      return [tenths(whom.deciles, { label: whom.answer, width: each }), gained(whom.curve, { label: "Qini curve", width: each })];
    } : null,
    names: ["tenth", "predicted", "gain per visit", "at least", "at most"],
    rows: whom.deciles.map((row) => [row.decile, money(row.predicted, true), money(row.gain, true), money(row.low, true), money(row.high, true)]),
  });
}

function drawWhatIf(whatIf, names) {
  const named = (policy) => names.get(policy) || policy;
  const rows = whatIf.rows;
  question("what-if", "What if we had done something else?", whatIf.answer.replace(/offer-?\w+/, (id) => `“${named(id)}”`), {
    caption: "Margin per visit on the visits of the log: doubly robust (dot, with interval) and weighted (square). " +
      "(?) rests on few visits: a hint, no more.",
    draw: rows.length ? (width) => intervals(rows.map((row) => ({
      policy: named(row.policy), value: row.dr.value, low: row.dr.low, high: row.dr.high, other: row.snips.value,
      warning: row.warning, strong: row.policy === "learned",
    })), { label: whatIf.answer, width }) : null,
    names: ["policy", "doubly robust", "interval", "weighted (SNIPS)", "interval", "effective visits", "warning"],
    rows: rows.map((row) => [named(row.policy), money(row.dr.value), span(row.dr), money(row.snips.value), span(row.snips), Math.round(row.ess), row.warning]),
  });
}

function drawTrust(desk) {
  const box = question("trust", "Can the figures be trusted?", desk.ratio.answer, {
    facts: [
      desk.exploring.answer,
      `${desk.decisions.toLocaleString()} decisions are judged; the windows of ${desk.open_windows.toLocaleString()} more are still open and count as unknown, not as nothing.`,
      ...("completed_aware" in desk ? [`${desk.completed_aware.toLocaleString()} redemptions came after a view; ` +
        `${desk.completed_blind.toLocaleString()} came without one and earn the offer no credit.`] : []),
    ],
  });
  box.classList.toggle("alarm", desk.ratio.broken);
}

function drawTraining(desk) {
  const box = $("training");
  box.hidden = false;
  box.querySelector(".answer").textContent = desk.version
    ? `Version ${desk.version} decides. ${desk.why}` : "No version yet: every offer gets its trial until enough is known.";
  const last = desk.runs[0];
  if (last && last.state !== "running") box.querySelector(".outcome").textContent = `Last training, ${when(last.ended_at)}: ${outcomeOf(last)}`;
  const details = box.querySelector(".versions");
  details.hidden = !desk.versions.length;
  const rows = desk.versions.map((version) => {
    const back = button("Use this one", `Use version ${version.version}`, () => goBack(version.version));
    return {
      cells: [version.version, money(version.value), money(version.baseline_value), version.lines.toLocaleString(),
        when(version.published_at), version.current ? "in use" : back],
      className: version.current ? "current" : "",
    };
  });
  details.querySelector("table").replaceChildren(...table(["version", "earns per visit", "best single offer", "decisions", "published", ""], rows));
}

async function goBack(version) {
  try {
    await api("POST", `${BASE}/models/offers/rollback`, { version });
    await load();
    $("training").querySelector(".outcome").textContent = `Version ${version} is in use now.`;
  } catch (error) {
    say(error.message);
  }
}

async function train() {
  const button = $("training").querySelector(".train");
  button.disabled = true;
  try {
    const { run_id } = await api("POST", `${BASE}/models/offers/train`);
    await followed("offers", run_id, $("training").querySelector(".progress"));
    await load();
  } catch (error) {
    say(error.message);
  }
  button.disabled = false;
}

async function load() {
  const [desk, portfolio] = await Promise.all([api("GET", `${BASE}/desk/offers`), api("GET", `${BASE}/desk/portfolio`)]);
  const names = new Map(portfolio.rows.map((row) => [row.offer_id, row.name]));
  names.set("learned", "The policy in force").set("no offer", "No offer at all").set("best single offer", "The best single offer");
  const single = desk.best_single;
  $("counts").textContent = portfolio.answer;
  drawHoldout(desk);
  drawSingle({ ...single, offer: names.get(single.offer) || single.offer });
  drawWhom(desk.whom);
  drawWhatIf(desk.what_if, names);
  drawTrust(desk);
  drawTraining(desk);
}

$("training").querySelector(".train").addEventListener("click", train);
start(load);
