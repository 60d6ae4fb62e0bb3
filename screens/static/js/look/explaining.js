// The page after a look without a greeting: why, and the ways on.

import { SAID } from "../camera/trouble.js";
import { $ } from "../dom.js";
import { adviceFor } from "../states.js";

const EXPLAINED = ["ambiguous", "low_quality", "no_camera", "no_engine", "wait", "failed", "already", "earlier_unknown"];
const WORTH_ANOTHER_TRY = ["denied", "busy", "lost"];

/** The name of the sentence that explains it. */
function textOf(name, visit) {
  if (name === "failed" && visit.purpose === "enrol") return "enrol_failed";
  if (name === "no_camera" && SAID.includes(visit.cameraWhy)) return `camera_${visit.cameraWhy}_text`;
  return `${name}_text`;
}

/**
 * Why there is no greeting; the same words for a stranger and for somebody who never opted in.
 * @param {{words, canJoin: boolean}} parts
 */
export function explain(visit, why, { words, canJoin }) {
  const name = EXPLAINED.includes(why) ? why : "unknown";
  const enrolling = visit.purpose === "enrol";
  visit.explained = { name, hint: visit.hint, text: textOf(name, visit) };
  sayWhy(visit, words);
  const pinless = visit.hint === "use_your_code"; // nobody is asked for a PIN that they never chose
  const once = name === "no_camera" && !WORTH_ANOTHER_TRY.includes(visit.cameraWhy);
  $("#unknown-pin").hidden = !["ambiguous", "already"].includes(name) || !visit.recognised || pinless;
  $("#unknown-again").hidden = once || ["wait", "failed"].includes(name);
  $("#unknown-else").hidden = name !== "already";
  $("#unknown-code").hidden = enrolling || !["ambiguous", "no_camera", "no_engine"].includes(name);
  $("#unknown-join").hidden = enrolling || name !== "unknown" || !canJoin;
  visit.doubted = name === "ambiguous";
  if (name === "already") visit.purpose = "recognise"; // "try again" then recognises instead of enrolling
  visit.why = "";
  visit.hint = null;
}

/** The same in another language. */
export function sayWhy({ explained: { name, hint, text } }, words) {
  $("#unknown-title").textContent = words.t(`${name}_title`);
  const advice = ["unknown", "ambiguous"].includes(name) ? adviceFor(hint) : null;
  $("#unknown-text").textContent = words.with(text, advice);
}
