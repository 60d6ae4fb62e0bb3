// The service worker of this page: with it a screen that is reloaded without a line comes back.

const AGAIN_MS = 60 * 60 * 1000; // a kiosk runs for weeks: look for a new release once an hour

/**
 * Register it; it takes over between two visits alone.
 * @param {string} page kiosk or taxi
 * @param {() => boolean} resting whether nobody is at the screen
 */
export async function keepForOffline(page, resting) {
  if (!navigator.serviceWorker) return;
  const had = Boolean(navigator.serviceWorker.controller);
  try {
    const registration = await navigator.serviceWorker.register(addressOf(page), { scope: `/${page}` });
    setInterval(() => registration.update().catch(() => {}), AGAIN_MS);
    registration.addEventListener("updatefound", () => watch(registration, resting));
    watch(registration, resting);
  } catch {
    return; // forbidden, or no room: everything but a start without a line works
  }
  navigator.serviceWorker.addEventListener("controllerchange", () => had && resting() && location.reload());
}

/** Trusted types want the address of a worker to be made by a named policy; this one makes one address. */
function addressOf(page) {
  const address = `/screens/worker.js?page=${page === "taxi" ? "taxi" : "kiosk"}`;
  const policy = globalThis.trustedTypes?.createPolicy("usual-worker", { createScriptURL: () => address });
  return policy ? policy.createScriptURL("") : address;
}

/** Let a new release take over as soon as nobody is here. */
function watch(registration, resting) {
  const coming = registration.waiting ?? registration.installing;
  if (!coming || !navigator.serviceWorker.controller) return; // the first one needs no turn
  const timer = setInterval(() => {
    if (coming.state === "redundant" || coming.state === "activated") clearInterval(timer);
    else if (coming.state === "installed" && resting()) coming.postMessage("take over");
  }, 1000);
}
