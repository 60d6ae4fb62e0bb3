// What is held, section by section. Each function makes one part of the page from the file that the server gives.

import { h } from "../dom.js";
import { nameIn } from "../item.js";
import { asking, button, complaint, field, longList, pinField, section } from "./parts.js";

const FIRST = 6; // rows of a list that are shown before somebody asks for all
export const PURPOSES = ["orders", "offers", "destinations"];
const PERSONAL = ["ordered", "rode", "accepted", "dismissed", "redeemed"];


/** The file in a few sentences. */
export function inWords(page, held) {
  const { t, day } = page.say;
  const mine = held.identity;
  const { events, destinations } = held.recommender;
  const n = events.length + destinations.held;
  const lines = [];
  if (mine.state === "paused") lines.push(t("words_paused", { until: day(mine.paused_until) }));
  else if (!Object.values(mine.purposes).some(Boolean)) lines.push(t("words_idle"));
  else lines.push(t(mine.face.held ? "words_active" : "words_active_code"));
  lines.push(t(mine.face.held ? "words_face" : "words_no_face"));
  lines.push(n ? t("words_history", { n }) : t("words_no_history"));
  if (destinations.held > destinations.events.length) lines.push(t("words_hidden"));
  if (mine.last_visit && mine.kept_until) {
    lines.push(t("words_since", { day: day(mine.last_visit), until: day(mine.kept_until) }));
  }
  if (mine.ends_soon) lines.push(t("words_ends"));
  if (mine.notice.newest !== mine.notice.agreed && mine.notice.agreed) {
    lines.push(t("words_notice", { version: mine.notice.agreed, newest: mine.notice.newest }));
  }
  return h("ul", { class: "me-words", id: "me-words" }, ...lines.map((line) => h("li", {}, line)));
}

/** Pause, forget, download, print: on the first screen, without scrolling. */
export function doing(page, held) {
  const { t, day } = page.say;
  const paused = held.identity.state === "paused";
  const pause = paused
    ? button(t("resume"), () => page.act(() => page.server.resume(), t("resumed_now")), "", { id: "me-resume" })
    : button(t("pause"), () => page.act(() => page.server.pause(), (done) => t("paused_now", { until: day(done.paused_until) })), "", { id: "me-pause" });
  const erase = asking(t("erase"), t("erase_sure"), t("erase_yes"), t("erase_no"), () => page.erase(), "danger", { id: "me-erase" });
  return section(
    t("do_title"),
    h("div", { class: "me-doing me-no-print" },
      h("div", {}, erase, h("p", { class: "me-hint" }, t("erase_text"))),
      h("div", {}, pause, h("p", { class: "me-hint" }, t("pause_text"))),
    ),
    h("div", { class: "me-row me-no-print" },
      button(t("download"), () => page.download(), "", { id: "me-download" }),
      button(t("print"), () => print(), "", { id: "me-print" }),
    ),
  );
}

/** A box for each purpose: taking back works at once, giving shows the notice first. */
export function agreements(page, held) {
  const { t } = page.say;
  const given = held.identity.purposes;
  const boxes = PURPOSES.map((name) => {
    const box = h("input", { type: "checkbox", id: `me-purpose-${name}`, autocomplete: "off", onchange: () => change(name, box) });
    box.checked = Boolean(given[name]);
    return h("label", { class: "me-choice" }, box,
      h("span", {}, h("strong", {}, t(`purpose_${name}`)), h("span", {}, t(`purpose_${name}_text`))));
  });
  const reading = h("div", { class: "me-reading", id: "me-reading" });
  const change = (name, box) => {
    const purpose = t(`purpose_${name}`);
    if (!box.checked) {
      reading.replaceChildren();
      page.act(() => page.server.agree({ [name]: false }), t("withdrawn", { purpose }), `#me-purpose-${name}`);
      return;
    }
    box.checked = false; // nothing is agreed to before the notice was there to be read
    page.try(() => noticeToRead(page, purpose, reading, (read) =>
      page.act(() => page.server.agree({ [name]: true }, read), t("given", { purpose }), `#me-purpose-${name}`)));
  };
  return section(t("purposes_title"), h("p", {}, t("purposes_lead")), h("div", { class: "me-choices" }, ...boxes), reading, face(page, held));
}

