import { monitorEventLoopDelay, performance } from "node:perf_hooks";

/**
 * How the event loop of this process is doing. Whatever waits for a turn of it waits as long as it is late: that is
 * what a process runs out of that has too much to do, whatever it does.
 */
export interface Pulse {
  /** Milliseconds, from wherever they begin. */
  now(): number;
  /** How late the loop has been lately, on average, in milliseconds. */
  lateMs(): number;
  /** The number of this turn of the loop, as far as they are counted. */
  turn(): number;
  /** For how long this turn has been going on, since `turn` was first asked in it. */
  turnMs(): number;
}

const RESOLUTION_MS = 10;
const LATELY_MS = 200;

class LoopPulse implements Pulse {
  readonly #delay = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  #late = 0;
  #lookedAt: number | undefined;
  #turn = 0;
  #turnBegan: number | undefined;

  now(): number {
    return performance.now();
  }

  lateMs(): number {
    const now = performance.now();
    if (this.#lookedAt !== undefined && now - this.#lookedAt < LATELY_MS) return this.#late;
    if (this.#lookedAt === undefined) this.#delay.enable();
    else {
      const { count, mean } = this.#delay;
      // A loop that has not come round since has been late all the time.
      this.#late = count > 0 ? mean / 1e6 - RESOLUTION_MS : now - this.#lookedAt;
      this.#delay.reset();
    }
    this.#lookedAt = now;
    return this.#late;
  }

  turn(): number {
    if (this.#turnBegan === undefined) {
      this.#turnBegan = performance.now();
      this.#turn++;
      setImmediate(() => {
        this.#turnBegan = undefined;
      });
    }
    return this.#turn;
  }

  turnMs(): number {
    return this.#turnBegan === undefined ? 0 : performance.now() - this.#turnBegan;
  }
}

/** There is one event loop, so there is one pulse. It goes by the real clock, as the loop does. */
export const pulse: Pulse = new LoopPulse();
