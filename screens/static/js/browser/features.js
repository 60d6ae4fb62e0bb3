// What the screens need of a browser, and what they do without. The least browsers stand in docs/kiosk.md.

/** From the name of what can be missing to whether it is there. Each is looked at, none is used. */
const THERE = {
  camera: () => Boolean(navigator.mediaDevices?.getUserMedia),
  encryption: () => globalThis.isSecureContext !== false,
  storage: () => {
    localStorage.getItem("usual-items");
    return true;
  },
  queue: () => Boolean(indexedDB),
  worker: () => "serviceWorker" in navigator && Boolean(navigator.serviceWorker),
  layout: () => CSS.supports("container-type: inline-size") && CSS.supports("selector(:has(a))"),
};

/** The names of what this browser does not give this page: camera, encryption, storage, queue, worker, layout. */
export function missing() {
  return Object.keys(THERE).filter((name) => {
    try {
      return !THERE[name]();
    } catch {
      return true; // a browser that forbids something throws when it is touched
    }
  });
}
