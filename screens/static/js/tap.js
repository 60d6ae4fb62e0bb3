// One press, one act. A second tap of a double tap must not press what has come under the finger meanwhile.
//
// After an act, and after a page or a region has changed, pointers do not reach it for a moment: the style sheet takes
// `pointer-events` away from `[data-settling]`. Keys for typing (`.key`) are pressed in quick succession on purpose:
// they count each time.

const SETTLE_MS = 350; // longer than the pause in a double tap

const ACTS = "button, a[href], summary, label, input[type=checkbox], input[type=radio]";
const timers = new WeakMap();
let last = { time: -Infinity, name: null };

/** Nothing in `region` can be pressed by a pointer for a moment: it has changed under the finger. */
export function settle(region = document.documentElement, ms = SETTLE_MS) {
  const { timer, until = 0 } = timers.get(region) || {};
  const end = performance.now() + ms;
  if (end <= until) return; // a longer pause is running
  clearTimeout(timer);
  region.dataset.settling = "";
  timers.set(region, { until: end, timer: setTimeout(() => delete region.dataset.settling, ms) });
}

/** What a control does, also when it was drawn anew: its id, its action, or the dish that it adds. */
function nameOf(control) {
  const { id, dataset } = control;
  return id || Object.entries(dataset).filter(([name]) => name !== "settling").join() || control;
}

/** From now on each press of a control in the document acts once. Called once, when the page starts. */
export function guardTaps(root = document) {
  let repeats = false;
  const key = (event) => {
    repeats = event.type === "keydown" && event.repeat;
  };
  root.addEventListener("keydown", key, true);
  root.addEventListener("keyup", key, true);
  // What was typed meanwhile makes the next press another act: a reader of codes is quick.
  root.addEventListener("input", () => { last = { time: -Infinity, name: null }; }, true);
  root.addEventListener("click", (event) => {
    const control = event.target.closest?.(ACTS);
    if (!control || control.matches(".key")) return;
    const now = performance.now();
    const name = nameOf(control);
    const again = name === last.name && now - last.time < SETTLE_MS;
    if (event.isTrusted && control.matches("button, a[href], summary") && (again || (repeats && event.detail === 0))) {
      event.preventDefault();
      event.stopImmediatePropagation();
      return;
    }
    last = { time: now, name };
    settle();
  }, true);
}
