// The server as this page sees it: its own host only, JSON in and out, problems as errors.

import { randomId } from "./browser/ids.js";
import { limited } from "./browser/signals.js";
import { clock } from "./clock.js";

/** The server refused the request: `code` is stable, `detail` is a sentence, `hint` belongs to captures. */
export class Problem extends Error {
  constructor(status, body) {
    super(body.detail || body.title || `status ${status}`);
    this.status = status;
    this.code = body.code || "problem";
    this.hint = body.hint || "";
    this.where = body.where || ""; // at which side of the picture the face is
    this.retryAfter = Number(body.retry_after || 0);
    this.token = body.token || null;
  }
}

/** The server could not be reached. */
export class Offline extends Error {}

/** The server did not answer in time. */
export class TooSlow extends Offline {}

const TIMEOUT_MS = 8000;
const LOOK_TIMEOUT_MS = 4000; // of a recognition: nobody waits longer for a greeting
const TRIES = 3; // for suggestions, while the server has too much to do
const LONGEST_PAUSE_S = 5;

/** Whether an error means that the server has too much to do: the screen goes on without its answer. */
export function isBusy(error) {
  return error instanceof TooSlow || (error instanceof Problem && error.code === "overloaded");
}

export class Api {
  /**
   * @param {string} page "kiosk" or "taxi": names the cookie, and no foreign form can send this header
   * @param {{onReach?: (reached: boolean) => void, onUnpaired?: () => void}} listeners
   */
  constructor(page, { onReach = () => {}, onUnpaired = () => {} } = {}) {
    this.page = page;
    this.onReach = onReach;
    this.onUnpaired = onUnpaired;
  }

  /**
   * One request.
   * @throws {Problem} the server's refusal
   * @throws {Offline} no answer
   */
  async call(method, path, { body, token, query, key, signal, keepalive, timeout = TIMEOUT_MS } = {}) {
    const headers = { "X-Usual-Page": this.page, Accept: "application/json" };
    if (token) headers.Authorization = `Bearer ${token}`;
    if (body !== undefined) headers["Content-Type"] = "application/json";
    if (method === "POST") headers["Idempotency-Key"] = key || randomId();
    const sentMs = Date.now();
    headers["X-Usual-Clock"] = String(Math.round(sentMs / 1000)); // so that the desk can say when it is wrong
    const limit = limited(timeout, signal);
    try {
      const reply = await fetch(query ? `${path}?${query}` : path, {
        method,
        headers,
        body: body === undefined ? undefined : JSON.stringify(body),
        credentials: "same-origin",
        cache: "no-store",
        redirect: "error",
        keepalive,
        signal: limit.signal,
      });
      clock.hear(reply.headers.get("Date"), sentMs, Date.now());
      this.onReach(true);
      return await this.#read(reply);
    } catch (error) {
      if (error instanceof Problem || signal?.aborted) throw error;
      // A server with too much to do refuses at once; what stays silent for long is a line that swallows everything.
      if (!limit.late() || timeout >= TIMEOUT_MS) this.onReach(false);
      if (limit.late()) throw new TooSlow(String(error));
      throw new Offline(String(error));
    } finally {
      limit.end();
    }
  }

