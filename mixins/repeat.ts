import type { World } from "../services/shared/world.ts";

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
): () => Promise<void> {
  let stopped = false;
  let underWay: Promise<void> = Promise.resolve();
  let callOff = () => {};
  const later = (ms: number) => {
    callOff = world.after(ms, () => {
      underWay = task()
        .catch((error) => {
          failed(error);
          return false;
        })
        .then((more) => {
          if (!stopped) later(more ? 1 : pauseMs);
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
