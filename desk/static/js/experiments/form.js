// Write an experiment: what is asked, what differs, and how long it will take; everything is filled in to begin with.

import { button, el, say } from "../core/dom.js";
import { clear, field, guard, mark } from "../core/form.js";
import { answer } from "../core/page.js";
import { api } from "../core/server.js";
import { t } from "../core/words.js";
import { sayAfterwards } from "./notice.js";
import { variantFields } from "./variants.js";
import { EXPERIMENTS, moment } from "./words.js";

export const METRICS = { orders: ["first", "any", "value"], destinations: ["first", "any"], offers: ["value", "redeemed"] };
const USUAL_EFFECT = 3; // successes of 100 visits
const CHECK_MS = 250;

const options = (values, label, chosen) => values.map((one) => el("option", { value: one, selected: one === chosen }, label(one)));
const select = (values, label, chosen) => el("select", {}, ...options(values, label, chosen));

// What can be tried at all, best first: another version of orders, an offer to leave out, other rules.
function proposal(choices) {
  const other = (scene) => choices.versions[scene].find((one) => !one.live)?.version;
  const now = { kind: "as_it_is", share: 0.5, label: "" };
  for (const scene of ["orders", "destinations"]) {
    if (other(scene)) return { scene, metric: "first", variants: [now, { kind: "model", version: other(scene), share: 0.5, label: "" }] };
  }
  if (choices.offers.length) return { scene: "offers", metric: "value", variants: [now, { kind: "offers", off: [choices.offers[0].offer_id], share: 0.5, label: "" }] };
  if (choices.rules.length) return { scene: "orders", metric: "first", variants: [now, { kind: "rules", document: choices.rules[0], share: 0.5, label: "" }] };
  return { scene: "orders", metric: "first", variants: [now, { kind: "model", share: 0.5, label: "" }] };
}

function what(draft, choices) {
  const other = draft.variants[1];
  const offer = choices.offers.find((one) => one.offer_id === (other.off || [])[0]);
  return offer ? `${t("experiments-off")}: ${offer.name}` : t(`experiments-kind-${other.kind}`);
}

class Form {
  constructor(draft, choices, id, tag) {
    Object.assign(this, { draft, choices, id, tag, timer: 0 });
    this.name = el("input", { type: "text", maxLength: 500, value: draft.name ?? t("experiments-default-name", { what: what(draft, choices) }) });
    this.question = el("input", { type: "text", maxLength: 500, value: draft.question ?? "" });
    this.scene = select(Object.keys(METRICS), (one) => t(`experiments-scene-${one}`), draft.scene);
    this.metric = el("select");
    this.effect = el("input", { type: "text", inputMode: "decimal" });
    this.traffic = el("input", { type: "number", min: 1, max: 100, value: String(Math.round((draft.traffic ?? 1) * 100)) });
    this.ends = el("input", { type: "date", value: draft.ends_us ? moment(draft.ends_us).slice(0, 10) : "" });
    this.variants = el("div", { className: "variants" });
    this.takes = el("p", { className: "takes", role: "status" });
    this.scene.onchange = () => this.sceneChanged();
    this.metric.onchange = () => this.metricChanged();
    this.metrics(draft.metric);
    this.effect.value = this.shown(draft.minimum_effect);
  }

  get unit() {
    return this.metric.value === "value" ? 10 ** this.choices.digits : 0.01;
  }

  shown(effect) {
    if (effect === undefined) return String(this.metric.value === "value" ? 0.2 : USUAL_EFFECT);
    return String(Number((effect / this.unit).toFixed(3)));
  }

  metrics(chosen) {
    this.metric.replaceChildren(...options(METRICS[this.scene.value], (one) => t(`experiments-metric-${one}`), chosen));
  }

  sceneChanged() {
    this.metrics();
    const fresh = this.scene.value === "offers" ? { kind: "offers", off: [] } : { kind: "model", version: this.choices.versions[this.scene.value].find((one) => !one.live)?.version };
    this.draft.variants = [{ kind: "as_it_is", share: 0.5, label: "" }, { share: 0.5, label: "", ...fresh }];
    this.metricChanged();
    this.drawVariants();
  }

  metricChanged() {
    this.effect.value = this.shown(undefined);
    this.hint();
    this.check();
  }

  hint() {
    this.form.querySelector("[data-field=minimum_effect] .hint").textContent = this.metric.value === "value" ? t("experiments-effect-value", { currency: this.choices.currency }) : t("experiments-effect-share");
  }

  drawVariants() {
    this.rows = this.draft.variants.map((variant, at) => variantFields(variant, at, this.scene.value, this.choices, () => this.remove(at), () => this.check()));
    const more = this.rows.length < 5 ? button(t("experiments-add-variant"), () => this.add()) : null;
    this.variants.replaceChildren(...this.rows.map((row) => row.box), more ?? "");
  }

