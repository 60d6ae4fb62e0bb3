// The list of trainings, page by page, with progress bars; each one's details and its cancelling.

import { button, el, say } from "../core/dom.js";
import { api, RECOMMENDER } from "../core/server.js";
import { table } from "../core/table.js";
import { number, percent, t, when } from "../core/words.js";

const SCENES = ["orders", "destinations", "offers"];
const STATES = ["running", "published", "unchanged", "tried", "refused", "failed", "cancelled", "lost"];
const PAGE = 20;

export class Runs {
  constructor(may, changed) {
    this.may = may;
    this.changed = changed;
    this.shown = PAGE;
    this.open = null;
    this.scene = this.choice("trainings-filter-scene", "trainings-all-scenes", SCENES, "trainings-scene");
    this.state = this.choice("trainings-filter-state", "trainings-all-states", STATES, "trainings-state");
    this.list = el("div", {});
    this.details = el("div", { id: "run-details", tabIndex: -1 });
    this.more = button(t("trainings-more"), () => { this.shown += PAGE; return this.changed(); });
    const filters = el("div", { className: "actions" }, this.scene.label, this.state.label);
    this.box = el("section", { id: "runs" }, el("h2", {}, t("trainings-list")), filters, this.list, this.more, this.details);
  }

  choice(label, all, values, prefix) {
    const select = el("select", { onchange: () => { this.shown = PAGE; return this.changed(); } },
      el("option", { value: "" }, t(all)), ...values.map((value) => el("option", { value }, t(`${prefix}-${value}`))));
    return { select, label: el("label", {}, t(label), " ", select) };
  }

  async load() {
    const query = new URLSearchParams();
    if (this.scene.select.value) query.set("scene", this.scene.select.value);
    if (this.state.select.value) query.set("state", this.state.select.value);
    const [rows, running] = await Promise.all([this.pages(query), api("GET", `${RECOMMENDER}/runs?state=running&n=10`)]);
    const open = this.open && (await api("GET", `${RECOMMENDER}/models/${this.open.scene}/runs/${this.open.run_id}`));
    return { ...rows, running: running.runs, open };
  }

  async pages(query) {
    const runs = [];
    let next = null;
    do {
      query.set("n", String(Math.min(100, this.shown - runs.length)));
      if (next) query.set("cursor", next);
      const reply = await api("GET", `${RECOMMENDER}/runs?${query}`);
      runs.push(...reply.runs);
      next = reply.next;
    } while (next && runs.length < this.shown);
    return { runs, next };
  }

  draw({ runs, next, open }) {
    this.more.hidden = !next;
    // Redrawn only when something has changed: a button keeps its focus, a reader its place.
    const drawn = JSON.stringify([runs, open]);
    if (drawn === this.drawn) return;
    this.drawn = drawn;
    const kept = document.activeElement?.dataset?.run;
    this.list.replaceChildren(runs.length ? this.table(runs) : el("p", { className: "quiet" }, t("trainings-none")));
    this.details.replaceChildren(...(open ? [this.whole(open)] : []));
    if (kept) this.box.querySelector(`[data-run="${CSS.escape(kept)}"]`)?.focus();
  }

  table(runs) {
    const columns = [
      { name: "started_at", label: t("trainings-started"), show: when },
      { name: "scene_text", label: t("trainings-scene") },
      { name: "kind_text", label: t("trainings-kind") },
      { name: "state_text", label: t("trainings-state"), show: (text, run) => (run.state === "running" ? this.progress(run) : text) },
      { name: "why", label: t("trainings-why"), show: (text) => el("span", { className: "why" }, text) },
      { name: "seconds", label: t("trainings-duration"), number: true, show: seconds },
      { name: "run_id", label: "", show: (_, run) => this.buttons(run) },
    ];
    return table(columns, runs, { caption: t("trainings-list"), file: "trainings", rowClass: (run) => `is-${run.state}` });
  }

  progress(run) {
    const text = t("trainings-progress", { stage: run.stage_text, share: percent(run.share) });
    return el("span", { className: "running" }, el("progress", { max: 1, value: run.share, "aria-label": text }), el("span", {}, text),
      this.may ? this.cancelling(run) : null);
  }

  buttons(run) {
    const about = `${run.scene_text}, ${when(run.started_at)}`;
    return button(t("trainings-details"), () => this.show(run), { name: `${t("trainings-details")}: ${about}`, dataset: { run: `details-${run.run_id}` } });
  }

  cancelling(run) {
    const name = `${t("trainings-cancel")}: ${run.scene_text}, ${when(run.started_at)}`;
    return button(t("trainings-cancel"), () => this.cancel(run), { name, dataset: { run: `cancel-${run.run_id}` }, disabled: Boolean(run.cancel) });
  }

  async cancel(run) {
    try {
      await api("POST", `${RECOMMENDER}/models/${run.scene}/runs/${run.run_id}/cancel`);
      say(t("trainings-cancel-asked"));
    } catch (error) {
      say(error.message);
    }
    await this.changed();
  }

  async show(run) {
    this.open = run;
    await this.changed();
    this.details.focus();
  }

  whole(run) {
    const cut = run.lines === null ? null
      : t("trainings-cut", { lines: number(run.lines), customers: number(run.customers), until: when(run.until) });
    const facts = [
      ["trainings-state", run.state === "running" ? this.progress(run) : run.state_text],
      ["trainings-why", run.why], ["trainings-by", run.by], ["trainings-kind", run.kind_text], ["trainings-version", run.version],
      ["trainings-learned-from", cut], ["trainings-duration", run.seconds === null ? null : seconds(run.seconds)],
      ["trainings-memory", run.peak_mb === null ? null : `${number(run.peak_mb)} MB`], ["trainings-seed", run.seed], ["trainings-hash", run.sha256],
    ].filter(([, value]) => value !== null && value !== "" && value !== undefined);
    const list = el("dl", { className: "run-facts" }, ...facts.flatMap(([label, value]) =>
      [el("dt", {}, t(label)), el("dd", {}, value instanceof Node ? value : String(value))]));
    const log = el("pre", { className: "log", tabIndex: 0, role: "region", "aria-label": t("trainings-log") }, run.log.join("\n") || t("trainings-log-none"));
    const close = button(t("trainings-close"), () => { this.open = null; return this.changed(); });
    return el("article", {}, el("h3", {}, `${run.scene_text}, ${when(run.started_at)}`), list, el("h4", {}, t("trainings-log")), log, close);
  }
}

const seconds = (value) => (value === null ? "–" : value < 120 ? `${number(value, 1)} s` : `${number(value / 60, 1)} min`);
