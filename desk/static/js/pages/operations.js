// Is everything working? Devices, times of the stages, engine packs, disk.

import { $, el } from "../core/dom.js";
import { answer, start } from "../core/page.js";
import { api, DESK, IDENTITY, RECOMMENDER } from "../core/server.js";
import { table } from "../core/table.js";
import { has, number, percent, t } from "../core/words.js";
import { webhooks } from "../operations/webhooks.js";

const AGAIN_MS = 15000;
const GB = 1e9;

const section = (title, ...children) => el("section", {}, el("h2", {}, title), ...children);
const named = (prefix, name) => (has(prefix + name) ? t(prefix + name) : name);

function ago(seconds) {
  if (seconds === null) return "–";
  if (seconds < 60) return t("operations-ago-now");
  if (seconds < 3600) return t("operations-ago-minutes", { n: Math.round(seconds / 60) });
  if (seconds < 86400) return t("operations-ago-hours", { n: Math.round(seconds / 3600) });
  return t("operations-ago-days", { n: Math.round(seconds / 86400) });
}

function decisions(found) {
  const parts = Object.entries(found).map(([name, n]) => `${named("operations-decision-", name)} ${number(n)}`);
  return parts.join(", ") || t("operations-few");
}

// A screen uses the server's time, so a few seconds do not matter.
function clock(ahead) {
  if (ahead === null) return "–";
  return Math.abs(ahead) < 5 ? t("operations-clock-right") : t("operations-clock-off", { seconds: number(ahead) });
}

function devices(rows) {
  const columns = [
    { name: "device", label: t("operations-device") },
    { name: "site", label: t("operations-site") },
    { name: "state", label: t("operations-state"), show: (state) => el("span", { className: `state ${state}` }, t(`operations-state-${state}`)) },
    { name: "sends", label: t("operations-sends"), show: (mode, row) => t(`operations-sends-${row?.attested ? "attested" : mode}`) },
    { name: "seen_s", label: t("operations-seen"), show: ago },
    { name: "requests", label: t("operations-requests"), number: true, show: (n) => number(n) },
    { name: "refused", label: t("operations-refused"), number: true, show: (n) => number(n) },
    { name: "failed", label: t("operations-failed-column"), number: true, show: (n) => number(n) },
    { name: "p95_ms", label: t("operations-p95"), number: true, show: (n) => (n === null ? "–" : t("operations-ms", { n: number(n) })) },
    { name: "clock_ahead_s", label: t("operations-clock"), show: clock },
    { name: "not_me_rate", label: t("operations-not-me-rate"), number: true, show: (rate) => percent(rate, 1) },
    { name: "decisions", label: t("operations-decisions"), show: (found) => el("span", { className: "wrap" }, decisions(found)), download: false },
  ];
  return section(t("operations-devices"), table(columns, rows, { caption: t("operations-devices"), file: "devices" }));
}

// The bound below which a share of the measured times lies.
function within(buckets, share) {
  const total = buckets.reduce((sum, one) => sum + one.count, 0);
  let reached = 0;
  for (const one of buckets) {
    reached += one.count;
    if (total && reached >= share * total) return one.le === null ? "> 1.6 s" : t("operations-ms", { n: number(1000 * one.le) });
  }
  return "–";
}

// One bar for each upper bound, as high as its share: the shape of the times at a glance.
function shape(buckets) {
  const most = Math.max(1, ...buckets.map((one) => one.count));
  const space = "http://www.w3.org/2000/svg";
  const svg = document.createElementNS(space, "svg");
  const [wide, high] = [12, 36];
  for (const [name, value] of Object.entries({ viewBox: `0 0 ${wide * buckets.length} ${high}`, width: wide * buckets.length, height: high, class: "shape", "aria-hidden": "true" })) svg.setAttribute(name, value);
  buckets.forEach((one, at) => {
    const bar = document.createElementNS(space, "rect");
    const height = Math.max(one.count ? 2 : 0, (one.count / most) * high);
    for (const [name, value] of Object.entries({ x: at * wide + 1, y: high - height, width: wide - 2, height })) bar.setAttribute(name, value);
    svg.append(bar);
  });
  return svg;
}

