// WCAG 2.2: contrast of each visible text against the nearest painted background; the size of each target and text;
// names of what can be operated; codes and keys from the left; one heading; nothing wider than the screen. Answers with what is wrong.
() => {
  const seen = (e) =>
    e.checkVisibility({ visibilityProperty: true, opacityProperty: true }) &&
    !e.closest(".unseen") &&
    e.getBoundingClientRect().width > 0;
  // Painted rather than read: a mixed colour is written as oklab(...).
  const dot = new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true });
  const parts = (colour) => {
    dot.clearRect(0, 0, 1, 1);
    dot.fillStyle = colour;
    dot.fillRect(0, 0, 1, 1);
    const [r, g, b, alpha] = dot.getImageData(0, 0, 1, 1).data;
    return [r, g, b, alpha / 255];
  };
  const linear = (v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
  const light = (colour) => {
    const [r, g, b] = parts(colour).map((v) => linear(v / 255));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const behind = (e) => {
    for (let at = e; at; at = at.parentElement) {
      const colour = getComputedStyle(at).backgroundColor;
      const [, , , alpha = 1] = parts(colour);
      if (alpha > 0.9) return colour;
    }
    return getComputedStyle(document.documentElement).backgroundColor;
  };
  const short = (e) => e.textContent.trim().slice(0, 40);
  const found = [];
  const texts = [...document.querySelectorAll("body *")].filter(
    (e) => seen(e) && !e.closest("svg") && [...e.childNodes].some((n) => n.nodeType === 3 && n.textContent.trim()),
  );
  for (const e of texts) {
    const style = getComputedStyle(e);
    const [a, b] = [light(style.color), light(behind(e))].sort((x, y) => y - x);
    const contrast = (a + 0.05) / (b + 0.05);
    if (contrast < 4.5) found.push(`contrast ${contrast.toFixed(2)}: ${short(e)}`);
    // A kiosk is read from a step away, a phone in the hand.
    if (parseFloat(style.fontSize) < (innerWidth <= 560 ? 17 : 20)) found.push(`text ${style.fontSize}: ${short(e)}`);
    const clips = style.display !== "inline" && e.scrollWidth > e.clientWidth + 1;
    if (clips && style.overflowX !== "auto") found.push(`cut off: ${short(e)}`);
  }
  for (const e of document.querySelectorAll("button, input, [role=button], a")) {
    if (!seen(e)) continue;
    const target = (["checkbox", "radio"].includes(e.type) && e.closest("label")) || e;
    const { width, height } = target.getBoundingClientRect();
    if (width < 64 || height < 64) found.push(`target ${width} x ${height}: ${short(target)}`);
    const labels = [...(e.labels || [])].map((label) => label.textContent).join("");
    const name = e.getAttribute("aria-label") || e.textContent || labels;
    if (!name.trim()) found.push(`no name: ${e.outerHTML.slice(0, 80)}`);
  }
  for (const e of document.querySelectorAll(".letters, .keys, .code, .field[inputmode=none], #pairing-code")) {
    if (seen(e) && getComputedStyle(e).direction !== "ltr") found.push(`a code from the right: ${e.id || e.className}`);
  }
  const headings = [...document.querySelectorAll("h1")].filter(seen);
  if (headings.length !== 1 || !headings[0].textContent.trim()) found.push(`headings: ${headings.length}`);
  if (document.documentElement.scrollWidth > innerWidth) found.push("wider than the screen");
  return found;
}
