// Colleagues: who may do what, invite, change, remove.

import { $, button, el, say } from "../core/dom.js";
import { field, submit } from "../core/form.js";
import { api, DESK } from "../core/server.js";
import { table } from "../core/table.js";
import { t, when } from "../core/words.js";
import { confirmed, copy, dialog } from "./dialogs.js";
import { rightsFields, rightsOf, roleName } from "./rights.js";

const shown = (user) => user.display || user.name;
const input = (more) => el("input", { autocomplete: "off", autocapitalize: "none", spellcheck: false, ...more });

// The one-time link, where the invitation was: it is not shown a second time.
function showLink(place, user, reply) {
  const address = el("input", { value: new URL(reply.link, location.href).href, readOnly: true, id: "link", "aria-label": t("people-link", { name: shown(user) }) });
  place.replaceChildren(el("div", { className: "link" }, el("h2", {}, t("people-link", { name: shown(user) })), address,
    el("div", { className: "actions" }, button(t("people-copy"), () => copy(address), { primary: true })),
    el("p", { className: "quiet" }, t("people-link-hint", { until: when(reply.until) }))));
  address.focus();
  address.select();
}

function inviteSection(may, reload) {
  const place = el("div", { "aria-live": "polite" });
  const form = el("form", { id: "invite", noValidate: true },
    field("name", t("people-name"), input({ required: true, maxLength: 100 }), t("people-name-hint")),
    field("display", t("people-display"), input({ maxLength: 100 }), t("people-display-hint")),
    ...rightsFields(may), el("div", { className: "actions" }, el("button", { className: "primary" }, t("people-invite-button"))));
  form.onsubmit = async (event) => {
    event.preventDefault();
    const body = { name: form.elements.name.value, display: form.elements.display.value, ...rightsOf(form) };
    let reply;
    const saved = await submit(form, async () => { reply = await api("POST", `${DESK}/people`, body); }, { done: "" });
    if (!saved) return;
    form.reset();
    showLink(place, body, reply);
    await reload();
  };
  return el("section", {}, el("h2", {}, t("people-invite")), place, form);
}

async function change(user, may, reload) {
  const saved = await dialog(t("people-change-title", { name: shown(user) }), (close) => {
    const form = el("form", { noValidate: true },
      field("display", t("people-display"), input({ value: user.display, maxLength: 100 })), ...rightsFields(may, user),
      el("p", { className: "notice", role: "alert", hidden: true }),
      el("div", { className: "actions" }, el("button", { className: "primary" }, t("save")), button(t("cancel"), () => close(false))));
    form.onsubmit = async (event) => {
      event.preventDefault();
      const body = { display: form.elements.display.value, ...rightsOf(form) };
      try {
        await api("PUT", `${DESK}/people/${user.user_id}`, body);
        close(true);
      } catch (error) {
        Object.assign(form.querySelector(".notice"), { textContent: error.message, hidden: false });
      }
    };
    return [form];
  });
  if (saved) await reload(t("people-changed", { name: shown(user) }));
}

async function remove(user, reload) {
  const name = shown(user);
  if (!(await confirmed(t("people-remove-title", { name }), t("people-remove-text", { name }), t("people-remove")))) return;
  await tried(() => api("DELETE", `${DESK}/people/${user.user_id}`), reload, t("people-removed", { name }));
}

async function newLink(user, place) {
  try {
    showLink(place, user, await api("POST", `${DESK}/people/${user.user_id}/link`));
  } catch (error) {
    say(error.message);
  }
}

async function tried(work, reload, done) {
  try {
    await work();
    await reload(done);
  } catch (error) {
    say(error.message);
    $("notice").scrollIntoView({ block: "nearest" });
  }
}

function state(user) {
  if (user.state === "active") return t(user.code_app ? "people-state-code" : "people-state-active");
  const late = !user.link_until || new Date(user.link_until) < new Date();
  return late ? t("people-state-late") : t("people-state-invited", { until: when(user.link_until) });
}

function actions(user, may, place, reload) {
  if (!user.may_change) return el("span", { className: "quiet" }, t("people-not-yours"));
  const name = (label) => `${t(label)}: ${shown(user)}`;
  return el("span", { className: "row-actions" },
    button(t("people-change"), () => change(user, may, reload), { name: name("people-change") }),
    user.state === "invited" ? button(t("people-new-link"), () => newLink(user, place), { name: name("people-new-link") }) : null,
    button(t("people-remove"), () => remove(user, reload), { name: name("people-remove") }));
}

function listSection(may, reload) {
  const place = el("div", { "aria-live": "polite" });
  const columns = [
    { name: "name", label: t("people-col-person"), show: (_, user) => {
      const name = user.is_you ? t("people-you", { name: shown(user) }) : shown(user);
      return el("span", {}, el("strong", {}, name), user.display === user.name ? null : el("span", { className: "quiet login" }, user.name));
    } },
    { name: "may", label: t("people-col-roles") },
    { name: "where", label: t("people-col-sites") },
    { name: "how", label: t("people-col-state") },
    { name: "actions", label: t("people-col-actions"), download: false, show: (_, user) => actions(user, may, place, reload) },
  ];
  const rows = may.rows.map((user) => ({ ...user, may: user.roles.map(roleName).join(", "), where: user.sites.join(", ") || t("people-sites-all"), how: state(user) }));
  return el("section", { id: "people" }, el("h2", {}, t("people-list")), place, table(columns, rows, { caption: t("people-list"), file: "people" }));
}

// The two sections; `may` is the reply of GET /people, `reload(words)` loads it again and says `words`.
export function colleagues(may, reload) {
  return [inviteSection(may, reload), listSection(may, reload)];
}

