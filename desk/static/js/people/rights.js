// Fields for what somebody may do: roles in words, and the sites that they see.

import { el } from "../core/dom.js";
import { field } from "../core/form.js";
import { t } from "../core/words.js";

const check = (type, name, value, checked, ...label) =>
  el("label", { className: "check" }, el("input", { type, name, value, defaultChecked: checked }), el("span", {}, ...label));

export const roleName = (role) => t(`role-${role}`);

// The roles that may be given, each with what it may do; `chosen` are ticked.
function roleFields(roles, chosen) {
  return el("fieldset", { className: "choices" }, el("legend", {}, t("people-roles")),
    ...roles.map((role) => check("checkbox", "roles", role, chosen.includes(role),
      el("strong", {}, roleName(role)), `: ${t(`role-${role}-may`)}`)));
}

// All sites, or some: known ones to tick, others to type.
function siteFields(known, all, chosen) {
  const some = el("div", { className: "some-sites", hidden: all && !chosen.length },
    ...known.map((site) => check("checkbox", "sites", site, chosen.includes(site), site)),
    all ? field("more_sites", t("people-sites-more"), el("textarea", { rows: 2 })) : null);
  const show = (event) => { some.hidden = event.target.value === "all"; };
  const ways = all
    ? [check("radio", "reach", "all", !chosen.length, t("people-sites-all")), check("radio", "reach", "some", chosen.length > 0, t("people-sites-some"))]
    : [];
  for (const way of ways) way.querySelector("input").onchange = show;
  const box = el("fieldset", { className: "choices" }, el("legend", {}, t("people-sites")), ...ways, some);
  queueMicrotask(() => box.form?.addEventListener("reset", () => { some.hidden = all && !chosen.length; }));
  return box;
}

// `may`: the reply of /people (roles and sites that may be given); `user`: whose rights are shown, if there is one.
export function rightsFields(may, user) {
  const known = [...new Set([...may.sites, ...(user?.sites || [])])];
  return [roleFields(may.roles, user?.roles || ["viewer"]), siteFields(known, may.all_sites, user?.sites || [])];
}

export function rightsOf(form) {
  const data = new FormData(form);
  const typed = String(data.get("more_sites") || "").split("\n").map((one) => one.trim()).filter(Boolean);
  const all = data.get("reach") === "all";
  return { roles: data.getAll("roles"), sites: all ? [] : [...data.getAll("sites"), ...typed] };
}
