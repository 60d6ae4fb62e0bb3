// What the screens show, and why: the house's rules, their draft, earlier ones, and a preview beside them.

import { $, button, el, say } from "../core/dom.js";
import { field, submit } from "../core/form.js";
import { answer, start } from "../core/page.js";
import { api, RECOMMENDER } from "../core/server.js";
import { table } from "../core/table.js";
import { t, when } from "../core/words.js";
import { editor, newId } from "../scenes/editor.js";
import { preview } from "../scenes/preview.js";

const RULES = `${RECOMMENDER}/desk/rules`;
const CHECK_MS = 300;

start(async (person) => {
  const can = person.scopes.includes("train");
  const [live, draft, choices, settings] = await Promise.all([
    api("GET", RULES),
    api("GET", `${RULES}/draft`),
    api("GET", `${RULES}/choices`),
    api("GET", `${RECOMMENDER}/desk/tenant`).catch(() => ({ currency: "EUR" })),
  ]);
  new Desk({ can, live, draft, choices, currency: settings.currency || "EUR" }).draw();
});

class Desk {
  constructor({ can, live, draft, choices, currency }) {
    Object.assign(this, { can, live, draft, choices, checked: null, editing: "", form: null, timer: 0 });
    this.document = structuredClone(draft.document || live.document);
    this.rulesBox = el("section", { id: "rules" });
    this.historyBox = el("section", { id: "history" });
    this.preview = preview(choices, { document: () => (this.changed() ? this.document : null), currency });
    addEventListener("beforeunload", (event) => {
      if (this.unsaved()) event.preventDefault();
    });
  }

  changed() {
    return JSON.stringify(this.document) !== JSON.stringify(this.live.document);
  }

  unsaved() {
    return this.changed() && JSON.stringify(this.document) !== JSON.stringify(this.draft.document);
  }

  draw() {
    answer(this.live.answer);
    $("content").replaceChildren(this.rulesBox, this.preview.section, this.historyBox);
    if (this.live.trouble) say(this.live.trouble);
    this.check();
    this.drawHistory();
    this.preview.show();
  }

  // --- the rules

  // Sentences, conflicts and remarks are the server's; they are asked for a moment after each change.
  async check() {
    this.drawRules();
    clearTimeout(this.timer);
    this.timer = setTimeout(async () => {
      try {
        this.checked = await api("POST", `${RULES}/check`, this.document);
        this.drawRules();
      } catch (error) {
        say(error.message);
      }
    }, this.checked ? CHECK_MS : 0);
  }

  took() {
    this.editing = "";
    this.check();
    this.preview.show();
  }

  drawRules() {
    const said = new Map((this.checked?.rules || []).map((row) => [row.id, row]));
    const rows = this.document.rules.map((rule) => this.ruleRow(rule, said.get(rule.id)));
    const findings = [...(this.checked?.conflicts || []), ...(this.checked?.remarks || [])];
    this.rulesBox.replaceChildren(
      el("h2", {}, t("scenes-rules")),
      this.changed() ? el("p", { className: "notice" }, t("scenes-changed")) : "",
      findings.length ? el("ul", { className: "findings", id: "findings" }, ...findings.map((one) => el("li", {}, one.message))) : "",
      rows.length ? el("ul", { className: "rules" }, ...rows) : el("p", { className: "quiet" }, t("scenes-no-rules")),
      ...(this.can ? [this.adding(), this.whole(), this.actions()] : []),
      this.checked?.rules.length ? el("details", {}, el("summary", {}, t("show-table")), table(
        [{ name: "sentence", label: t("scenes-rule") }, { name: "state_text", label: t("scenes-state") }, { name: "note", label: t("scenes-note") }],
        this.checked.rules, { file: "rules", caption: t("scenes-rules") })) : "");
  }

  ruleRow(rule, row) {
    if (this.editing === rule.id) return el("li", {}, this.form);
    const text = row?.sentence || "…";
    const acts = this.can ? el("span", { className: "row-actions" },
      button(t("scenes-change"), () => this.edit(rule.id), { name: `${t("scenes-change")}: ${text}` }),
      button(rule.active ? t("scenes-pause") : t("scenes-resume"), () => this.put({ ...rule, active: !rule.active }), { name: `${rule.active ? t("scenes-pause") : t("scenes-resume")}: ${text}` }),
      button(t("scenes-remove"), () => this.remove(rule), { name: `${t("scenes-remove")}: ${text}` })) : null;
    return el("li", { className: row?.state || "" },
      el("span", { className: "sentence" }, text, row ? el("span", { className: "tag" }, row.state_text) : null), acts);
  }

  adding() {
    if (this.editing === "new") return this.form;
    return el("p", { className: "actions" }, button(t("scenes-add"), () => this.edit("new")));
  }

  // The form is made once: what is typed into it outlives every new answer of the server.
  edit(id) {
    this.editing = id;
    const rule = this.document.rules.find((one) => one.id === id) || { id: newId() };
    this.form = editor(rule, this.choices, { done: (made) => this.put(made), cancel: () => this.stop() });
    this.drawRules();
    this.rulesBox.querySelector("form select")?.focus();
  }

