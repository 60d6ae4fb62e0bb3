// Measures the box of every text that can be seen: cut off, outside of its own box or of the window, broken inside a
// word, lying on another text; a button that another one covers; bars that take too much. Answers with what is wrong.
() => {
  const found = [];
  const SLACK = 2; // pixels: half-leading and rounding
  const short = (text) => text.trim().replace(/\s+/g, " ").slice(0, 40);
  const seen = (e) =>
    e.checkVisibility({ visibilityProperty: true, opacityProperty: true }) && !e.closest(".unseen, svg, noscript, .me-more") &&
    getComputedStyle(e).clipPath !== "inset(50%)"; // for screen readers alone
  const fixed = (e) => {
    for (let at = e; at && at !== document.body; at = at.parentElement) {
      if (["fixed", "sticky"].includes(getComputedStyle(at).position)) return true;
    }
    return false;
  };
  // Where an element's content is clipped, and how: what scrolls is not cut.
  const clips = (e) => {
    const { overflowX, overflowY } = getComputedStyle(e);
    return { x: !["visible"].includes(overflowX), y: overflowY !== "visible", scrollsX: ["auto", "scroll"].includes(overflowX), scrollsY: ["auto", "scroll"].includes(overflowY) };
  };
  const holder = (e) => {
    let at = e;
    while (at.parentElement && getComputedStyle(at).display.startsWith("inline") && getComputedStyle(at).display !== "inline-flex") at = at.parentElement;
    return at;
  };
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const lines = [];
  const texts = [];
  while (walker.nextNode()) {
    const node = walker.currentNode;
    if (node.textContent.trim() && node.parentElement && seen(node.parentElement)) texts.push(node);
  }
  const range = document.createRange();
  for (const node of texts) {
    const e = node.parentElement;
    range.selectNodeContents(node);
    const rects = [...range.getClientRects()].filter((r) => r.width > 0.5 && r.height > 0.5);
    if (!rects.length) continue;
    const box = holder(e);
    const own = box.getBoundingClientRect();
    const what = `"${short(node.textContent)}" in ${box.id ? `#${box.id}` : `.${box.className || box.tagName.toLowerCase()}`}`;
    let scrolledX = false;
    let scrolledY = false;
    for (let at = box; at && at !== document.documentElement; at = at.parentElement) {
      const clip = clips(at);
      const outer = at.getBoundingClientRect();
      if (clip.scrollsX) scrolledX = true;
      if (clip.scrollsY) scrolledY = true;
      const cutX = clip.x && !scrolledX && rects.some((r) => r.left < outer.left - SLACK || r.right > outer.right + SLACK);
      const cutY = clip.y && !scrolledY && rects.some((r) => r.top < outer.top - SLACK - 2 || r.bottom > outer.bottom + SLACK + 2);
      if (cutX || cutY) {
        found.push(`cut off: ${what}`);
        break;
      }
    }
    if (!scrolledX && rects.some((r) => r.left < -SLACK || r.right > innerWidth + SLACK)) found.push(`outside the window: ${what}`);
    if (rects.some((r) => r.left < own.left - SLACK || r.right > own.right + SLACK)) found.push(`wider than its box: ${what}`);
    const tall = parseFloat(getComputedStyle(e).fontSize) * 0.3; // a line's box is taller than its letters
    if (rects.some((r) => r.top < own.top - tall || r.bottom > own.bottom + tall)) found.push(`taller than its box: ${what}`);
    const button = e.closest("button, .badge, .bubble, .big");
    if (button) {
      const around = button.getBoundingClientRect();
      if (rects.some((r) => r.left < around.left - 1 || r.right > around.right + 1 || r.top < around.top - 1 || r.bottom > around.bottom + 1)) found.push(`hangs out of its button: ${what}`);
    }
    // A word that begins on one line and ends on another. Where there are no spaces (Japanese) lines may end anywhere.
    for (const word of node.textContent.matchAll(/[^\s\u00ad\u200b\u2010-\u2015/-]+/g)) {
      if (/[\u3040-\u30ff\u3400-\u9fff\uff00-\uffef\u3000-\u303f]/.test(word[0]) || word[0].length < 2) continue;
      if (/^[0-9a-f]{24,}$/.test(word[0])) continue; // a hash is no word
      range.setStart(node, word.index);
      range.setEnd(node, word.index + word[0].length);
      const tops = [...range.getClientRects()].filter((r) => r.width > 0.5).map((r) => r.top);
      if (tops.length > 1 && Math.max(...tops) - Math.min(...tops) > 6) found.push(`broken inside a word: "${word[0]}" of ${what}`);
    }
    if (!fixed(e)) for (const r of rects) lines.push({ r, e, what });
  }
  lines.sort((a, b) => a.r.top - b.r.top);
  for (let i = 0; i < lines.length; i += 1) {
    for (let j = i + 1; j < lines.length && lines[j].r.top < lines[i].r.bottom; j += 1) {
      const [a, b] = [lines[i], lines[j]];
      if (a.e === b.e || a.e.contains(b.e) || b.e.contains(a.e)) continue;
      const across = Math.min(a.r.right, b.r.right) - Math.max(a.r.left, b.r.left);
      const down = Math.min(a.r.bottom, b.r.bottom) - Math.max(a.r.top, b.r.top);
      if (across > 3 && down > 0.35 * Math.min(a.r.height, b.r.height)) found.push(`one on the other: ${a.what} and ${b.what}`);
    }
  }
  // Whatever can be pressed can be reached: brought into view, its middle is itself.
  const at = [scrollX, scrollY];
  const moved = [...document.querySelectorAll("body *")].filter((e) => e.scrollWidth > e.clientWidth || e.scrollHeight > e.clientHeight)
    .map((e) => [e, e.scrollLeft, e.scrollTop]);
  for (const button of [...document.querySelectorAll("button, input, a[href]")].filter((e) => seen(e) && !e.disabled && e.getBoundingClientRect().width > 1)) {
    const target = button.type === "checkbox" ? button.closest("label") || button : button;
    target.scrollIntoView({ block: "center", inline: "center", behavior: "instant" });
    const { left, top, width, height } = target.getBoundingClientRect();
    const hit = document.elementFromPoint(left + width / 2, top + height / 2);
    if (!hit || !(target.contains(hit) || hit.contains(target))) found.push(`cannot be pressed: ${short(button.textContent || button.id)}`);
  }
  for (const [e, left, top] of moved) Object.assign(e, { scrollLeft: left, scrollTop: top });
  scrollTo(...at);
  const bars = [...document.querySelectorAll("body *")].filter((e) => seen(e) && ["fixed", "sticky"].includes(getComputedStyle(e).position) && !e.closest(".toast, .me-over"));
  const taken = bars.reduce((sum, e) => sum + e.getBoundingClientRect().height, 0) / innerHeight;
  if (taken > 0.35) found.push(`bars take ${Math.round(100 * taken)} % of the height`);
  if (document.documentElement.scrollWidth > innerWidth + 1) found.push(`wider than the window: ${document.documentElement.scrollWidth}`);
  return [...new Set(found)];
}
