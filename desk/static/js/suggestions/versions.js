// The versions of a scene: which one serves and why, going back (it is pinned), unpinning, and what two of them differ in.

import { button, el, say } from "../core/dom.js";
import { table } from "../core/table.js";
import { api, RECOMMENDER } from "../core/server.js";
import { has, number, percent, t, when } from "../core/words.js";

export function versionsOf(scene, person, again) {
  const may = person.scopes.includes("train");
  const made = el("div", { className: "versions" }, el("h3", {}, t("versions-title")));
  if (scene.pinned) {
    const unpin = button(t("versions-unpin"), () => change(again, () => api("DELETE", `${RECOMMENDER}/models/${scene.scene}/pin`), t("versions-unpin-done")), { name: t("versions-unpin-name", { version: scene.pinned.version }) });
    made.append(el("p", { className: "notice pinned" }, scene.pinned.says || t("versions-pinned", { version: scene.pinned.version }), " ", may ? unpin : null));
  }
  if (!scene.versions.length) made.append(el("p", {}, t("versions-none")));
  else made.append(tableOf(scene, may, again));
  if (scene.versions.length > 1) made.append(comparison(scene));
  made.append(el("p", {}, el("a", { href: "/desk/trainings" }, t("versions-to-trainings"))));
  return made;
}

async function change(again, work, done) {
  try {
    const reply = await work();
    await again();
    say(reply.waits || reply.proposal_id ? t("versions-waits") : done);
  } catch (error) {
    say(error.message);
  }
}

function tableOf(scene, may, again) {
  const live = new Map((scene.live?.by_version || []).map((row) => [row.version, row.any]));
  const columns = [
    { name: "version", label: t("versions-version"), show: (value) => el("code", {}, value) },
    { name: "state", label: t("versions-state"), show: (value, row) => row.state_says || (row.current ? t("versions-current") : t("versions-earlier")) },
    { name: "method_name", label: t("versions-method") },
    { name: "says", label: t("versions-why"), show: (value, row) => el("span", { className: "why" }, value || row.why || "–") },
    { name: "taken", label: t("live-any"), number: true, show: (value, row) => (live.get(row.version) ? percent(live.get(row.version).value) : "–") },
    { name: "lines", label: t("versions-lines"), number: true, show: (value) => number(value) },
    { name: "published_at", label: t("versions-published"), show: (value) => when(value) },
  ];
  if (may) columns.splice(1, 0, { name: "act", label: t("versions-act"), download: false, show: (value, row) => (row.current || row.state === "refused" ? "–" : goBack(scene, row, again)) });
  const rows = scene.versions.map((row) => ({ ...row, taken: live.get(row.version)?.value ?? null }));
  return table(columns, rows, { caption: t("versions-title"), file: `usual-${scene.scene}-versions`, rowClass: (row) => (row.current ? "current" : "") });
}

// Two clicks: the second one is asked for in its place, so that nobody goes back by a slip of the hand.
function goBack(scene, row, again) {
  const place = el("span", { className: "row-actions" });
  const first = button(t("versions-use"), () => {
    const yes = button(t("versions-use-sure"), () => change(again, () => api("POST", `${RECOMMENDER}/models/${scene.scene}/rollback`, { version: row.version }), t("versions-used", { version: row.version })), { primary: true });
    place.replaceChildren(yes, button(t("cancel"), () => { place.replaceChildren(first); first.focus(); }));
    yes.focus();
  }, { name: t("versions-use-name", { version: row.version }) });
  place.append(first);
  return place;
}

function comparison(scene) {
  const names = scene.versions.map((row) => row.version);
  const live = scene.versions.findIndex((row) => row.current);
  const choose = (label, at) => {
    const select = el("select", {}, ...names.map((name, index) => el("option", { value: name, selected: index === at }, name)));
    return [select, el("label", {}, el("span", {}, label), select)];
  };
  const later = Math.max(live, 0);
  const [from, fromLabel] = choose(t("versions-from"), later === 0 ? 1 : 0);
  const [to, toLabel] = choose(t("versions-to"), later);
  const result = el("div", { className: "difference", "aria-live": "polite" });
  const compare = button(t("versions-compare"), async () => {
    result.replaceChildren(el("p", {}, t("versions-comparing")));
    compare.disabled = true;
    try {
      result.replaceChildren(...difference(scene, await api("GET", `${RECOMMENDER}/models/${scene.scene}/diff?${new URLSearchParams({ from: from.value, to: to.value })}`)));
    } catch (error) {
      result.replaceChildren(el("p", { className: "notice" }, error.message));
    }
    compare.disabled = false;
  });
  return el("details", { className: "compare" }, el("summary", {}, t("versions-compare-title")),
    el("div", { className: "compare-form" }, fromLabel, toLabel, compare), result);
}

function difference(scene, reply) {
  const said = (reply.says || []).map((text) => el("p", {}, text));
  const moves = table([
    { name: "from", label: t("versions-from-item"), show: (value) => value || t("versions-others") },
    { name: "to", label: t("versions-to-item"), show: (value) => value || t("versions-others") },
    { name: "customers", label: t("versions-customers"), number: true, show: (value) => number(value) },
  ], reply.moves || [], { caption: t("versions-moves"), file: `usual-${scene.scene}-difference` });
  const groups = (rows, label, name) => (rows?.length ? table([
    { name: "group", label, show: (value) => (has(`${name}-${value}`) ? t(`${name}-${value}`) : value) },
    { name: "customers", label: t("versions-customers"), number: true, show: (value) => number(value) },
    { name: "first", label: t("versions-first-changed"), number: true, show: (value) => percent(value) },
    { name: "five", label: t("versions-five-changed"), number: true, show: (value) => percent(value) },
  ], rows, { caption: label }) : null);
  return [...said, ...(reply.moves?.length ? [moves] : []), groups(reply.by_length, t("live-by-history"), "length"), groups(reply.by_daypart, t("live-by-daypart"), "daypart")].filter(Boolean);
}
