// The server of Usual, as a screen sees it: press, capture, recognise, suggest, order, forget. One file without
// dependencies, at /clients/1/usual.js of every house; the kiosk, the taxi's tablet and the driver's screen are made
// with it. docs/clients.md shows a page of your own.

const TIMEOUT_MS = 8000;
const LOOK_TIMEOUT_MS = 4000; // of a recognition: nobody waits longer for a greeting
const WAIT_MS = 40_000; // longer than the server lets a request for news or for a ride wait
const TRIES = 3; // while the server has too much to do
const LONGEST_PAUSE_S = 5;
const KEPT_KEY = "usual-own-key";
const AWAY = "X-Usual-Away"; // of what stands between this page and the server, when there is no server behind it

/** The server refused the request: `code` is stable ("problem": not the server itself answered), `detail` is a sentence, `hint` belongs to captures. */
export class Problem extends Error {
  constructor(status, body) {
    super(body.detail || body.title || `status ${status}`);
    this.name = "Problem";
    this.status = status;
    this.code = body.code || "problem";
    this.hint = body.hint || "";
    this.where = body.where || ""; // at which side of the picture the face is
    this.retryAfter = Number(body.retry_after || 0);
    this.token = body.token || null;
  }
}

/** The server could not be reached. */
export class Offline extends Error {
  name = "Offline";
}

/** The server did not answer in time. */
export class TooSlow extends Offline {
  name = "TooSlow";
}

/** Whether an error means that the server has too much to do: the screen goes on without its answer. */
export function isBusy(error) {
  return error instanceof TooSlow || (error instanceof Problem && error.code === "overloaded");
}

export const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const asQuery = (values) => {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(values)) {
    for (const one of Array.isArray(value) ? value : [value]) if (one !== undefined) query.append(name, one);
  }
  return query;
};

/**
 * A random UUID (version 4). `crypto.randomUUID` is there in secure contexts alone, so not on a page that was opened
 * over plain http; its source of random bytes is there always.
 */
export function randomId() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return [[0, 8], [8, 12], [12, 16], [16, 20], [20, 32]].map(([from, to]) => hex.slice(from, to)).join("-");
}

/**
 * A signal that aborts after `ms`, or with `signal`. Written out, because `AbortSignal.any` and `AbortSignal.timeout`
 * are younger than the oldest browsers that the screens work in.
 * @param {number} ms
 * @param {AbortSignal} [signal]
 * @returns {{signal: AbortSignal, late: () => boolean, end: () => void}} `late` says that the time was over;
 *   `end` is called when the request has ended
 */
export function limited(ms, signal) {
  const own = new AbortController();
  let late = false;
  const timer = setTimeout(() => {
    late = true;
    own.abort();
  }, ms);
  const leave = () => own.abort();
  if (signal?.aborted) leave();
  signal?.addEventListener("abort", leave);
  const end = () => {
    clearTimeout(timer);
    signal?.removeEventListener("abort", leave);
  };
  return { signal: own.signal, late: () => late, end };
}

// --- the time: a device's own clock may be wrong by minutes or decades, and each reply says what time it is ---

const JITTER_MS = 2000; // a header has whole seconds, and a reply has a way to come

/** A moment with the UTC offset of this device: 2026-05-04T08:30:00+02:00. */
export function localTime(date) {
  const two = (value) => String(Math.floor(Math.abs(value))).padStart(2, "0");
  const offset = -date.getTimezoneOffset();
  return (
    `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}` +
    `T${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}` +
    `${offset < 0 ? "-" : "+"}${two(offset / 60)}:${two(offset % 60)}`
  );
}

export class ServerClock {
  constructor() {
    this.offMs = 0; // this device's clock is ahead of the server's by so much
    this.heard = false; // whether a server has said the time since the page was loaded
  }

