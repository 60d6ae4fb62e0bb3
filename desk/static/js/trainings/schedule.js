// The schedule: for each model one text that is read while it is typed, its next trainings, pause and train now.

import { button, el, say } from "../core/dom.js";
import { field, guard, submit } from "../core/form.js";
import { api, RECOMMENDER } from "../core/server.js";
import { t } from "../core/words.js";

const SCENES = ["orders", "destinations", "offers"];
const TYPED_MS = 250;
const SUGGESTIONS = "trainings-suggestions";

export class Schedule {
  // `changed` is called after something was done; `may`: whether this person may change anything.
  constructor(may, changed) {
    this.may = may;
    this.changed = changed;
    this.rows = new Map();
    this.zones = null;
    const list = el("datalist", { id: SUGGESTIONS }, ...t(SUGGESTIONS).split(" | ").map((value) => el("option", { value })));
    this.box = el("section", { id: "schedule" }, el("h2", {}, t("trainings-schedule")), list);
    for (const scene of SCENES) {
      const row = new Row(scene, this);
      this.rows.set(scene, row);
      this.box.append(row.form);
    }
  }

  draw(reply, running) {
    this.reply = reply;
    for (const [scene, row] of this.rows) {
      row.draw(reply.rows.find((one) => one.scene === scene), running.find((run) => run.scene === scene));
    }
  }

  // The document with one model's entry replaced; null removes it.
  document(scene, entry) {
    const others = this.reply.rows.filter((row) => row.scene !== scene);
    const plain = others.map(({ scene: name, text, timezone, enabled }) => ({ scene: name, text, timezone, enabled }));
    return { rows: entry ? [...plain, entry] : plain };
  }

  async regions() {
    this.zones ??= (await api("GET", `${RECOMMENDER}/schedule/zones`)).regions;
    return this.zones;
  }
}

class Row {
  constructor(scene, schedule) {
    this.scene = scene;
    this.schedule = schedule;
    const name = t(`trainings-scene-${scene}`);
    this.text = el("input", { type: "text", autocomplete: "off", maxLength: 200, disabled: !schedule.may });
    this.text.setAttribute("list", SUGGESTIONS);
    this.text.addEventListener("input", () => this.typed());
    this.zone = el("select", { disabled: !schedule.may, onchange: () => this.typed() }, el("option", { value: "" }, ""));
    this.zone.addEventListener("focus", () => this.fillZones(), { once: true });
    this.reading = el("div", { className: "reading", role: "status", "aria-live": "polite" });
    this.state = el("p", { className: "notice", hidden: true });
    this.progress = el("div", {});
    this.until = el("input", { type: "datetime-local", onchange: () => this.pause(this.until.value) });
    const save = el("button", { className: "primary" }, t("trainings-save"));
    save.setAttribute("aria-label", `${name}: ${t("trainings-save")}`);
    const named = (label, work) => button(t(label), work, { name: `${name}: ${t(label)}` });
    this.pauses = el("details", { className: "pauses" }, el("summary", {}, t("trainings-pause")),
      el("div", { className: "actions" }, named("trainings-pause-open", () => this.pause("")),
        el("label", {}, t("trainings-pause-until"), " ", this.until)));
    this.resume = named("trainings-resume", () => this.resumed());
    this.now = named("trainings-run-now", () => this.train(false));
    this.dry = named("trainings-dry-run", () => this.train(true));
    this.dry.title = t("trainings-dry-run-hint");
    const fields = el("div", { className: "fields" },
      field(`text-${scene}`, t("trainings-when"), this.text, t("trainings-when-hint")), field(`timezone-${scene}`, t("trainings-zone"), this.zone));
    this.form = el("form", { id: `schedule-${scene}`, className: "schedule-row", noValidate: true, onsubmit: (event) => this.save(event) },
      el("h3", {}, name), this.state, fields, this.reading, this.progress,
      schedule.may ? el("div", { className: "actions" }, save, this.now, this.dry, this.resume, this.pauses) : null);
    guard(this.form);
  }

