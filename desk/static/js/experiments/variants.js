// The fields of one variant.

import { button, el } from "../core/dom.js";
import { field } from "../core/form.js";
import { t } from "../core/words.js";

const KINDS = { orders: ["model", "rules"], destinations: ["model", "rules"], offers: ["offers", "model"] };

const choose = (values, label, chosen) => el("select", {}, ...values.map((one) => el("option", { value: one, selected: one === chosen }, label(one))));

// Returns { box, read }: the element, and what it says as the API takes it.
export function variantFields(variant, at, scene, choices, remove, changed) {
  const name = "ABCDE"[at];
  const where = `variants.${at}`;
  const label = el("input", { type: "text", maxLength: 500, value: variant.label || "" });
  const share = el("input", { type: "number", min: 5, max: 95, value: String(Math.round((variant.share || 0) * 100)) });
  const kind = choose(["as_it_is", ...KINDS[scene]], (one) => t(`experiments-kind-${one}`), variant.kind);
  const version = choose(choices.versions[scene].map((one) => one.version), (one) => (choices.versions[scene].find((row) => row.version === one).live ? t("experiments-version-live", { version: one }) : one), variant.version);
  const document_ = choose(choices.rules, (one) => (one === "draft" ? t("experiments-document-draft") : t("experiments-document-number", { number: one })), variant.document);
  const off = choose(["", ...choices.offers.map((one) => one.offer_id)], (one) => choices.offers.find((row) => row.offer_id === one)?.name ?? t("experiments-off-nothing"), (variant.off || [])[0] || "");
  const exploration = el("input", { type: "number", min: 1, max: 100, value: variant.settings?.exploration ? String(variant.settings.exploration * 100) : "" });
  const parts = {
    model: [field(`${where}.version`, t("experiments-version"), version)],
    rules: [field(`${where}.document`, t("experiments-document"), document_)],
    offers: [field(`${where}.off`, t("experiments-off"), off), field(`${where}.settings`, t("experiments-exploration"), exploration)],
  };
  const show = () => {
    for (const [one, fields] of Object.entries(parts)) for (const box of fields) box.hidden = kind.value !== one;
  };
  kind.addEventListener("change", () => { show(); changed(); });
  show();
  const title = at ? t("experiments-variant", { name }) : t("experiments-control");
  const box = el("fieldset", { className: "fields" }, el("legend", {}, title),
    field(`${where}.label`, t("experiments-label"), label), field(`${where}.share`, t("experiments-share"), share),
    field(`${where}.kind`, t("experiments-kind"), kind), ...Object.values(parts).flat(),
    at > 1 ? button(t("experiments-remove-variant", { name }), remove) : null);
  const read = () => {
    const own = { label: label.value, share: Number(share.value) / 100, kind: kind.value };
    if (kind.value === "model") own.version = version.value;
    if (kind.value === "rules") own.document = document_.value;
    if (kind.value === "offers") {
      own.off = off.value ? [off.value] : [];
      own.settings = exploration.value ? { ...variant.settings, exploration: Number(exploration.value) / 100 } : {};
    }
    return own;
  };
  return { box, read };
}
