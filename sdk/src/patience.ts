import { ConnectionError } from "./errors.ts";

/** How long somebody waits. */
export interface Patience {
  signal: AbortSignal;
  /** From now on so long, and no longer. */
  lasts(ms: number): void;
  /** Nothing is waited for. */
  rests(): void;
  /** Closes what it was for. */
  ends(): void;
}

/** Ends when whoever has called wants it to, or when the time is over. */
export function patienceOf(signal: AbortSignal | undefined): Patience {
  const controller = new AbortController();
  let timer: ReturnType<typeof setTimeout> | undefined;
  const stop = () => controller.abort(signal?.reason);
  signal?.addEventListener("abort", stop);
  if (signal?.aborted) stop();
  const rests = () => clearTimeout(timer);
  return {
    signal: controller.signal,
    lasts(ms) {
      rests();
      timer = setTimeout(() => controller.abort(new ConnectionError(`Nothing came within ${ms} ms.`)), ms);
    },
    rests,
    ends() {
      rests();
      signal?.removeEventListener("abort", stop);
      controller.abort();
    },
  };
}

/** What comes of it, or the reason for which it is not waited for any more. */
export function orAborted<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (!signal) return work;
  return new Promise((resolve, reject) => {
    const stop = () => reject(signal.reason);
    if (signal.aborted) stop();
    signal.addEventListener("abort", stop);
    work.then(resolve, reject).finally(() => signal.removeEventListener("abort", stop));
  });
}

export const pause = (ms: number, signal: AbortSignal | undefined): Promise<void> => {
  let timer: ReturnType<typeof setTimeout>;
  const over = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, ms);
  });
  return orAborted(over, signal).finally(() => clearTimeout(timer));
};
