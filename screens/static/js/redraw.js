// Draw a part of the page again without losing the place: what is the same stays as it is, and so does the focus.

import { settle } from "./tap.js";

const drawn = new Set(); // the regions with something in them

/** What an element is, also after it was drawn anew. */
const nameOf = (element) => element.id || element.dataset.focus || element.dataset.item || element.dataset.step || "";

const controls = (root) => [...root.querySelectorAll("button:not(:disabled), input, textarea, a[href]")];

/**
 * Put `children` into `root`. An equal element stays; the focus stays on the same control, else on its neighbour,
 * else goes to `otherwise`. Pointers reach `root` a moment later when something has changed under them.
 */
export function redraw(root, children, otherwise = null) {
  drawn.add(root);
  const before = [...root.childNodes];
  const active = root.contains(document.activeElement) ? document.activeElement : null;
  const at = active ? controls(root).indexOf(active) : -1;
  const now = children.map((child, k) => (before[k]?.isEqualNode(child) ? before[k] : child));
  if (now.length === before.length && now.every((node, k) => node === before[k])) return;
  now.forEach((node, k) => node !== root.childNodes[k] && root.insertBefore(node, root.childNodes[k] || null));
  for (const node of before) if (!now.includes(node)) node.remove();
  if (before.length) settle(root);
  if (active && document.activeElement !== active) refocus(root, active, at, otherwise);
}

/** Empty every region: the controls in it act for a visit that is over, however equal they look to the next one's. */
export function clearDrawn() {
  for (const root of drawn) root.replaceChildren();
  drawn.clear();
}

function refocus(root, active, at, otherwise) {
  const left = controls(root).filter((control) => !control.closest("[hidden]"));
  const name = nameOf(active);
  const same = name && left.find((control) => nameOf(control) === name && control.className === active.className);
  const next = same || left[Math.min(at, left.length - 1)] || otherwise;
  next?.focus({ preventScroll: true });
}
