// The engine's files, opened: the runtime, and the two networks that it runs.

import { Detector } from "./detect.js";
import { Embedder } from "./embed.js";
import { fromCanvas } from "./pixels.js";
import { Press } from "./press.js";

/** A network as a function of numbers and a shape. */
function runnable(runtime, session) {
  return async (numbers, shape) => {
    const outputs = await session.run({ [session.inputNames[0]]: new runtime.Tensor("float32", numbers, shape) });
    return Object.fromEntries(Object.entries(outputs).map(([name, { data }]) => [name, data]));
  };
}

/** @param engine what the server says of its files and of the pack: `GET /screens/engine/engine.json` */
export async function openPress({ pack, masks, input, files }) {
  const runtime = await import(files.runtime.url);
  const { env, InferenceSession } = runtime;
  env.wasm.numThreads = 1; // more would need a page that is isolated from every other origin
  env.wasm.wasmPaths = { wasm: files.wasm.url };
  env.logLevel = "error";
  const network = async ({ url, integrity }) => {
    const reply = await fetch(url, { integrity });
    if (!reply.ok) throw new Error(`${url} answered ${reply.status}`);
    return runnable(runtime, await InferenceSession.create(await reply.arrayBuffer(), { executionProviders: ["wasm"] }));
  };
  const detector = new Detector(await network(files.detector), input.detector_width);
  const embedder = new Embedder(await network(files.embedder), detector, input);
  await warmUp(detector, embedder, input);
  return new Press({ pack, masks, detector, embedder });
}

/** Let both networks run once on nothing: the first person does not wait for what they prepare. */
async function warmUp(detector, embedder, { alignment, detector_width: width }) {
  const nothing = { width, height: (width * 3) / 4, data: new Uint8ClampedArray(width * width * 3) };
  await detector.detect(fromCanvas(nothing));
  await embedder.embed(fromCanvas(nothing), { box: [0, 0, 120, 150], landmarks: alignment, score: 1, covered: false });
}
