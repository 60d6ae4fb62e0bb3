// The engine as a page uses it: pictures go into a thread of its own and vectors come out, so that the page never waits.

import { Refusal } from "./refusal.js";
import { lacking } from "./support.js";

const ENGINE = "/screens/engine/engine.json";
const WORKER = "engine/worker.js";

/** The engine cannot run here: `why` is not_fetched, failed, or what the browser lacks. */
export class NoEngine extends Error {
  constructor(why, detail = why) {
    super(detail);
    Object.assign(this, { name: "NoEngine", why });
  }
}

export class Engine {
  #worker = null;
  #waiting = new Map(); // from the number of a question to who waits for its answer
  #asked = 0;

  /**
   * Load runtime and networks; a browser keeps them. To be called early: it takes a second.
   * @param {string} base the address of the folder of the page's modules
   * @throws {NoEngine}
   */
  async start(base) {
    const lack = await lacking();
    if (lack) throw new NoEngine(lack);
    const reply = await fetch(ENGINE).catch(() => null);
    if (!reply?.ok) throw new NoEngine(reply?.status === 404 ? "not_fetched" : "failed");
    this.#worker = new Worker(trusted(new URL(WORKER, base)), { type: "module", name: "engine" });
    this.#worker.addEventListener("message", ({ data }) => this.#answered(data));
    this.#worker.addEventListener("error", (event) => this.#fail(event.message || "its thread could not start"));
    await this.#ask({ work: "load", engine: await reply.json() });
  }

  /**
   * What pictures of one press show; see `Press.look` for what is asked and given. Bitmaps are closed.
   * @param {(ImageBitmap|ImageData)[]} pictures
   * @throws {Refusal} no single usable face
   * @throws {NoEngine} it failed
   */
  async look(pictures, asked = {}) {
    const bitmaps = [...pictures, ...(asked.moves ?? [])].filter((one) => one instanceof ImageBitmap);
    return this.#ask({ work: "look", pictures, asked }, bitmaps);
  }

  /** End its thread; whatever it works on is dropped. */
  stop() {
    this.#worker?.terminate();
    this.#worker = null;
    this.#fail("it was stopped");
  }

  #ask(message, handed = []) {
    if (!this.#worker) throw new NoEngine("failed", "it was not started");
    return new Promise((done, refused) => {
      this.#asked += 1;
      this.#waiting.set(this.#asked, { done, refused });
      this.#worker.postMessage({ id: this.#asked, ...message }, handed);
    });
  }

  #answered({ id, result, refusal, failed }) {
    const { done, refused } = this.#waiting.get(id) ?? {};
    this.#waiting.delete(id);
    if (refusal) refused?.(new Refusal(refusal.code, refusal.where));
    else if (failed) refused?.(new NoEngine("failed", failed));
    else done?.(result);
  }

  #fail(detail) {
    for (const { refused } of this.#waiting.values()) refused(new NoEngine("failed", detail));
    this.#waiting.clear();
  }
}

let policy = null; // a name can be taken once in a page

/** Trusted types want the address of a thread to be made by a named policy; this one makes those of our own module. */
function trusted(url) {
  if (url.origin !== location.origin || !url.pathname.endsWith(`/${WORKER}`)) throw new NoEngine("failed", `${url} is not ours`);
  policy ??= globalThis.trustedTypes?.createPolicy("usual-engine", { createScriptURL: (address) => address }) ?? null;
  return policy ? policy.createScriptURL(url.href) : url.href;
}
