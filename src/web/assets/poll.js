// Asks again and again until it is told that the answer is final: soon at first, then more slowly, for ten minutes at most. A page that nobody
// looks at does not ask, and asks at once when it is looked at again.

const PAUSE_MS_FIRST = 1_000;
const PAUSE_MS_MAX = 5_000;
const PAUSE_GROWTH = 1.3;
const POLLING_MS_MAX = 10 * 60 * 1_000;

/** `ask` answers true when there is no more to ask. `onPause` is told when the ten minutes are over. Gives the way to begin anew. */
export function poll(ask, onPause) {
  let timer;
  let startedAt = 0;
  let pauseMs = PAUSE_MS_FIRST;
  let asking = false;
  let done = false;

  async function turn() {
    clearTimeout(timer);
    if (asking || done || document.hidden) return;
    asking = true;
    try {
      done = await ask();
    } finally {
      asking = false;
    }
    if (done) return;
    if (performance.now() - startedAt > POLLING_MS_MAX) return onPause();
    timer = setTimeout(() => void turn(), pauseMs);
    pauseMs = Math.min(pauseMs * PAUSE_GROWTH, PAUSE_MS_MAX);
  }

  function begin() {
    startedAt = performance.now();
    pauseMs = PAUSE_MS_FIRST;
    void turn();
  }

  document.addEventListener("visibilitychange", () => {
    if (!document.hidden) begin();
  });
  begin();
  return begin;
}