  /**
   * A reply came. Its `Date` was written somewhere between the two moments.
   * @param {string|null} date the header
   * @param {number} sentMs, cameMs by the device's clock
   */
  hear(date, sentMs, cameMs) {
    const server = Date.parse(date ?? "");
    if (Number.isNaN(server) || cameMs < sentMs) return;
    const off = (sentMs + cameMs) / 2 - (server + 500);
    if (!this.heard || Math.abs(off - this.offMs) > JITTER_MS + (cameMs - sentMs)) this.offMs = Math.round(off);
    if (Math.abs(this.offMs) <= JITTER_MS) this.offMs = 0;
    this.heard = true;
  }

  /** Now, by the server's clock. @returns {Date} */
  now() {
    return new Date(Date.now() - this.offMs);
  }

  /** Now, as events and questions say it. */
  text() {
    return localTime(this.now());
  }
}

/** The clock of this page. */
export const clock = new ServerClock();

/** What happened, as the server takes it: ordered, rode, shown, accepted, dismissed or redeemed. `fields` add to it. */
export const eventOf = (type, fields) => ({ event_id: randomId(), type, occurred_at: clock.text(), ...fields });

// --- the camera ---

export const SIZE = { width: 1280, height: 960 };
const QUALITY = 0.9;
export const WARM_UP_MS = 150; // the first pictures of most cameras are dark

/**
 * A JPEG of the video as it is now, upright. The pixels are taken at once; encoding goes on beside.
 * @param {HTMLVideoElement} video
 * @param {number} [turn] by how many degrees it is turned, clockwise
 * @returns {Promise<string>} base64, without the data: prefix
 */
export function pictureOf(video, turn = 0) {
  return encoded(drawnOn(document.createElement("canvas"), video, turn));
}

/** A canvas with the video as it is now, upright, at most `SIZE` large. */
export function drawnOn(canvas, video, turn = 0) {
  const { videoWidth, videoHeight } = video;
  const scale = Math.min(1, SIZE.width / videoWidth, SIZE.height / videoHeight);
  const [w, h] = [Math.round(videoWidth * scale), Math.round(videoHeight * scale)];
  const across = turn % 180 !== 0;
  canvas.width = across ? h : w;
  canvas.height = across ? w : h;
  const pen = canvas.getContext("2d");
  pen.translate(canvas.width / 2, canvas.height / 2);
  pen.rotate((turn * Math.PI) / 180);
  pen.drawImage(video, -w / 2, -h / 2, w, h);
  return canvas;
}

function encoded(canvas) {
  return new Promise((resolve, reject) => {
    canvas.toBlob((blob) => {
      canvas.width = 0; // frees the pixels now, not at the next garbage collection
      if (!blob) return reject(new Error("the picture cannot be encoded"));
      const reader = new FileReader();
      reader.onload = () => resolve(reader.result.slice(reader.result.indexOf(",") + 1));
      reader.onerror = () => reject(reader.error);
      return reader.readAsDataURL(blob);
    }, "image/jpeg", QUALITY);
  });
}

/**
 * A few pictures by the front camera, which is on for as long. Call it when somebody has pressed, never before.
 * @param {HTMLVideoElement} video shows what the camera sees
 * @returns {Promise<string[]>} JPEG, base64; throws what `getUserMedia` throws
 */
export async function capture(video, { count = 3, gapMs = 70 } = {}) {
  const size = { width: { ideal: SIZE.width }, height: { ideal: SIZE.height } };
  const stream = await navigator.mediaDevices.getUserMedia({ audio: false, video: { ...size, facingMode: "user" } });
  try {
    video.srcObject = stream;
    await video.play();
    const frames = [];
    for (let i = 0; i < count; i += 1) {
      await pause(i ? gapMs : WARM_UP_MS);
      frames.push(pictureOf(video));
    }
    return await Promise.all(frames);
  } finally {
    for (const track of stream.getTracks()) track.stop();
    video.srcObject = null;
  }
}

// --- the server ---

export class Usual {
  #key;

