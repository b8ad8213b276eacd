import type { World } from "../services/shared/world.ts";

/**
 * After a run that took long, since its store is slow or has much to do, the pause is four times as long as the run, and two
 * seconds at most.
 */
const PAUSE_PER_RUN = 4;
const LONGEST_PAUSE_MS = 2_000;

/**
 * Runs a task again and again, with a pause between its end and its next start, until it is stopped.
 * A task that answers true has more to do and is run again almost at once. Stopping waits for a run
 * that is under way.
 */
export function repeat(
  world: World,
  pauseMs: number,
  task: () => Promise<boolean>,
  failed: (error: Error) => void,
  longestMs = LONGEST_PAUSE_MS,
): () => Promise<void> {
  let stopped = false;
  let underWay: Promise<void> = Promise.resolve();
  let callOff = () => {};
  const later = (ms: number) => {
    callOff = world.after(ms, () => {
      const startedAt = world.now();
      underWay = task()
        .catch((error) => {
          failed(error);
          return false;
        })
        .then((more) => {
          const pauseLikeRun = Math.min((world.now() - startedAt) * PAUSE_PER_RUN, longestMs);
          if (!stopped) later(more ? 1 : Math.max(pauseMs, pauseLikeRun));
        });
    });
  };
  later(pauseMs);
  return () => {
    stopped = true;
    callOff();
    return underWay;
  };
}
