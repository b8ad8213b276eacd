/** As long as somebody may be standing there and waiting, the next try is never further away than this. */
const SOON_MS = 4_000;
const SOMEBODY_WAITS_MS = 600_000;

/**
 * How long to leave alone what failed or did not answer: twice as long after each try, spread by chance, so that many do
 * not come back at once. For the first ten minutes it is at most four seconds; beyond, it grows with a tenth of the time
 * that has passed since, up to `longestMs`.
 */
export function pauseMs(
  { tries, waitedMs }: { tries: number; waitedMs: number },
  { firstMs, longestMs }: { firstMs: number; longestMs: number },
  random: number,
): number {
  const limit = Math.min(longestMs, Math.max(SOON_MS, (waitedMs - SOMEBODY_WAITS_MS) / 10));
  return Math.min(limit, firstMs * 2 ** Math.min(tries, 30)) * (0.5 + random / 2);
}

/**
 * How long until the next look at what others move, and tell of: it is seen late by a tenth of its time at most. What
 * seems to begin in the future, since some clock is wrong, has waited for at least as long as its looks took.
 */
export function lookAfterMs({ looks, waitedMs }: { looks: number; waitedMs: number }, longestMs: number): number {
  const knownMs = waitedMs < 0 ? looks * SOON_MS : waitedMs;
  return Math.min(longestMs, Math.max(SOON_MS, knownMs / 10));
}