  /**
   * @param {{server?: string, key?: string, page?: string, onReach?: (reached: boolean) => void,
   *   onUnpaired?: () => void}} options `server`: where it answers; left out, where this file came from. `key`: an API
   *   key. `page`: without a key, the page of the house whose cookie is sent (kiosk, taxi or driver)
   */
  constructor({ server = new URL(import.meta.url).origin, key = "", page = "", onReach = () => {}, onUnpaired = () => {} } = {}) {
    Object.assign(this, { server, page, onReach, onUnpaired });
    this.#key = key;
  }

  /**
   * A page of your own, let in by the link of `usual keys pair own --url ADDRESS`; its key stays in this browser. On a
   * page that was never let in every request is refused with `key_refused`.
   * @throws {Problem} `pairing_refused`: the link is used up or too old, and no key is here
   */
  static async paired(options = {}) {
    const codeOf = () => new URLSearchParams(location.hash.slice(1)).get("pair");
    addEventListener("hashchange", () => codeOf() && location.reload()); // the link was opened while the page was
    const code = codeOf();
    if (code) {
      history.replaceState(null, "", location.pathname + location.search); // it works once: it need not stay
      const made = await new Usual(options).pair(code).catch((error) => {
        if (!localStorage.getItem(KEPT_KEY)) throw error;
      });
      if (made?.key) localStorage.setItem(KEPT_KEY, made.key);
    }
    return new Usual({ ...options, key: localStorage.getItem(KEPT_KEY) ?? "" });
  }

  /**
   * One request.
   * @throws {Problem} the server's refusal
   * @throws {Offline} no answer
   */
  async call(method, path, { body, token, query = {}, key, signal, keepalive, timeout = TIMEOUT_MS } = {}) {
    const headers = { Accept: "application/json" };
    if (this.#key) headers["X-API-Key"] = this.#key;
    else if (this.page) headers["X-Usual-Page"] = this.page; // names the cookie, and no foreign form can send it
    if (token) headers.Authorization = `Bearer ${token}`;
    if (body !== undefined) headers["Content-Type"] = "application/json";
    if (method === "POST") headers["Idempotency-Key"] = key || randomId();
    const sentMs = Date.now();
    headers["X-Usual-Clock"] = String(Math.round(sentMs / 1000)); // so that the desk can say when it is wrong
    const asked = String(asQuery(query));
    const limit = limited(timeout, signal);
    try {
      const reply = await fetch(this.server + path + (asked && `?${asked}`), {
        method,
        headers,
        body: body === undefined ? undefined : JSON.stringify(body),
        credentials: this.page ? "same-origin" : "omit",
        cache: "no-store",
        redirect: "error",
        keepalive,
        signal: limit.signal,
      });
      if (reply.headers.get(AWAY)) throw new TypeError("the helper on this device does not reach the server");
      clock.hear(reply.headers.get("Date"), sentMs, Date.now());
      this.onReach(true);
      return await this.#read(reply);
    } catch (error) {
      if (error instanceof Problem || signal?.aborted) throw error;
      // A server with too much to do refuses at once; what stays silent for long is a line that swallows everything.
      if (!limit.late() || timeout >= TIMEOUT_MS) this.onReach(false);
      if (limit.late()) throw new TooSlow(String(error));
      const elsewhere = new URL(this.server, location.href).origin !== location.origin;
      throw new Offline(elsewhere ? `${error}: no answer, or USUAL_ORIGINS lacks ${location.origin}` : String(error));
    } finally {
      limit.end();
    }
  }

  async #read(reply) {
    if (reply.status === 204) return null;
    if (reply.ok) return reply.json(); // a reply that breaks off is none
    // Another page (a proxy, a hotspot's way in) answers in the server's place: its words are not the server's.
    const own = reply.headers.get("Content-Type")?.startsWith("application/problem+json");
    const body = own ? await reply.json().catch(() => ({})) : {};
    if (reply.status === 401 && body.code === "key_refused") this.onUnpaired();
    throw new Problem(reply.status, { retry_after: reply.headers.get("Retry-After"), ...body });
  }

