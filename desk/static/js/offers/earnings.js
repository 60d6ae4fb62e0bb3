// What the offers earn, with proof: one offer against the other, all of them against showing none, and for analysts
// the ways to choose, whom offers move, and whether the figures can be trusted.

import { columns, intervals, lines } from "../core/chart.js";
import { el } from "../core/dom.js";
import { table } from "../core/table.js";
import { day, money, number, t, when } from "../core/words.js";

const signed = (currency) => (value) => (typeof value === "number" && value > 0 ? "+" : "") + money(value, currency);

function section(id, title, sentence, ...parts) {
  return el("section", { id, "aria-labelledby": `${id}-title` }, el("h2", { id: `${id}-title` }, title), el("p", { className: "answer" }, sentence), ...parts.filter(Boolean));
}

const facts = (...texts) => el("ul", { className: "facts" }, ...texts.filter(Boolean).map((text) => el("li", {}, text)));

export function drawEarnings(root, portfolio, proof) {
  if (proof.decisions === null || proof.decisions === undefined) return;
  const analysts = el("details", { className: "analysts" }, el("summary", {}, t("offers-for-analysts")));
  root.append(each(portfolio, proof), holdout(proof), analysts);
  // Drawn when it is opened: most never do.
  analysts.addEventListener("toggle", () => {
    if (analysts.open && analysts.children.length === 1) analysts.append(ways(proof), single(proof), whom(proof), trust(proof), training(proof));
  });
}

function each(portfolio, proof) {
  const { currency } = proof;
  const judged = proof.lifts.filter((row) => row.difference !== null);
  const box = section("each", t("offers-each"), proof.best.answer);
  if (judged.length) {
    box.append(intervals({
      label: t("offers-each"), caption: t(`offers-each-caption-${proof.value_is}`), format: signed(currency), zero: 0, valueLabel: t("offers-column-lift"),
      nameLabel: t("offers-column-name"), file: "offers-earned",
      rows: judged.map((row) => ({ label: row.name, value: row.difference, low: row.low, high: row.high, strong: row.decided })),
    }));
  }
  box.append(facts(...proof.lifts.slice(0, 12).map((row) => `${row.name}: ${row.answer}`)));
  return box;
}

function holdout(proof) {
  const { currency, history } = proof;
  const box = section("holdout", t("offers-holdout"), proof.holdout);
  if (history.length > 1) {
    box.append(lines({
      label: t("offers-holdout"), caption: t(`offers-holdout-caption-${proof.value_is}`), format: signed(currency), zero: t("offers-as-without"), file: "offers-against-none",
      x: history.map((row) => ({ text: day(row.until), long: day(row.until) })),
      series: [{ name: "difference", label: t(`offers-more-${proof.value_is}`), values: history.map((row) => row.difference), low: history.map((row) => row.low), high: history.map((row) => row.high) }],
    }));
  }
  box.append(facts(...proof.groups.filter((row) => row.visits).map((row) => row.answer), proof.counted));
  if (proof.ratio.broken) box.append(el("p", { className: "notice" }, proof.ratio.answer));
  return box;
}

function ways(proof) {
  const { currency } = proof;
  const { rows } = proof.what_if;
  return section("what-if", t("offers-ways"), proof.what_if.answer, rows.length ? intervals({
    label: t("offers-ways"), caption: t("offers-ways-caption"), format: (value) => money(value, currency), valueLabel: t(`offers-per-visit-${proof.value_is}`), nameLabel: t("offers-way"), file: "offers-ways",
    rows: rows.map((row) => ({ label: row.name, value: row.dr.value, low: row.dr.low, high: row.dr.high, other: row.snips.value, strong: row.policy === "learned", note: row.warning ? t("offers-few-visits", { n: number(row.ess) }) : "" })),
  }) : null);
}

function single(proof) {
  const rows = proof.best_single.history || [];
  return section("single", t("offers-single"), proof.best_single.answer, rows.length > 1 && !proof.best_single.same ? lines({
    label: t("offers-single"), caption: t("offers-single-caption"), format: signed(proof.currency), zero: t("offers-as-single"), file: "offers-against-best",
    x: rows.map((row) => ({ text: day(row.until), long: day(row.until) })),
    series: [{ name: "difference", label: t(`offers-more-${proof.value_is}`), values: rows.map((row) => row.difference), low: rows.map((row) => row.low), high: rows.map((row) => row.high) }],
  }) : null);
}

function whom(proof) {
  const { deciles, curve, answer } = proof.whom;
  const box = section("whom", t("offers-whom"), answer);
  if (!deciles.length) return box;
  const format = signed(proof.currency);
  box.append(columns({
    label: t("offers-whom"), caption: t("offers-whom-caption"), format, below: t("offers-whom-below"), valueLabel: t("offers-gain"), otherLabel: t("offers-predicted"),
    nameLabel: t("offers-tenth"), file: "offers-whom", rows: deciles.map((row) => ({ label: String(row.decile), value: row.gain, low: row.low, high: row.high, other: row.predicted })),
  }));
  const share = (value) => `${Math.round(100 * value)} %`;
  box.append(lines({
    label: t("offers-curve"), caption: t("offers-curve-caption"), format, file: "offers-curve", x: curve.map((row) => ({ text: share(row.share), long: share(row.share) })),
    series: [{ name: "gained", label: t("offers-well-chosen"), values: curve.map((row) => row.gained) }, { name: "random", label: t("offers-at-random"), values: curve.map((row) => row.random), quiet: true }],
  }));
  return box;
}

const trust = (proof) => section("trust", t("offers-trust"), proof.ratio.answer, facts(proof.exploring.answer, proof.counted, proof.redemptions));

function training(proof) {
  const box = section("training", t("offers-training"), proof.why, el("p", {}, el("a", { href: "/desk/trainings" }, t("offers-to-trainings")), " · ", el("a", { href: "/desk/suggestions" }, t("offers-to-versions"))));
  if (proof.versions.length) {
    box.append(table([
      { name: "version", label: t("offers-version") },
      { name: "value", label: t(`offers-per-visit-${proof.value_is}`), number: true, show: (value) => money(value, proof.currency) },
      { name: "baseline_value", label: t("offers-way-single-short"), number: true, show: (value) => money(value, proof.currency) },
      { name: "lines", label: t("offers-decisions"), number: true, show: (value) => number(value) },
      { name: "published_at", label: t("offers-published"), show: (value, row) => (row.current ? t("offers-in-use", { when: when(value) }) : when(value)) },
    ], proof.versions, { caption: t("offers-training"), file: "offers-versions" }));
  }
  return box;
}
