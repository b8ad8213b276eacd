import { createHash } from "node:crypto";
import { ulid } from "ulid";
import type { IdPrefix, World } from "../services/shared/world.ts";

/** A world whose clock stands still until it is told to run, and whose chance comes from a seed. */
export class VirtualWorld implements World {
  #now: number;
  #drawn = 0;
  readonly #seed: number;
  #alarms: { at: number; then: () => void }[] = [];

  constructor(seed: number, startsAt = "2026-01-01T12:00:00.000Z") {
    this.#seed = seed;
    this.#now = Date.parse(startsAt);
  }

  now(): number {
    return this.#now;
  }

  id(prefix: IdPrefix): string {
    return `${prefix}_${ulid(this.#now, () => this.random()).toLowerCase()}`;
  }

  random(): number {
    return this.bytes(4).readUInt32LE() / 2 ** 32;
  }

  bytes(length: number): Buffer {
    const parts: Buffer[] = [];
    for (let have = 0; have < length; have += 32)
      parts.push(
        createHash("sha256")
          .update(`${this.#seed}:${this.#drawn++}`)
          .digest(),
      );
    return Buffer.concat(parts).subarray(0, length);
  }

  after(ms: number, then: () => void): () => void {
    const alarm = { at: this.#now + Math.ceil(ms), then };
    this.#alarms.push(alarm);
    return () => {
      this.#alarms = this.#alarms.filter((one) => one !== alarm);
    };
  }

  soon(then: () => void): void {
    setImmediate(then);
  }

  pause(ms: number): Promise<void> {
    return new Promise((resolve) => this.after(ms, resolve));
  }

  /** Time passes and nobody notices: every alarm that it has passed over rings late, and once. */
  leap(ms: number): void {
    this.#now += ms;
  }

  /** Lets time pass until the work is done. */
  async during<T>(work: Promise<T>): Promise<T> {
    let done = false;
    const over = work.finally(() => {
      done = true;
    });
    over.catch(() => {});
    while (!done) await this.run(10);
    return over;
  }

  /** Lets time pass, alarm by alarm. Whatever an alarm sets going gets its turn before the next one. */
  async run(ms: number): Promise<void> {
    const end = this.#now + ms;
    await settled();
    for (;;) {
      const next = this.#alarms.filter(({ at }) => at <= end).toSorted((a, b) => a.at - b.at)[0];
      if (!next) break;
      this.#alarms = this.#alarms.filter((one) => one !== next);
      this.#now = Math.max(this.#now, next.at);
      next.then();
      await settled();
    }
    this.#now = end;
  }
}

/** A few turns of the event loop: as many as a write and its answer take. */
async function settled(): Promise<void> {
  for (let turn = 0; turn < 6; turn++) await new Promise((resolve) => setImmediate(resolve));
}
