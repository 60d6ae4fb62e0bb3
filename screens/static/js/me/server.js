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

/** The server could not be reached in time. */
export class Unreachable extends Error {}

const TIMEOUT_MS = 15_000;
const IDENTITY = "/identity/v1/me";
const RECOMMENDER = "/recommender/v1/me";

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
   * @throws {Refusal}
   * @throws {Unreachable}
   */
  async call(method, path, body) {
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
    if (reply.status === 204) return null;
    const answer = await reply.json().catch(() => ({}));
    if (reply.ok) return answer;
    throw new Refusal(reply.status, answer, reply.headers.get("Retry-After"));
  }

  #keep(session) {
    this.#token = session.token;
    this.level = session.level;
    this.expires = Date.parse(session.expires_at);
  }

  async signIn(receipt, pin) {
    this.#keep(await this.call("POST", `${IDENTITY}/sessions`, pin ? { receipt, pin } : { receipt }));
  }

  /** Take over from the device where somebody stands, who gave their PIN there. */
  async takeOver(token) {
    this.#keep(await this.call("POST", `${IDENTITY}/sessions`, { token }));
  }

  everything() {
    return this.call("GET", "/v1/me");
  }

  notice(language) {
    return this.call("GET", `${IDENTITY}/notice?language=${encodeURIComponent(language)}`);
  }

  pause() {
    return this.call("PUT", `${IDENTITY}/pause`);
  }

  resume() {
    return this.call("DELETE", `${IDENTITY}/pause`);
  }

  /** What was agreed to changes: the token is replaced, since it names the purposes. */
  async agree(purposes, notice = {}) {
    this.#keep(await this.call("PUT", `${IDENTITY}/purposes`, { purposes, ...notice }));
  }

  setPin(new_pin, pin) {
    return this.call("PUT", `${IDENTITY}/pin`, pin ? { pin, new_pin } : { new_pin });
  }

  dropFace() {
    return this.call("DELETE", `${IDENTITY}/face`);
  }

  takeBackNotMe() {
    return this.call("DELETE", `${IDENTITY}/not-me`);
  }

  erase() {
    return this.call("DELETE", IDENTITY);
  }

  correct(eventId) {
    return this.call("DELETE", `${RECOMMENDER}/events/${encodeURIComponent(eventId)}`);
  }

  tie(link_code) {
    return this.call("POST", `${RECOMMENDER}/account`, { link_code });
  }

  untie() {
    return this.call("DELETE", `${RECOMMENDER}/account`);
  }
}