/** The notice's Markdown, of which it uses paragraphs, headings and lists, as elements. */
function paragraphs(text) {
  const line = (part) => part.replace(/\s*\n\s*/g, " ").trim();
  return text.split(/\n\s*\n/).map((part) => {
    if (/^#+\s/.test(part)) return h("h4", {}, line(part.replace(/^#+\s*/, "").replace(/\s*\{#[\w-]+\}/, "")));
    if (/^\* /.test(part)) return h("ul", {}, ...part.split(/^\* /m).slice(1).map((one) => h("li", {}, line(one))));
    return h("p", {}, line(part));
  });
}

/** Show the notice in `place`, and the two answers to it. `agreed` gets the version and the language that was read. */
async function noticeToRead(page, purpose, place, agreed) {
  const { t, language } = page.say;
  const notice = await page.server.notice(language);
  const yes = button(t("agree"), () => agreed({ notice_version: notice.version, language: notice.language }), "strong", { id: "me-agree" });
  const no = button(t("agree_no"), () => place.replaceChildren(), "", { id: "me-agree-no" });
  const title = h("h3", { tabindex: "-1" }, t("agree_title"));
  place.replaceChildren(h("div", { class: "me-notice" }, title,
    h("p", { class: "me-hint" }, `${purpose} · ${t("agree_version", { version: notice.version })}`),
    h("div", { class: "me-notice-text", tabindex: "0", role: "region", "aria-label": t("agree_version", { version: notice.version }), lang: notice.language }, ...paragraphs(notice.text)),
    h("div", { class: "me-row" }, yes, no)));
  title.focus();
}

function face(page, held) {
  const { t } = page.say;
  const mine = held.identity;
  const about = h("div", { class: "me-face" }, h("h3", {}, t("purpose_face")));
  if (mine.face.held) {
    about.append(h("p", {}, t("purpose_face_text")), h("p", { class: "me-hint" }, [...mine.face.kept, mine.face.site].filter(Boolean).join(", ")),
      asking(t("face_drop"), t("face_sure"), t("face_yes"), t("erase_no"),
        () => page.act(() => page.server.dropFace(), t("withdrawn", { purpose: t("purpose_face") })), "", { id: "me-drop-face" }));
  } else about.append(h("p", {}, t("purpose_face_gone")));
  if (mine.face_needs_pin === "by_choice") {
    about.append(h("h3", {}, t("not_me_title")), h("p", {}, t("not_me_text")),
      button(t("not_me_undo"), () => page.act(() => page.server.takeBackNotMe(), t("not_me_undone")), "", { id: "me-not-me" }));
  }
  return about;
}

/** Set the PIN, or change it. */
export function pin(page, held) {
  const { t } = page.say;
  const set = held.identity.pin_set;
  const before = set ? pinField(t("pin_old")) : null;
  const after = pinField(t("pin_new"));
  const wrong = complaint();
  const form = h("form", { class: "me-form me-no-print", id: "me-pin" }, before && before.box, after.box, wrong,
    h("button", { class: "me-button" }, t(set ? "pin_change" : "pin_set")));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    wrong.textContent = "";
    if (![before, after].every((one) => !one || /^[0-9]{4}$/.test(one.input.value))) {
      wrong.textContent = t("pin_four");
      after.input.focus();
      return;
    }
    page.act(() => page.server.setPin(after.input.value, before && before.input.value), t("pin_done"), null, (error) => {
      wrong.textContent = page.explain(error);
      for (const one of [before, after]) if (one) one.input.value = "";
      (before || after).input.focus();
    });
  });
  return section(t("pin_title"), h("p", {}, t(set ? "pin_is_set" : "pin_is_not_set")), form);
}

/** Who looked them up: device, day, what for. */
export function lookups(page, held) {
  const { t, day } = page.say;
  const rows = held.identity.lookups.map((row) => {
    const what = page.say.maybe(`what_${row.event}`, row.event);
    const purposes = (row.purposes).map((name) => page.say.maybe(`purpose_${name}`, name)).join(", ");
    const line = t("lookup_line", { day: day(row.day), device: row.device || "–", what });
    return h("li", {}, purposes ? `${line} (${purposes})` : line);
  });
  return section(t("lookups_title"), h("p", {}, t("lookups_lead")),
    rows.length ? longList(rows, FIRST, t("show_all", { n: rows.length }), { id: "me-lookups" }) : h("p", {}, t("nothing")));
}

const lineOf = (item, language) => (item.quantity > 1 ? `${item.quantity} × ` : "") + (nameIn(item, language) || item.item_id);

