// The server as the customer's page sees it. The token lives in this object and nowhere else.

import { limited } from "../usual.js";

/** The server refused: `code` is stable, `detail` is a sentence in English. */
export class Refusal extends Error {
  constructor(status, body, retryAfter) {
    super(body.detail || body.title || `status ${status}`);
    this.status = status;
    this.code = body.code || "problem";
    this.body = body;
    this.retryAfter = Number(retryAfter || 0);
  }

  get minutes() {
    return Math.max(1, Math.ceil(this.retryAfter / 60));
  }
}

/** The server could not be reached in time, or something in between answered in its place: a network that wants a sign-in. */
export class Unreachable extends Error {}

const TIMEOUT_MS = 15_000;
const IDENTITY = "/identity/v1/me";
const RECOMMENDER = "/recommender/v1/me";

const isText = (value) => typeof value === "string" && value !== "";
const isObject = (value) => typeof value === "object" && value !== null;
const SESSION = { token: isText, expires_at: (value) => !Number.isNaN(Date.parse(value)) };
const NOTHING = null; // done, and no more to say: status 204

export class Server {
  #token = null;

  /** @param {string} page the paired page of a device ("kiosk", "taxi"), or "" on somebody's own phone */
  constructor(page = "") {
    this.page = page;
    this.expires = null; // milliseconds, by the server's word
  }

  get signedIn() {
    return this.#token !== null;
  }

  leave() {
    this.#token = null;
    this.expires = null;
  }

  /**
   * @param {?Object<string, (value) => boolean>} expected what the answer has to have, or NOTHING
   * @throws {Refusal}
   * @throws {Unreachable} also when the answer is not of our server
   */
  async call(method, path, expected, body) {
    const headers = { Accept: "application/json" };
    if (this.page) headers["X-Usual-Page"] = this.page;
    if (this.#token) headers.Authorization = `Bearer ${this.#token}`;
    if (body !== undefined) headers["Content-Type"] = "application/json";
    const limit = limited(TIMEOUT_MS);
    let reply;
    try {
      reply = await fetch(path, {
        method,
        headers,
        body: body === undefined ? undefined : JSON.stringify(body),
        credentials: this.page ? "same-origin" : "omit",
        cache: "no-store",
        redirect: "error",
        referrerPolicy: "no-referrer",
        signal: limit.signal,
      });
    } catch (error) {
      throw new Unreachable(String(error));
    } finally {
      limit.end();
    }
    const answer = reply.status === 204 ? NOTHING : await this.#read(reply);
    if (!reply.ok) throw new Refusal(reply.status, answer, reply.headers.get("Retry-After"));
    if ((answer === NOTHING) !== (expected === NOTHING)) throw new Unreachable("another answer than ours");
    for (const [name, fits] of Object.entries(expected ?? {})) {
      if (!fits(answer[name])) throw new Unreachable(`an answer without ${name}`);
    }
    return answer;
  }

  /** Ours are objects in JSON, and a refusal has a code. */
  async #read(reply) {
    const json = /^application\/(problem\+)?json\b/.test(reply.headers.get("Content-Type") ?? "");
    const answer = json ? await reply.json().catch(() => null) : null;
    if (!isObject(answer) || (!reply.ok && !isText(answer.code))) throw new Unreachable("not an answer of ours");
    return answer;
  }

  #keep(session) {
    this.#token = session.token;
    this.level = session.level;
    this.expires = Date.parse(session.expires_at);
  }

  async signIn(receipt, pin) {
    this.#keep(await this.call("POST", `${IDENTITY}/sessions`, SESSION, pin ? { receipt, pin } : { receipt }));
  }

  /** Take over from the device where somebody stands, who gave their PIN there. */
  async takeOver(token) {
    this.#keep(await this.call("POST", `${IDENTITY}/sessions`, SESSION, { token }));
  }

  everything() {
    return this.call("GET", "/v1/me", { identity: isObject, recommender: isObject });
  }

  /** After a token was refused: because nobody is behind it any more? Identity alone does not say so. */
  isErased() {
    return this.call("GET", RECOMMENDER, {}).then(() => false, (error) => error.code === "erased");
  }

  notice(language) {
    return this.call("GET", `${IDENTITY}/notice?language=${encodeURIComponent(language)}`, { version: isText, text: isText });
  }

  pause() {
    return this.call("PUT", `${IDENTITY}/pause`, { paused_until: isText });
  }

  resume() {
    return this.call("DELETE", `${IDENTITY}/pause`, NOTHING);
  }

  /** What was agreed to changes: the token is replaced, since it names the purposes. */
  async agree(purposes, notice = {}) {
    this.#keep(await this.call("PUT", `${IDENTITY}/purposes`, SESSION, { purposes, ...notice }));
  }

  setPin(new_pin, pin) {
    return this.call("PUT", `${IDENTITY}/pin`, NOTHING, pin ? { pin, new_pin } : { new_pin });
  }

  dropFace() {
    return this.call("DELETE", `${IDENTITY}/face`, NOTHING);
  }

  takeBackNotMe() {
    return this.call("DELETE", `${IDENTITY}/not-me`, NOTHING);
  }

  erase() {
    return this.call("DELETE", IDENTITY, { forgotten: (value) => value === true });
  }

  correct(eventId) {
    return this.call("DELETE", `${RECOMMENDER}/events/${encodeURIComponent(eventId)}`, { removed: (value) => typeof value === "boolean" });
  }

  tie(link_code) {
    return this.call("POST", `${RECOMMENDER}/account`, { account: (value) => typeof value === "string" }, { link_code });
  }

  untie() {
    return this.call("DELETE", `${RECOMMENDER}/account`, NOTHING);
  }
}