  /** Ask again when the server has too much to do, after the pause that it names; not all screens at once. */
  async #patiently(ask) {
    for (let left = TRIES - 1; ; left -= 1) {
      try {
        return await ask();
      } catch (error) {
        if (left === 0 || !(error instanceof Problem) || error.status !== 503) throw error;
        const seconds = Math.min(error.retryAfter || 1, LONGEST_PAUSE_S) * (0.5 + Math.random());
        await pause(1000 * seconds);
      }
    }
  }

  // --- this screen ---

  /** Hear what time it is: every reply says it. */
  async time() {
    await this.call("GET", "/health/live").catch((error) => {
      if (error instanceof Offline) throw error;
    });
  }

  /**
   * Use a one-time code: a page of the house gets a cookie, a page of your own `{key}` (see `paired`). `publicKey`: the
   * key that this device signs vectors with, if it sends those (docs/api/vectors.md).
   */
  pair(code, publicKey) {
    return this.call("POST", "/v1/pairings", { body: { code, public_key: publicKey } });
  }

  /** The key that this device signs vectors with, for one that was paired without: once. */
  registerKey(publicKey) {
    return this.call("PUT", "/v1/device-key", { body: { public_key: publicKey } });
  }

  /** End this screen's own key. */
  logOut() {
    return this.call("DELETE", "/v1/pairings");
  }

  /** How the house wants its screens: name, colours, money, languages, times. */
  settings() {
    return this.call("GET", "/v1/screen");
  }

  /** Somebody is wanted at this screen: the server knows which one it is. */
  callStaff() {
    return this.call("POST", "/v1/screen/calls");
  }

  /**
   * What changed since the `id` of the last answer: `{id, events: [{event}]}`. It waits up to 28 seconds; null: nothing
   * did. With a token it also says that the token's visit has ended.
   */
  news(since, { token, signal } = {}) {
    return this.call("GET", "/v1/events", { query: { since }, token, signal, timeout: WAIT_MS });
  }

  // --- recognition ---

  /**
   * `{nonce, challenge}`: needed for one recognition or enrolment; `challenge` lists the head moves to show, if any.
   * A press for a recognition is refused at once when the recognition would be; one to opt out never is.
   */
  press(signal, recognition = false) {
    const query = recognition ? { for: "recognition" } : {};
    return this.call("POST", "/identity/v1/presses", { body: {}, query, signal });
  }

  /** Recognition and suggestions in one answer: `{nonce, frames, scene, context, n}`. */
  visit(body, signal) {
    return this.call("POST", "/v1/visits", { body, signal, timeout: LOOK_TIMEOUT_MS });
  }

  /** The same by code and PIN, without a face: `{receipt, pin, scene, context, n}`. */
  visitByCode(body, signal) {
    return this.call("POST", "/v1/visits/by-code", { body, signal });
  }

  /** Recognition alone: `{nonce, frames}`, or `{nonce, device_message}` of a device that sends vectors. Its token opens what the customer agreed to. */
  recognise(body, signal) {
    return this.call("POST", "/identity/v1/recognitions", { body, signal, timeout: LOOK_TIMEOUT_MS });
  }

  recogniseByCode(body, signal) {
    return this.call("POST", "/identity/v1/recognitions/by-code", { body, signal });
  }

  /** The PIN, for what a face alone does not open: a token in place of this one. */
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

  // --- joining and leaving ---

  /** What a customer reads before they agree, in a language; `place` says whether it speaks of a taxi. */
  notice(language, place) {
    return this.call("GET", "/identity/v1/notice", { query: { language, place } });
  }

  /** Not aborted when the person leaves: the answer is needed to undo what the server has made. */
  enrol(body) {
    return this.call("POST", "/identity/v1/enrolments", { body });
  }

  /** The receipt was seen: from now on the customer counts. */
  confirm(receipt, signal) {
    return this.call("PUT", `/identity/v1/enrolments/${encodeURIComponent(receipt)}/confirmed`, { signal });
  }

  /** Undo an enrolment that was not confirmed, also while the page is being closed. */
  undo(receipt) {
    return this.call("DELETE", `/identity/v1/enrolments/${encodeURIComponent(receipt)}`, { keepalive: true });
  }

  /** Opt out by the receipt code. */
  forgetReceipt(receipt, signal) {
    return this.call("DELETE", `/identity/v1/enrolments/${encodeURIComponent(receipt)}`, { signal });
  }

  /** Opt out by face: `{nonce, frames, pin}`. */
  forgetFace(body, signal) {
    return this.call("POST", "/identity/v1/opt-outs", { body, signal });
  }

  // --- suggestions and what became of them ---

  /** What to suggest: popular here and now, or with a customer's token what is theirs. */
  suggestions(scene, { token, context = {}, n, signal } = {}) {
    const query = { ...context, n };
    return this.#patiently(() => this.call("GET", `/recommender/v1/suggestions/${scene}`, { token, query, signal }));
  }

  /** Dishes like one of the menu: `{items: [{item_id, name, price, score, reason}]}`. */
  similar(itemId, { context = {}, n, signal } = {}) {
    const query = { ...context, n };
    return this.call("GET", `/recommender/v1/items/${encodeURIComponent(itemId)}/similar`, { query, signal });
  }

  /** Tell what happened (`eventOf`). Retries do no harm: `key` is the order's idempotency key. */
  events(events, { token, key, signal } = {}) {
    return this.call("POST", "/recommender/v1/events", { body: { events }, token, key, signal });
  }

  /**
   * Place an order, and again while the server has too much to do: it counts once. Where the token does not hold any
   * more it is a guest's order, for the kitchen needs it all the same.
   * @param {{item_id: string, quantity?: number, price?: number}[]} items prices in minor units
   * @param {{token?: string, site?: string, recommendation_id?: string}} about who ordered it where, after which
   *   suggestions; more fields of an event may stand there
   */
  order(items, { token, ...about } = {}) {
    const ordered = [eventOf("ordered", { ...about, items })];
    const send = (whose) => {
      const key = randomId();
      return this.#patiently(() => this.events(ordered, { token: whose, key }));
    };
    return send(token).catch((error) => {
      if (token && [401, 403, 410].includes(error.status)) return send();
      throw error;
    });
  }

  /** The whole catalogue: `kind` is "items", "places" or "offers". */
  async catalogue(kind) {
    const rows = [];
    let cursor;
    do {
      const page = await this.call("GET", `/recommender/v1/${kind}`, { query: { n: 200, cursor } });
      rows.push(...page.rows);
      cursor = page.next_cursor || undefined;
    } while (cursor);
    return rows;
  }

  // --- a ride, from the taxi's tablet to its driver's screen ---

  /** Hand a place over to the driver: `{driver}` says whether a driver's screen can get it. */
  handOver(item_id) {
    return this.call("POST", "/v1/ride", { body: { item_id } });
  }

  /** The ride as it is; with `{watch, since}` of the last answer it waits until something is new. */
  ride({ watch, since, signal } = {}) {
    return this.call("GET", "/v1/ride", { query: { watch, since }, signal, timeout: WAIT_MS });
  }

  endRide(ride_id) {
    return this.call("DELETE", "/v1/ride", { query: { ride_id }, keepalive: true });
  }

  /** A code that makes another device the driver's screen of this taxi. */
  driverCode() {
    return this.call("POST", "/v1/driver/codes", { body: {} });
  }

  /** The same ride on the driver's screen. */
  driverRide({ watch, since } = {}) {
    return this.call("GET", "/v1/driver/ride", { query: { watch, since }, timeout: WAIT_MS });
  }

  acceptRide(ride_id) {
    return this.call("PUT", "/v1/driver/ride/accepted", { body: { ride_id } });
  }

  finishRide(ride_id) {
    return this.call("DELETE", "/v1/driver/ride", { query: { ride_id }, keepalive: true });
  }
}
