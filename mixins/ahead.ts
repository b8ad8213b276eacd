import { timeAt, type World } from "../services/shared/world.ts";
import type { Collection, Doc } from "./collection.ts";
import { repeat } from "./repeat.ts";

/** How far the clocks of two nodes may be apart before it matters. */
export const AHEAD_MS = 5_000;
const LOOK_EVERY_MS = 1_000;
/** Whoever has put it off is given a moment to come back to it himself. */
const GRACE_MS = 1_000;
/** At a look. */
export const MOST_WATCHED = 200;

/** Something was put off, until `until`, when the clock of whoever did so said `at`. */
export interface PutOff {
  id: string;
  version: number;
  at: string | undefined;
  until: string;
}

/**
 * What a node has put off whose clock is hours ahead lies there until its tomorrow. Whether the other's clock is wrong or
 * one's own, no clock can say; so what seems to have been put off in the future is watched, and is due when this node has
 * seen it lie untouched for as long as it was put off, counted in looks: its own clock may be put right meanwhile. (A lease
 * is taken over by the observer's own elapsed time, as in the leader election of Kubernetes: client-go,
 * tools/leaderelection.)
 */
export class Watch<T> {
  readonly #putOff: (one: T) => PutOff;
  #seen = new Map<string, { state: string; looks: number }>();

  constructor(putOff: (one: T) => PutOff) {
    this.#putOff = putOff;
  }

  /** Those of `found` that have been waited for in full. What is not found any more is forgotten. */
  overdue(found: readonly T[], nowMs: number): T[] {
    const seen = new Map<string, { state: string; looks: number }>();
    const overdue = found.filter((one) => {
      const { id, version, at, until } = this.#putOff(one);
      if (!at || Date.parse(at) <= nowMs + AHEAD_MS) return false;
      const state = `${version} ${until}`;
      const known = this.#seen.get(id);
      const looks = known?.state === state ? known.looks + 1 : 0;
      seen.set(id, { state, looks });
      return looks * LOOK_EVERY_MS >= Date.parse(until) - Date.parse(at) + GRACE_MS;
    });
    this.#seen = seen;
    return overdue;
  }
}

/** Looks again and again: time is counted in looks, so their pauses do not grow. */
export const watch = (world: World, look: () => Promise<boolean>, failed: (error: Error) => void) =>
  repeat(world, LOOK_EVERY_MS, look, failed, LOOK_EVERY_MS);

/** Makes due now what has lain for its time, so that the next sweep finds it: one look, to be repeated. */
export function bringForward<D extends Doc & { dueAt?: string | undefined }>(
  docs: Collection<D>,
  world: World,
): () => Promise<false> {
  const watch = new Watch<D>((doc) => {
    const { id, version, dueAt = "" } = doc;
    return { id, version, at: docs.dueSetAt(doc), until: dueAt };
  });
  return async () => {
    const where = { dueSetAt: { $gt: timeAt(world, AHEAD_MS) } };
    const { data } = await docs.find({ where, sort: "dueSetAt", limit: MOST_WATCHED });
    for (const doc of watch.overdue(data, world.now())) await docs.replace(doc, { ...doc, dueAt: timeAt(world) });
    return false;
  };
}