  draw(entry, run) {
    this.entry = entry;
    if (!this.form.dataset.dirty) {
      this.text.value = entry?.text ?? "";
      this.showZone(entry?.timezone ?? "");
      this.show(entry);
    }
    this.state.textContent = entry?.paused_text ?? "";
    this.state.hidden = !entry?.paused;
    this.resume.hidden = !entry?.paused;
    this.pauses.hidden = !entry || entry.paused;
    this.now.disabled = this.dry.disabled = Boolean(run);
  }

  show(entry) {
    if (!entry) return this.reading.replaceChildren(el("p", { className: "quiet" }, t("trainings-nothing-yet")));
    const next = el("ul", { className: "facts" }, ...entry.next.map((one) => el("li", {}, one.text)));
    return this.reading.replaceChildren(el("p", {}, t("trainings-understood", { text: `${entry.understood} (${entry.zone})` })),
      el("p", { className: "quiet" }, t("trainings-next")), next);
  }

  showZone(zone) {
    if (zone && ![...this.zone.options].some((one) => one.value === zone)) this.zone.append(el("option", { value: zone }, zone));
    this.zone.options[0].textContent = t("trainings-zone-tenant", { zone: this.schedule.reply.timezone });
    this.zone.value = zone;
  }

  async fillZones() {
    const chosen = this.zone.value;
    const groups = (await this.schedule.regions()).map(({ region, zones }) => {
      const group = el("optgroup", {}, ...zones.map((zone) => el("option", { value: zone }, zone)));
      group.label = region;
      return group;
    });
    this.zone.replaceChildren(this.zone.options[0], ...groups);
    this.showZone(chosen);
  }

  // Read what is typed; the last key counts, and an answer that comes late is not shown.
  typed() {
    this.form.dataset.dirty = "true";
    clearTimeout(this.timer);
    this.timer = setTimeout(async () => {
      const text = this.text.value.trim();
      const asked = (this.asked = Symbol(text));
      if (!text) return this.show(null);
      const query = new URLSearchParams({ text, scene: this.scene, timezone: this.zone.value });
      try {
        const entry = await api("GET", `${RECOMMENDER}/schedule/reading?${query}`);
        if (this.asked === asked) this.show(entry);
      } catch (error) {
        if (this.asked === asked) this.reading.replaceChildren(el("p", { className: "message" }, error.message));
      }
      return undefined;
    }, TYPED_MS);
  }

  async save(event) {
    event.preventDefault();
    const text = this.text.value.trim();
    const entry = text ? { scene: this.scene, text, timezone: this.zone.value || null, enabled: true } : null;
    const done = await submit(this.form, async () => {
      try {
        const document = this.schedule.document(this.scene, entry);
        await api("PUT", `${RECOMMENDER}/schedule`, document, { tag: this.schedule.reply.etag });
      } catch (error) {
        if (error.changed) await this.schedule.changed();
        // The entry of this form is the last one of the document: its field is the one here.
        for (const one of error.problem?.fields || []) one.field = `text-${this.scene}`;
        throw error;
      }
    });
    if (done) await this.schedule.changed();
  }

  async pause(local) {
    const until = local ? new Date(local).toISOString() : null;
    await this.done("POST", "schedule/pause", { scene: this.scene, until }, "trainings-paused");
    this.pauses.open = false;
  }

  resumed() {
    return this.done("POST", "schedule/resume", { scene: this.scene }, "trainings-resumed");
  }

  train(dry) {
    return this.done("POST", `models/${this.scene}/train${dry ? "?dry_run=true" : ""}`, undefined, "trainings-began");
  }

  async done(method, path, body, message) {
    try {
      await api(method, `${RECOMMENDER}/${path}`, body);
      say(t(message));
      await this.schedule.changed();
    } catch (error) {
      say(error.message);
    }
  }
}
