// Loaded before the page's own scripts: when each part of a press happens, by the page's own clock. Both the page of
// today and that of an older commit are measured by it, so it looks at what a browser does, not at names of ours.
(() => {
  const seen = (window.seen = {});
  const now = () => performance.now();
  const first = (name) => (seen[name] ??= now());

  document.addEventListener("click", ({ target }) => {
    if (!target.closest?.("#recognise")) return;
    for (const name of Object.keys(seen)) if (name !== "ready") delete seen[name];
    first("press");
  }, { capture: true });

  const { mediaDevices } = navigator;
  if (mediaDevices) {
    const open = mediaDevices.getUserMedia.bind(mediaDevices);
    mediaDevices.getUserMedia = async (...given) => {
      const stream = await open(...given);
      first("opened");
      return stream;
    };
  }

  const play = HTMLVideoElement.prototype.play;
  HTMLVideoElement.prototype.play = async function (...given) {
    await play.apply(this, given);
    first("picture");
  };

  const encode = HTMLCanvasElement.prototype.toBlob;
  HTMLCanvasElement.prototype.toBlob = function (done, ...given) {
    seen.taken = now(); // the last one counts
    return encode.call(this, done, ...given);
  };

  const ask = window.fetch;
  window.fetch = async (...given) => {
    const visit = String(given[0]?.url ?? given[0]).includes("/v1/visits");
    if (visit) seen.sent = now();
    const reply = await ask(...given);
    if (visit) seen.answered = now();
    return reply;
  };

  new MutationObserver(() => {
    const { ready, state } = document.body?.dataset ?? {};
    if (ready === "true") first("ready");
    if (state === "low_quality") first("hint");
    // Two frames later it is on the glass: the first one draws, the second one begins after it.
    if (state === "greet" && !seen.greet) {
      first("greet");
      requestAnimationFrame(() => requestAnimationFrame(() => first("drawn")));
    }
  }).observe(document, {
    subtree: true, childList: true, attributes: true, attributeFilter: ["data-ready", "data-state"],
  });
})();