/** Orders and rides, each of which can be taken out. */
export function history(page, held) {
  const { t, day, language } = page.say;
  const { events, destinations } = held.recommender;
  const all = [...events, ...destinations.events].filter((event) => PERSONAL.includes(event.type));
  all.sort((a, b) => b.at.localeCompare(a.at)); // the latest first
  const rows = all.map((event) => {
    const what = `${t(event.type)}: ${event.items.map((item) => lineOf(item, language)).join(", ")}`;
    const where = event.site ? `, ${t("at_place", { place: event.site })}` : "";
    const text = t(event.type === "rode" ? "not_mine_ride" : "not_mine");
    return h("li", { class: "me-event" },
      h("p", {}, h("span", { class: "me-day" }, day(event.at) + where), what),
      asking(text, t("not_mine_sure"), t("not_mine_yes"), t("not_mine_no"),
        () => page.act(() => page.server.correct(event.reference), t("taken_out"), "#me-history"), "", { "data-event": event.reference, "aria-label": `${text}: ${what}` }));
  });
  return section(t("history_title"), h("p", {}, t("history_lead")),
    rows.length ? longList(rows, FIRST, t("show_all", { n: rows.length }), { id: "me-history", tabindex: "-1" }) : h("p", { id: "me-history", tabindex: "-1" }, t("nothing")));
}

/** Offers, reasons, how suggestions are made, and the models that hold a line of this customer. */
export function suggestions(page, held) {
  const { t, day, language } = page.say;
  const found = held.recommender;
  const offers = found.offers.decisions.filter((row) => row.offer).reverse().map((row) => h("li", {}, `${day(row.at)}: ${nameIn(row, language) || row.offer}`));
  const why = found.why.map((row) => h("li", {}, h("strong", {}, nameIn(row, language) || row.item_id), ` – ${page.say.reason(row.reason_code, row.reason)}`));
  const how = Object.entries(found.how_suggestions_are_made).map(([scene, text]) => h("li", {}, page.say.maybe(`how_${scene}`, text)));
  const models = found.models.map((row) => h("li", {}, `${page.say.maybe(`purpose_${row.scene}`, row.scene)}: ${row.version}`));
  const list = (rows, id) => (rows.length ? longList(rows, FIRST, t("show_all", { n: rows.length }), { id }) : h("p", {}, t("nothing")));
  return [
    section(t("why_title"), list(why, "me-why"), how.length ? h("h3", {}, t("why_lead")) : null, how.length ? list(how, "me-how") : null),
    section(t("offers_title"), list(offers, "me-offers")),
    section(t("models_title"), h("p", {}, t("models_lead")), list(models, "me-models")),
  ];
}

/** Tie the shop's own account, with consent of its own, or untie it. */
export function account(page, held) {
  const { t } = page.say;
  const tied = held.recommender.account;
  if (tied) {
    const untie = () => page.act(async () => {
      await page.server.untie();
      await page.server.agree({ account: false });
    }, t("untied_now"));
    return section(t("tie_title"), h("p", {}, t("tied", { name: tied.account })),
      button(t("untie"), untie, "", { id: "me-untie" }));
  }
  const code = field(t("tie_code"), { autocomplete: "off", autocapitalize: "characters", spellcheck: "false", maxlength: "64" });
  const wrong = complaint();
  const reading = h("div", {});
  const tie = (read) => page.act(async () => {
    await page.server.agree({ account: true }, read);
    try {
      await page.server.tie(code.input.value.trim());
    } catch (error) {
      await page.server.agree({ account: false }); // nothing was joined: the consent is not kept either
      throw error;
    }
  }, t("tied_now"), null, (error) => {
    reading.replaceChildren();
    wrong.textContent = page.explain(error);
    code.input.focus();
  });
  const form = h("form", { class: "me-form me-no-print", id: "me-tie" }, code.box, wrong, h("button", { class: "me-button" }, t("tie")), reading);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    wrong.textContent = "";
    if (!code.input.value.trim()) return code.input.focus();
    return page.try(() => noticeToRead(page, t("tie_agree"), reading, tie));
  });
  return section(t("tie_title"), h("p", {}, t("tie_lead")), form);
}

/** The consent records in the fields of the standard. */
export function records(page, held) {
  const { t, day } = page.say;
  const rows = (held.identity.consent_records).map((record) => {
    const purpose = record.purposes.map((one) => one.purpose).map((name) => page.say.maybe(`purpose_${name}`, name)).join(", ");
    const events = record.events.map((event) => `${page.say.maybe(`event_${event.event_type}`, event.event_type)} ${day(event.event_time)}`).join(", ");
    return h("li", {}, t("record_line", { purpose, events }),
      h("p", { class: "me-hint" }, `${t("agree_version", { version: record.privacy_notice.version })} · ${record.record_id}`));
  });
  return section(t("records_title"), h("p", {}, t("records_lead")), h("ul", { class: "me-list", id: "me-records" }, ...rows));
}

