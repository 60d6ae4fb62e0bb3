// What the pages of the desk share: pairing, calls to the server, error messages, downloads of tables.

export const BASE = "/recommender/v1";
export const $ = (id) => document.getElementById(id);

export class Refused extends Error {}

// The body of a reply. An error reply throws an Error: its message is the server's text, its `problem` the whole body.
export async function api(method, path, body) {
  const options = { method, headers: { "X-Usual-Page": "marketing" }, credentials: "same-origin", cache: "no-store" };
  if (body !== undefined) {
    options.headers["Content-Type"] = "application/json";
    options.body = JSON.stringify(body);
  }
  let response;
  try {
    response = await fetch(path, options);
  } catch {
    throw new Error("The server does not answer. The figures below may be old; this page tries again by itself.");
  }
  const reply = response.status === 204 ? {} : await response.json();
  if (response.status === 401 || response.status === 403) throw new Refused(reply.detail);
  if (!response.ok) throw Object.assign(new Error(reply.detail || reply.title), { problem: reply });
  return reply;
}

export function say(text) {
  $("notice").textContent = text;
  $("notice").hidden = !text;
}

async function pairIfAsked() {
  const code = new URLSearchParams(location.hash.slice(1)).get("pair");
  if (!code) return;
  history.replaceState(null, "", location.pathname); // the code is spent: it must not stay in the address bar
  await api("POST", "/v1/pairings", { code });
}

// A training run as a sentence.
export function outcomeOf(run) {
  if (run.state === "running") return `running, ${run.stage}, ${Math.round(100 * run.share)} %`;
  const words = { published: `version ${run.version} was published`, unchanged: "nothing new", refused: "refused", failed: "failed", lost: "broken off" };
  const why = run.why.charAt(0).toUpperCase() + run.why.slice(1);
  return `${words[run.state] || run.state}. ${why}`;
}

export function when(text) {
  return text ? new Date(text).toLocaleString(undefined, { dateStyle: "medium", timeStyle: "short" }) : "–";
}

// A button in a table. `name` says which row it belongs to, for screen readers.
export function button(label, name, work) {
  const made = document.createElement("button");
  made.type = "button";
  made.textContent = label;
  made.setAttribute("aria-label", name);
  made.addEventListener("click", work);
  return made;
}

// Follow a training to its end; `progress` is an element with a .stage and a progress bar in it.
export async function followed(scene, run, progress) {
  progress.hidden = false;
  try {
    for (;;) {
      const now = await api("GET", `${BASE}/models/${scene}/runs/${run}`);
      progress.querySelector(".stage").textContent = `${now.stage}, ${Math.round(100 * now.share)} %`;
      progress.querySelector("progress").value = now.share;
      if (now.state !== "running") break;
      await new Promise((done) => setTimeout(done, 700));
    }
  } catch (error) {
    say(error.message);
  }
  progress.hidden = true;
}

export function csv(rows) {
  // A text that a spreadsheet would take for a formula gets a quote in front; numbers stay numbers.
  const plain = (cell) => typeof cell === "string" && /^\s*['=+\-@]/.test(cell) ? `'${cell}` : String(cell ?? "");
  const quoted = (cell) => `"${plain(cell).replaceAll('"', '""')}"`;
  return rows.map((row) => row.map(quoted).join(",")).join("\n") + "\n";
}

export function save(name, rows) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([csv(rows)], { type: "text/csv" }));
  link.download = name;
  link.click();
  URL.revokeObjectURL(link.href);
}

// The desk's key is refused from then on, and its cookie is gone: on a computer that others use too.
async function logOut() {
  try {
    await api("DELETE", "/v1/pairings");
  } catch (error) {
    if (!(error instanceof Refused)) {
      say(error.message);
      return;
    }
  }
  location.reload();
}

// `load` draws the page. A browser that is not paired sees how to pair; when the server does not answer, the page tries again.
export async function start(load) {
  try {
    await pairIfAsked();
    await load();
    say("");
    $("log-out").hidden = false;
    $("log-out").onclick = logOut;
  } catch (error) {
    if (error instanceof Refused) {
      $("counts").textContent = "";
      say(`This browser is not signed in. Print a link with “usual keys pair marketing” and open it here. (${error.message})`);
    } else {
      say(error.message);
      setTimeout(() => start(load), 5000);
    }
  }
  document.body.dataset.ready = "true";
}