  add() {
    const variants = this.rows.map((row) => row.read());
    const share = 1 / (variants.length + 1);
    const kind = this.scene.value === "offers" ? "offers" : "model";
    this.draft.variants = [...variants, { kind, label: "" }].map((one) => ({ ...one, share }));
    this.drawVariants();
    this.check();
  }

  remove(at) {
    const kept = this.rows.map((row) => row.read()).filter((_, place) => place !== at);
    this.draft.variants = kept.map((one) => ({ ...one, share: 1 / kept.length }));
    this.drawVariants();
    this.check();
  }

  read() {
    const effect = Number(this.effect.value.trim().replace(",", "."));
    return {
      name: this.name.value,
      question: this.question.value,
      scene: this.scene.value,
      metric: this.metric.value,
      minimum_effect: Number.isFinite(effect) ? effect * this.unit : null,
      traffic: Number(this.traffic.value) / 100,
      ends_us: this.ends.value ? Date.parse(`${this.ends.value}T23:59:59Z`) * 1000 : null,
      variants: this.rows.map((row) => row.read()),
    };
  }

  check() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.estimate(), CHECK_MS);
  }

  async estimate() {
    const asked = this.read();
    const query = new URLSearchParams({ scene: asked.scene, metric: asked.metric, minimum_effect: asked.minimum_effect, shares: asked.variants.map((one) => one.share).join(","), traffic: asked.traffic });
    try {
      this.takes.textContent = (await api("GET", `/recommender/v1/desk/experiment-estimate?${query}`)).sentence;
    } catch {
      this.takes.textContent = "";
    }
  }

  async save(begin) {
    clear(this.form);
    const buttons = [...this.form.querySelectorAll("button")];
    for (const one of buttons) one.disabled = true;
    try {
      const saved = this.id ? await api("PUT", `${EXPERIMENTS}/${encodeURIComponent(this.id)}`, this.read(), { tag: this.tag }) : await api("POST", EXPERIMENTS, this.read());
      Object.assign(this, { id: saved.experiment_id, tag: saved.etag });
      if (begin) await api("POST", `${EXPERIMENTS}/${encodeURIComponent(this.id)}/start`, {});
      this.form.dataset.dirty = "";
      sayAfterwards(t(begin ? "experiments-started" : "experiments-saved"));
      location.hash = encodeURIComponent(this.id);
    } catch (error) {
      const fields = error.problem?.fields || [];
      say(fields.length ? t("fields-wrong") : error.message);
      mark(this.form, fields);
    } finally {
      for (const one of buttons) one.disabled = false;
    }
  }

  draw() {
    const fields = el("fieldset", { className: "fields" },
      field("name", t("experiments-name"), this.name, t("experiments-name-hint")),
      field("question", t("experiments-question"), this.question, t("experiments-question-hint")),
      field("scene", t("experiments-scene"), this.scene),
      field("metric", t("experiments-metric"), this.metric),
      field("minimum_effect", t("experiments-effect"), this.effect, " "),
      field("traffic", t("experiments-traffic"), this.traffic, t("experiments-traffic-hint")),
      field("ends_us", t("experiments-ends"), this.ends, t("experiments-ends-hint")));
    const wrong = field("variants", "", el("input", { type: "hidden" }));
    this.form = el("form", { noValidate: true, className: "experiment-form", oninput: () => this.check(), onsubmit: (event) => { event.preventDefault(); this.save(true); } },
      fields, wrong, this.variants, el("h2", {}, t("experiments-how-long")), this.takes,
      el("p", { className: "actions" }, el("button", { className: "primary" }, t("experiments-save-start")), button(t("experiments-save-draft"), () => this.save(false))));
    this.drawVariants();
    guard(this.form);
    this.estimate();
    return el("section", {}, this.form);
  }
}

export async function drawForm(id) {
  const [choices, saved] = await Promise.all([
    api("GET", "/recommender/v1/desk/experiment-choices"),
    id ? api("GET", `${EXPERIMENTS}/${encodeURIComponent(id)}`) : null,
  ]);
  const form = new Form(saved ? saved.experiment : proposal(choices), choices, id, saved?.etag);
  const nothing = !choices.offers.length && !choices.rules.length && !Object.values(choices.versions).some((rows) => rows.length > 1);
  answer(nothing ? t("experiments-no-other") : t("experiments-new"));
  const drawn = form.draw();
  form.hint();
  return [el("p", {}, el("a", { href: "#" }, `← ${t("experiments-back")}`)), drawn];
}