  stop() {
    this.editing = "";
    this.drawRules();
  }

  put(rule) {
    const at = this.document.rules.findIndex((one) => one.id === rule.id);
    if (at < 0) this.document.rules.push(rule);
    else this.document.rules[at] = rule;
    this.took();
  }

  // Taken back with one click as long as nothing else was changed.
  remove(rule) {
    const at = this.document.rules.findIndex((one) => one.id === rule.id);
    this.document.rules.splice(at, 1);
    this.took();
    const undo = button(t("scenes-undo"), () => {
      this.document.rules.splice(at, 0, rule);
      this.took();
      say("");
    });
    say(t("scenes-removed"));
    $("notice").append(" ", undo);
  }

  // What holds for all rules together.
  whole() {
    const set = (name, read) => (event) => {
      this.document[name] = read(event.target);
      this.took();
    };
    const dated = (name) => el("input", { type: "date", value: this.document[name] || "", onchange: set(name, (input) => input.value || null) });
    const least = el("input", { type: "number", min: 0, max: 10, value: this.document.least, onchange: set("least", (input) => Number(input.value)) });
    return el("details", { open: Boolean(this.document.effective_from || this.document.expires_on) }, el("summary", {}, t("scenes-whole")),
      el("div", { className: "rule-form" },
        field("effective_from", t("scenes-effective"), dated("effective_from"), t("scenes-effective-hint")),
        field("expires_on", t("scenes-expires"), dated("expires_on"), t("scenes-expires-hint")),
        field("least", t("scenes-least"), least, t("scenes-least-hint"))));
  }

  actions() {
    const form = el("form", { className: "actions" },
      el("button", { type: "submit", className: "primary", disabled: !this.changed() }, t("scenes-publish")),
      button(t("scenes-save-draft"), () => this.saveDraft(form), { disabled: !this.unsaved() }),
      this.changed() ? button(t("scenes-discard"), () => this.discard(form)) : "");
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.publish(form);
    });
    return form;
  }

  async publish(form) {
    const done = await submit(form, async () => {
      this.live = await api("PUT", RULES, this.document, { tag: this.live.etag });
    }, { done: t("scenes-published") });
    if (!done) return this.theirs();
    this.draft = await api("GET", `${RULES}/draft`);
    this.document = structuredClone(this.live.document);
    answer(this.live.answer);
    this.took();
    return this.drawHistory();
  }

  // Somebody else published meanwhile: the next attempt replaces what they saved, knowingly.
  async theirs() {
    this.live = await api("GET", RULES).catch(() => this.live);
    answer(this.live.answer);
    this.check();
  }

  async saveDraft(form) {
    const done = await submit(form, async () => {
      this.draft = await api("PUT", `${RULES}/draft`, this.document, { tag: this.draft.etag });
    }, { done: t("scenes-draft-saved") });
    if (!done) this.draft = await api("GET", `${RULES}/draft`).catch(() => this.draft);
    this.check();
  }

  async discard(form) {
    await submit(form, async () => {
      if (this.draft.document) await api("DELETE", `${RULES}/draft`);
    }, { done: t("scenes-discarded") });
    this.draft = await api("GET", `${RULES}/draft`);
    this.document = structuredClone(this.live.document);
    this.took();
  }

  // --- earlier documents

  async drawHistory() {
    const { rows } = await api("GET", `${RULES}/history`);
    const shown = rows.map((row) => ({ ...row, published: when(row.published_at), state: row.readable ? (row.holds ? t("scenes-holds") : "") : t("scenes-unreadable") }));
    const restore = (_, row) => (this.can && row.readable ? button(t("scenes-restore"), () => this.restore(row), { name: `${t("scenes-restore")}: ${row.number}` }) : "");
    const columns = [
      { name: "number", label: t("scenes-number"), number: true },
      { name: "published", label: t("scenes-published-at") },
      { name: "who", label: t("scenes-by") },
      { name: "rules", label: t("scenes-rules"), number: true },
      { name: "effective_from", label: t("scenes-effective") },
      { name: "expires_on", label: t("scenes-expires") },
      { name: "state", label: t("scenes-state") },
      { name: "restore", label: "", show: restore, download: false },
    ];
    this.historyBox.replaceChildren(el("h2", {}, t("scenes-history")),
      rows.length ? table(columns, shown, { file: "rules-history", caption: t("scenes-history") }) : el("p", { className: "quiet" }, t("scenes-no-history")));
  }

  async restore(row) {
    try {
      this.live = await api("POST", `${RULES}/restore`, { number: row.number });
    } catch (error) {
      return say(error.message);
    }
    this.draft = await api("GET", `${RULES}/draft`);
    this.document = structuredClone(this.live.document);
    answer(this.live.answer);
    say(t("scenes-restored", { number: row.number }));
    this.took();
    return this.drawHistory();
  }
}