  async #read(reply) {
    if (reply.status === 204) return null;
    if (reply.ok) return reply.json(); // a reply that breaks off is none
    const body = await reply.json().catch(() => ({}));
    if (reply.status === 401 && body.code === "key_refused") this.onUnpaired();
    throw new Problem(reply.status, { retry_after: reply.headers.get("Retry-After"), ...body });
  }

  /** Hear what time it is: every reply says it. */
  async time() {
    await this.call("GET", "/health/live").catch((error) => {
      if (error instanceof Offline) throw error;
    });
  }

  pair(code) {
    return this.call("POST", "/v1/pairings", { body: { code } });
  }

  /** The notice in a language; a taxi's speaks of the taxi. */
  notice(language) {
    const query = new URLSearchParams({ language, ...(this.page === "taxi" && { place: "taxi" }) });
    return this.call("GET", "/identity/v1/notice", { query });
  }

  /** The public policy, as an inert document: nothing in it runs or loads. */
  policy(language) {
    return new Promise((resolve, reject) => {
      const request = new XMLHttpRequest();
      request.open("GET", `/policy?${new URLSearchParams({ language })}`);
      request.responseType = "document";
      request.timeout = TIMEOUT_MS;
      request.onload = () => (request.status === 200 && request.response ? resolve(request.response) : request.onerror());
      request.onerror = request.ontimeout = () => reject(new Offline("the policy cannot be had"));
      request.send();
    });
  }

  /**
   * `{nonce, challenge}`: needed for one recognition or enrolment; `challenge` lists the head moves to show, if any.
   * A press for a recognition is refused at once when the recognition would be; one to opt out never is.
   */
  press(signal, recognition = false) {
    const query = recognition ? "for=recognition" : undefined;
    return this.call("POST", "/identity/v1/presses", { body: {}, query, signal });
  }

  /** Recognition and suggestions in one answer. */
  visit(body, signal) {
    return this.call("POST", "/v1/visits", { body, signal, timeout: LOOK_TIMEOUT_MS });
  }

  /** The same by code and PIN, without a face. */
  visitByCode(body, signal) {
    return this.call("POST", "/v1/visits/by-code", { body, signal });
  }

  recogniseByCode(body, signal) {
    return this.call("POST", "/identity/v1/recognitions/by-code", { body, signal });
  }

  recognise(body, signal) {
    return this.call("POST", "/identity/v1/recognitions", { body, signal, timeout: LOOK_TIMEOUT_MS });
  }

  /** Not aborted when the person leaves: the answer is needed to undo what the server has made. */
  enrol(body) {
    return this.call("POST", "/identity/v1/enrolments", { body });
  }

  /** The receipt was seen: from now on the customer counts. */
  confirm(receipt, signal) {
    return this.call("PUT", `/identity/v1/enrolments/${encodeURIComponent(receipt)}/confirmed`, { signal });
  }

  forgetReceipt(receipt, signal) {
    return this.call("DELETE", `/identity/v1/enrolments/${encodeURIComponent(receipt)}`, { signal });
  }

  /** Undo an enrolment that was not confirmed, also while the page is being closed. */
  undo(receipt) {
    return this.call("DELETE", `/identity/v1/enrolments/${encodeURIComponent(receipt)}`, { keepalive: true });
  }

  forgetFace(body, signal) {
    return this.call("POST", "/identity/v1/opt-outs", { body, signal });
  }

  raise(token, pin, signal) {
    return this.call("POST", "/identity/v1/tokens/raise", { body: { token, pin }, signal });
  }

  /** Report a false match ("Not me"): it holds for this visit. */
  notMe(token) {
    return this.call("POST", "/identity/v1/not-me", { body: { token } });
  }

  /** From now on the matched face alone greets nobody. */
  neverAgain(token) {
    return this.call("POST", "/identity/v1/not-me/permanent", { body: { token } });
  }

  /** Take that back, with a token that the PIN has raised. */
  faceAgain(token) {
    return this.call("DELETE", "/identity/v1/not-me/permanent", { body: { token } });
  }

  suggestions(scene, { token, context = {}, n, signal }) {
    const query = new URLSearchParams();
    for (const [name, value] of Object.entries(context)) {
      for (const one of Array.isArray(value) ? value : [value]) query.append(name, one);
    }
    query.set("n", n);
    return this.#patiently(() => this.call("GET", `/recommender/v1/suggestions/${scene}`, { token, query, signal }));
  }

  /** Somebody is wanted at this screen: the server knows which one it is. */
  callStaff() {
    return this.call("POST", "/v1/screen/calls");
  }

  /** Dishes like one of the menu: `{items: [{item_id, name, price, score, reason}]}`. */
  similar(itemId, { context = {}, n, signal }) {
    const query = new URLSearchParams({ ...context, n });
    return this.call("GET", `/recommender/v1/items/${encodeURIComponent(itemId)}/similar`, { query, signal });
  }

  /** Ask again when the server has too much to do, after the pause that it names; not all screens at once. */
  async #patiently(ask) {
    for (let left = TRIES - 1; ; left -= 1) {
      try {
        return await ask();
      } catch (error) {
        if (left === 0 || !(error instanceof Problem) || error.status !== 503) throw error;
        const seconds = Math.min(error.retryAfter || 1, LONGEST_PAUSE_S) * (0.5 + Math.random());
        await new Promise((resolve) => setTimeout(resolve, 1000 * seconds));
      }
    }
  }

  /** Retries do no harm: `key` is the order's idempotency key. */
  events(events, { token, key, signal } = {}) {
    return this.call("POST", "/recommender/v1/events", { body: { events }, token, key, signal });
  }

  /** The whole catalogue: `kind` is "items" or "places". */
  async catalogue(kind) {
    const rows = [];
    let cursor = "";
    do {
      const query = new URLSearchParams({ n: "200", ...(cursor && { cursor }) });
      const page = await this.call("GET", `/recommender/v1/${kind}`, { query });
      rows.push(...page.rows);
      cursor = page.next_cursor || "";
    } while (cursor);
    return rows;
  }
}
