// How the screens of kiosk and taxi look and behave: brand, light or dark, when they forget.

import { el, say } from "../core/dom.js";
import { field, guard, submit } from "../core/form.js";
import { api, RECOMMENDER } from "../core/server.js";
import { number, t } from "../core/words.js";

const PATH = `${RECOMMENDER}/desk/screen`;
const TYPEFACES = ["friendly", "plain", "classic", "bookish", "sturdy"];
const THEMES = ["auto", "light", "dark"];
const COLOURS = [["accent", "screens-colour-hint"], ["second", "screens-colour-hint"], ["accent_dark", "screens-dark-hint"], ["second_dark", "screens-dark-hint"]];

export function screensSection(may) {
  const sentence = el("p", {});
  const place = el("section", { id: "screens" }, el("h2", {}, t("screens-title")), sentence);
  const tell = (now) => { sentence.textContent = t(`screens-sentence-${now.theme}`, { name: `“${now.name || "usual"}”`, seconds: number(now.idle_seconds) }); };
  api("GET", PATH).then((found) => {
    let now = found;
    const inputs = fields(now);
    const form = el("form", { noValidate: true }, el("div", { className: "fields" }, ...inputs.shown),
      may ? el("div", { className: "actions" }, el("button", {}, t("save"))) : el("p", { className: "quiet" }, t("settings-may-not")));
    if (!may) for (const one of form.querySelectorAll("input, select")) one.disabled = true;
    guard(form);
    form.onsubmit = (event) => {
      event.preventDefault();
      submit(form, async () => {
        const saved = await api("PUT", PATH, await inputs.read(now), { tag: now.etag });
        if (!saved.theme) return; // it waits for a second person
        now = saved;
        inputs.show(now);
        tell(now);
      });
    };
    tell(now);
    place.append(form);
  }).catch((error) => say(error.message));
  return place;
}

function fields(now) {
  const name = el("input", { type: "text", maxLength: 24, value: now.name });
  const logo = el("input", { type: "file", accept: ".svg,.png,.webp" });
  const shownLogo = el("img", { alt: "", className: "logo" });
  const without = el("input", { type: "checkbox" });
  const colours = Object.fromEntries(COLOURS.map(([one]) => [one, el("input", { type: "text", maxLength: 7, value: now[one] || "", placeholder: "#a33f17", spellcheck: false })]));
  const typeface = choice(TYPEFACES, now.typeface, "typeface");
  const theme = choice(THEMES, now.theme, "theme");
  const idle = el("input", { type: "number", min: 15, max: 600, step: 5, value: now.idle_seconds });
  const staff = el("input", { type: "checkbox", checked: now.call_staff });
  const sound = el("input", { type: "checkbox", checked: now.sound });
  const show = (later) => {
    logo.value = "";
    without.checked = false;
    shownLogo.hidden = !later.logo;
    if (later.logo) shownLogo.src = later.logo;
  };
  const read = async (earlier) => ({
    name: name.value,
    logo: without.checked ? null : logo.files[0] ? await addressOf(logo.files[0]) : earlier.logo,
    ...Object.fromEntries(COLOURS.map(([one]) => [one, colours[one].value.trim().toLowerCase() || null])),
    typeface: typeface.value,
    theme: theme.value,
    idle_seconds: Number(idle.value),
    call_staff: staff.checked,
    sound: sound.checked,
  });
  show(now);
  const shown = [
    field("name", t("screens-name"), name, t("screens-name-hint")),
    field("logo", t("screens-logo"), logo, t("screens-logo-hint")),
    ...COLOURS.map(([one, hint]) => field(one, t(`screens-${one.replace("_", "-")}`), colours[one], t(hint))),
    field("typeface", t("screens-typeface"), typeface, t("screens-typeface-hint")),
    field("theme", t("screens-theme"), theme, t("screens-theme-hint")),
    field("idle_seconds", t("screens-idle"), idle, t("screens-idle-hint")),
    el("div", { className: "field" }, shownLogo, tick(without, "screens-logo-none"), tick(staff, "screens-call-staff"), tick(sound, "screens-sound")),
  ];
  return { shown, read, show };
}

function choice(values, now, kind) {
  return el("select", {}, ...values.map((one) => el("option", { value: one, selected: one === now }, t(`screens-${kind}-${one}`))));
}

function tick(input, id) {
  return el("label", {}, input, t(id));
}

// The file as a data address; the server looks into it.
function addressOf(file) {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve(reader.result);
    reader.onerror = () => reject(reader.error);
    reader.readAsDataURL(file);
  });
}
