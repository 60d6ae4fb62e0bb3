// Keys of devices, tills and scripts: which there are and when they were used; never their secrets. Revoking one asks first.

import { button, el, say } from "../core/dom.js";
import { api, DESK } from "../core/server.js";
import { table } from "../core/table.js";
import { day, t } from "../core/words.js";

const PATH = `${DESK}/keys`;

export function keysSection() {
  const place = el("section", { id: "keys" }, el("h2", {}, t("keys-title")), el("p", { className: "quiet" }, t("keys-explained")));
  const list = el("div", {});
  place.append(list);
  const load = async () => {
    try {
      list.replaceChildren(tableOf((await api("GET", PATH)).rows, load));
    } catch (error) {
      say(error.message);
    }
  };
  load();
  return place;
}

function tableOf(rows, load) {
  if (!rows.length) return el("p", {}, t("keys-none"));
  return table([
    { name: "device", label: t("keys-device"), show: (value, row) => value || row.key_id },
    { name: "site", label: t("filter-site") },
    { name: "scopes", label: t("keys-may"), show: (value) => el("span", { className: "why" }, value.join(", ")) },
    { name: "last_used_on", label: t("keys-used"), show: (value) => (value ? day(value) : t("keys-never")) },
    { name: "act", label: t("versions-act"), download: false, show: (value, row) => revoke(row, load) },
  ], rows, { caption: t("keys-title"), file: "usual-keys" });
}

function revoke(row, load) {
  const place = el("span", { className: "row-actions" });
  const first = button(t("keys-revoke"), () => {
    const yes = button(t("keys-revoke-sure"), async () => {
      try {
        await api("DELETE", `${PATH}/${encodeURIComponent(row.key_id)}`);
        await load();
        say(t("keys-revoked"));
      } catch (error) {
        say(error.message);
      }
    }, { primary: true });
    place.replaceChildren(yes, button(t("cancel"), () => { place.replaceChildren(first); first.focus(); }));
    yes.focus();
  }, { name: t("keys-revoke-name", { key: row.device || row.key_id }) });
  place.append(first);
  return place;
}