function stages(rows) {
  const shown = rows.map((row) => ({ ...row, n: row.buckets.reduce((sum, one) => sum + one.count, 0), half: within(row.buckets, 0.5), most: within(row.buckets, 0.95) }));
  const columns = [
    { name: "stage", label: t("operations-stage") },
    { name: "n", label: t("operations-stage-count"), number: true, show: (n) => number(n) },
    { name: "half", label: t("operations-stage-half"), number: true },
    { name: "most", label: t("operations-stage-most"), number: true },
    { name: "buckets", label: "", show: shape, download: false },
  ];
  return section(t("operations-times"), table(columns, shown.filter((row) => row.n), { caption: t("operations-times"), file: "stages" }));
}

function packs(found) {
  const rows = found.packs.map((row) => ({ ...row, promise: found.promise }));
  const columns = [
    { name: "pack", label: t("operations-pack") },
    { name: "vendor", label: t("operations-vendor") },
    { name: "licence", label: t("operations-licence") },
    { name: "grade", label: t("operations-grade"), show: (grade) => named("operations-grade-", grade) },
    { name: "gallery", label: t("operations-gallery"), number: true, show: (n) => number(n) },
    { name: "threshold", label: t("operations-threshold"), number: true, show: (value) => number(value, 3) },
    { name: "promise", label: t("operations-promise"), number: true, show: (share) => percent(share, 2) },
    { name: "sha256", label: t("operations-hash"), show: (hash) => el("code", { title: hash }, `${hash.slice(0, 16)}…`) },
  ];
  return section(t("operations-packs"), el("p", { className: "answer" }, found.answer), table(columns, rows, { caption: t("operations-packs"), file: "packs" }));
}

function attention(rows) {
  if (!rows.length) return null;
  return section(t("operations-needs"), el("ul", { className: "attention" }, ...rows.map((row) => el("li", {}, row.text))));
}

// Where somebody pressed "Call staff"; a click says that somebody has been there.
function calls(rows) {
  if (!rows.length) return null;
  const name = ({ device, site }) => [device, site].filter(Boolean).join(", ");
  const done = (row) => el("button", { type: "button", className: "quiet", onclick: () => answered(row) }, t("operations-call-done"));
  return section(t("operations-calls"), el("ul", { className: "attention", role: "status" }, ...rows.map((row) =>
    el("li", {}, el("strong", {}, name(row)), " ", t("operations-call-since", { ago: ago(row.since_s) }), " ", done(row)))));
}

async function answered({ device }) {
  await api("DELETE", `${RECOMMENDER}/desk/calls/${encodeURIComponent(device)}`).catch((error) => {
    if (error.problem?.code !== "no_such_call") throw error; // somebody else was quicker
  });
  await draw();
}

async function draw() {
  const [here, recognition, called, notified] = await Promise.all([
    api("GET", `${DESK}/operations`),
    api("GET", `${IDENTITY}/desk/recognition`).catch((error) => ({ missing: error })),
    api("GET", `${RECOMMENDER}/desk/calls`).catch(() => ({ calls: [] })), // of a server that has no recommender
    webhooks(draw),
  ]);
  answer(here.answer);
  const { free, total } = here.disk;
  $("content").replaceChildren(...[
    calls(called.calls),
    attention(here.attention),
    devices(here.devices),
    stages(here.stages),
    recognition.missing ? el("p", { className: "quiet" }, t("operations-elsewhere")) : packs(recognition),
    notified,
    section(t("operations-disk-title"), el("p", {}, t("operations-disk-free", { free: number(free / GB, 1), total: number(total / GB, 1) })),
      el("progress", { max: total, value: total - free, "aria-label": t("operations-disk-title") })),
  ].filter(Boolean));
}

start(async () => {
  await draw();
  setInterval(() => { if (!document.hidden) draw().catch(() => {}); }, AGAIN_MS);
});
