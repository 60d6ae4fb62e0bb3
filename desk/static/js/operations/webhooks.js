// Other systems that are notified: their addresses, and the messages that never arrived there.

import { button, el } from "../core/dom.js";
import { api } from "../core/server.js";
import { table } from "../core/table.js";
import { number, t, when } from "../core/words.js";

const PATH = "/v1/webhooks";

/** What the page shows of them; null: there are none, or this server has none to show. */
export async function webhooks(changed) {
  const [found, lost] = await Promise.all([PATH, `${PATH}/undelivered`].map((path) =>
    api("GET", path).catch(() => ({ rows: [] }))));
  if (!found.rows.length) return null;
  const waiting = (id) => lost.rows.filter((row) => row.webhook_id === id).length;
  const rows = found.rows.map((row) => ({ ...row, events: row.events.join(", "), lost: waiting(row.webhook_id) }));
  const columns = [
    { name: "url", label: t("operations-webhook-url"), show: (url) => el("span", { className: "wrap" }, url) },
    { name: "events", label: t("operations-webhook-events"), show: (events) => el("span", { className: "wrap" }, events) },
    { name: "lost", label: t("operations-webhook-lost"), number: true, show: (n) => number(n) },
    { name: "webhook_id", label: "", download: false, show: (id) => (waiting(id) ? again(id, changed) : "") },
  ];
  return el("section", { id: "webhooks" }, el("h2", {}, t("operations-webhooks")),
    table(columns, rows, { caption: t("operations-webhooks"), file: "webhooks" }), undelivered(lost.rows));
}

function again(id, changed) {
  return button(t("operations-webhook-again"), async () => {
    await api("POST", `${PATH}/${id}/replays`, {});
    await changed();
  });
}

function undelivered(rows) {
  if (!rows.length) return null;
  const columns = [
    { name: "made_at", label: t("operations-webhook-made"), show: when },
    { name: "event", label: t("operations-webhook-event") },
    { name: "tries", label: t("operations-webhook-tries"), number: true, show: (n) => number(n) },
    { name: "why", label: t("operations-webhook-why") },
    { name: "kept_until", label: t("operations-webhook-kept"), show: when },
  ];
  return table(columns, rows, { caption: t("operations-webhook-lost"), file: "undelivered" });
}
