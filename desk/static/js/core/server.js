// Requests to the server with the session of this browser.

import { has, language, t } from "./words.js";

export const RECOMMENDER = "/recommender/v1";
export const IDENTITY = "/identity/v1";
export const DESK = "/desk/v1";

// What a problem says in the language of the page, where it has words for the code; else `other`.
function sentence(problem, other) {
  const words = `refused-${problem.code}`;
  return has(words) ? t(words) : other;
}

// Nobody is signed in (401), or the role does not allow it (403).
export class Refused extends Error {
  constructor(status, problem) {
    super(sentence(problem, status === 401 ? t("session-ended") : problem.detail || t("no-access")));
    this.status = status;
    this.problem = problem;
  }
}

// Asked when a change meets a session that has ended: resolves to whether somebody signed in again (core/again.js).
let signInAgain = async () => false;
export function onSessionEnd(work) { signInAgain = work; }

// How many changes wait for a second person since the page was opened (core/form.js).
export const waiting = { count: 0 };

// The body of a reply. An error reply throws an Error: `message` is the server's sentence, `problem` the whole body.
// With `tag` (the reply's `etag`) a change is made only if nobody else has made one meanwhile (409 or 412).
// A change whose session has ended asks for a new sign-in on the page, and is sent again: nothing typed is lost.
export async function api(method, path, body, options = {}) {
  try {
    return await send(method, path, body, options);
  } catch (error) {
    const ended = error instanceof Refused && error.status === 401 && method !== "GET" && !path.startsWith(`${DESK}/sessions`);
    if (!ended || error.problem?.code === "user_removed" || !(await signInAgain())) throw error;
    return send(method, path, body, options);
  }
}

async function send(method, path, body, { tag } = {}) {
  const headers = { "X-Usual-Page": "desk", "Accept-Language": language };
  if (body !== undefined) headers["Content-Type"] = "application/json";
  if (tag) headers["If-Match"] = tag;
  const options = { method, headers, credentials: "same-origin", cache: "no-store" };
  if (body !== undefined) options.body = JSON.stringify(body);
  let response;
  try {
    response = await fetch(path, options);
  } catch {
    throw Object.assign(new Error(t("server-away")), { away: true });
  }
  const reply = response.status === 204 ? {} : await response.json();
  if (response.status === 401 || response.status === 403) throw new Refused(response.status, reply);
  if (response.status === 412) throw Object.assign(new Error(t("changed-meanwhile")), { problem: reply, changed: true });
  if (!response.ok) throw Object.assign(new Error(sentence(reply, reply.detail || reply.title)), { problem: reply });
  if (response.status === 202 && reply.waits_for_approval) waiting.count += 1;
  const etag = response.headers.get("ETag");
  return etag ? Object.assign(reply, { etag }) : reply;
}
