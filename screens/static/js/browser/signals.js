// A request ends when its time is over or when the person leaves, whichever comes first. Written out, because
// `AbortSignal.any` and `AbortSignal.timeout` are younger than the oldest browsers that the screens work in.

/**
 * A signal that aborts after `ms`, or with `signal`.
 * @param {number} ms
 * @param {AbortSignal} [signal]
 * @returns {{signal: AbortSignal, late: () => boolean, end: () => void}} `late` says that the time was over;
 *   `end` is called when the request has ended
 */
export function limited(ms, signal) {
  const own = new AbortController();
  let late = false;
  const timer = setTimeout(() => {
    late = true;
    own.abort();
  }, ms);
  const leave = () => own.abort();
  if (signal?.aborted) leave();
  signal?.addEventListener("abort", leave);
  const end = () => {
    clearTimeout(timer);
    signal?.removeEventListener("abort", leave);
  };
  return { signal: own.signal, late: () => late, end };
}
