import { refusals } from "../shared/refusal.ts";
import type { Page } from "../shared/schema.ts";
import type { World } from "../shared/world.ts";
import { refusalOf } from "./problem.ts";

/** What a list has behind a cursor, with the cursor behind each item. */
export type Stretch<T> = Page<T> & { cursors: string[] };

export interface Following {
  world: World;
  /** Ends it. */
  signal: AbortSignal;
  /** How long the pauses become while there is nothing new, where that is not two seconds. */
  longestMs?: () => number;
  /** Hears why there is no answer: once, until there is one again. */
  failed?: (error: unknown) => void;
}

const FIRST_MS = 250;
const LONGEST_MS = 2_000;

/**
 * Goes along a list, oldest first, from a cursor to its end and on, as it grows. The first stretch is given in any case,
 * also an empty one, and its refusal is a refusal: whoever follows knows by it that the list can be had. After that a
 * failure is asked away, and a refusal on its merits is the end.
 */
export async function* stretches<T>(
  ask: (cursor: string | undefined) => Promise<Stretch<T>>,
  from: string | undefined,
  following: Following,
): AsyncGenerator<Stretch<T>, void, undefined> {
  let behind = from;
  const askOn = async () => {
    const stretch = await ask(behind);
    behind = stretch.cursors.at(-1) ?? stretch.nextCursor ?? behind;
    return stretch;
  };
  yield* news(askOn, ({ data, nextCursor }) => ({ isNew: data.length > 0, isMore: nextCursor !== null }), following);
}

/** A value as it is, and again as often as it is another one. */
export async function* values<T>(ask: () => Promise<T>, following: Following): AsyncGenerator<T, void, undefined> {
  let before: string | undefined;
  const judge = (value: T) => {
    const isNew = JSON.stringify(value) !== before;
    before = JSON.stringify(value);
    return { isNew, isMore: false };
  };
  yield* news(ask, judge, following);
}

/** Asks again and again, with pauses that grow while there is nothing new. Where there is more already, without one. */
async function* news<A>(
  ask: () => Promise<A>,
  judge: (answer: A) => { isNew: boolean; isMore: boolean },
  { world, signal, longestMs = () => LONGEST_MS, failed = () => {} }: Following,
): AsyncGenerator<A, void, undefined> {
  const first = await ask();
  let { isMore } = judge(first);
  let pauseMs = FIRST_MS;
  let isFailing = false;
  yield first;
  for (;;) {
    if (!isMore) await rest(world, pauseMs, signal);
    if (signal.aborted) return;
    const answer = await ask().catch((error) => {
      if (isFinal(error)) throw error;
      if (!isFailing) failed(error);
      isFailing = true;
    });
    if (signal.aborted) return;
    isFailing &&= answer === undefined;
    const { isNew, isMore: more } = answer === undefined ? { isNew: false, isMore: false } : judge(answer);
    pauseMs = isNew ? FIRST_MS : Math.min(pauseMs * 2, longestMs());
    // Where nothing of it is for whoever asks, there is time before the next.
    isMore = more && isNew;
    if (answer !== undefined && isNew) yield answer;
  }
}

/** Whoever asks again is told the same. */
function isFinal(error: unknown): boolean {
  const { type } = refusalOf(error);
  return refusals[type][0] < 500 && type !== "too_many_requests";
}

function rest(world: World, ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const over = () => {
      callOff();
      signal.removeEventListener("abort", over);
      resolve();
    };
    const callOff = world.after(ms, over);
    signal.addEventListener("abort", over);
    if (signal.aborted) over();
  });
}
