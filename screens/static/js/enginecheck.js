// For an operator, before a device is set to work without pictures: does the engine run in this browser, and how fast?
// The camera is on while it measures. Nothing is sent and nothing is kept.

import { Camera } from "./camera/camera.js";
import { NoCamera } from "./camera/trouble.js";
import { FIRST } from "./dictionaries.js";
import { $ } from "./dom.js";
import { Engine, NoEngine } from "./engine/engine.js";
import { Refusal } from "./engine/refusal.js";
import { hintFor } from "./states.js";
import { Words } from "./words.js";

const PICTURES = 12;
const LACKS = ["wasm_simd", "web_crypto", "x25519", "threads", "not_fetched"];

const words = new Words(FIRST, "EUR", "kiosk");
const camera = new Camera($("#engine-video"));

function show(state, key, values = {}) {
  document.body.dataset.state = state;
  words.say($("#engine-result"), key, values);
}

/** Milliseconds of each of some pictures, and what the last of them lacked. */
async function measured(engine) {
  const taken = [];
  let refusal = null;
  for (let n = 0; n < PICTURES; n += 1) {
    const picture = await createImageBitmap(camera.video);
    const began = performance.now();
    refusal = await engine.look([picture]).then(() => null, (error) => {
      if (error instanceof Refusal) return error;
      throw error;
    });
    taken.push(performance.now() - began);
  }
  return { first: taken[0], median: taken.slice(1).sort((one, other) => one - other)[Math.floor((PICTURES - 1) / 2)], refusal };
}

async function check() {
  $("#engine-start").disabled = true;
  const engine = new Engine();
  show("loading", "engine_loading");
  try {
    await engine.start(import.meta.url);
    show("measuring", "look_here");
    await camera.start();
    const { first, median, refusal } = await measured(engine);
    const hint = refusal && hintFor(refusal);
    const fast = { first: Math.round(first), median: Math.round(median) };
    if (hint) show("refused", hint);
    else show("done", "engine_fast", fast);
  } catch (error) {
    if (error instanceof NoCamera) show("failed", "no_camera_title");
    else if (error instanceof NoEngine) show("failed", LACKS.includes(error.why) ? `engine_lacks_${error.why}` : "engine_failed");
    else throw error;
  } finally {
    camera.stop();
    engine.stop();
    $("#engine-start").disabled = false;
  }
}

$("#engine-start").addEventListener("click", check);
words.choice($("#languages"));
document.body.dataset.ready = "true";
