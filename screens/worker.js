// The service worker of a paired screen. `PAGE`, `RELEASE` and `FILES` stand above this, put there by the server.
//
// It keeps the page and its files: nothing that a server says about a person, nothing that is sent. The catalogue and
// waiting orders are kept by the page itself.

const OURS = `usual-${PAGE}-`;
const CACHE = OURS + RELEASE;
const PICTURES = "usual-pictures";
const MOST_PICTURES = 300;
const PATIENCE_MS = 3000; // a server that does not answer for so long is no server

self.addEventListener("install", (event) => event.waitUntil(fill()));
self.addEventListener("activate", (event) => event.waitUntil(takeOver()));
self.addEventListener("message", (event) => {
  if (event.data === "take over") self.skipWaiting(); // said between two visits
});
self.addEventListener("fetch", (event) => {
  const { request } = event;
  const url = new URL(request.url);
  if (request.method !== "GET" || url.origin !== location.origin) return;
  if (request.mode === "navigate") {
    if (url.pathname === `/${PAGE}`) event.respondWith(page(request));
  } else if (url.pathname.startsWith(FILES.root)) event.respondWith(file(request));
  else if (url.pathname.startsWith(FILES.pictures)) event.respondWith(picture(request));
});

/** Keep every file of this release and its page, or nothing. */
async function fill() {
  const cache = await caches.open(CACHE);
  const reply = await fetch(`/${PAGE}`, { cache: "no-store" });
  if (!isOfThisRelease(reply, await reply.clone().text())) throw new Error("the server has another release by now");
  await cache.put(`/${PAGE}`, reply);
  await cache.addAll(FILES.names);
}

/** Remove what older releases kept, and serve the page that is open. */
async function takeOver() {
  const old = (await caches.keys()).filter((name) => name.startsWith(OURS) && name !== CACHE);
  await Promise.all(old.map((name) => caches.delete(name)));
  await self.clients.claim();
}

const isOfThisRelease = (reply, text) => reply.ok && text.includes(RELEASE);

/** The page from the server; from here when the server does not answer. */
async function page(request) {
  const cache = await caches.open(CACHE);
  const stop = new AbortController();
  const timer = setTimeout(() => stop.abort(), PATIENCE_MS);
  try {
    const reply = await fetch(request.url, { cache: "no-store", credentials: "same-origin", signal: stop.signal });
    if (reply.status >= 500) throw new Error(`status ${reply.status}`);
    if (isOfThisRelease(reply, await reply.clone().text())) await cache.put(`/${PAGE}`, reply.clone()).catch(() => {});
    return reply;
  } catch {
    return (await cache.match(`/${PAGE}`)) ?? Response.error();
  } finally {
    clearTimeout(timer);
  }
}

/** A file of this release never changes. */
async function file(request) {
  return (await caches.match(request, { cacheName: CACHE })) ?? fetch(request);
}

/** A picture of the catalogue; the oldest ones make room. */
async function picture(request) {
  const cache = await caches.open(PICTURES);
  const kept = await cache.match(request);
  if (kept) return kept;
  const reply = await fetch(request);
  if (reply.ok) {
    const names = await cache.keys();
    await Promise.all(names.slice(0, Math.max(0, names.length - MOST_PICTURES)).map((name) => cache.delete(name)));
    await cache.put(request, reply.clone()).catch(() => {}); // a full store
  }
  return reply;
}
