import type { World } from "../services/shared/world.ts";

/** Somebody who wants a moment without writes. */
interface Hush {
  id: string;
  end(): void;
  ended: Promise<void>;
}

/**
 * What the writes of a node pass on their way to a store that can neither be locked nor be looked at as it was. A backup
 * closes it for the moment in which it looks, and it opens by itself where nobody does so in time.
 */
export class Gate {
  readonly #world: World;
  #hush: Hush | undefined;
  #underWay = 0;
  #whenQuiet: (() => void)[] = [];

  constructor(world: World) {
    this.#world = world;
  }

  async pass<T>(write: () => Promise<T>): Promise<T> {
    while (this.#hush) await this.#hush.ended;
    this.#underWay++;
    try {
      return await write();
    } finally {
      if (--this.#underWay === 0) for (const quiet of this.#whenQuiet.splice(0)) quiet();
    }
  }

  /** Closed from now on, for `ms` at most. Resolves when what was under way has ended; false: not in time, or not for you. */
  async close(id: string, ms: number): Promise<boolean> {
    if (this.#hush) return false;
    const { promise: ended, resolve } = Promise.withResolvers<void>();
    const callOff = this.#world.after(ms, () => this.open(id));
    const end = () => {
      callOff();
      resolve();
    };
    this.#hush = { id, end, ended };
    if (this.#underWay > 0) await Promise.race([ended, new Promise<void>((quiet) => void this.#whenQuiet.push(quiet))]);
    return this.#hush?.id === id;
  }

  /** Whether it was closed for you until now. */
  open(id: string): boolean {
    if (this.#hush?.id !== id) return false;
    this.#hush.end();
    this.#hush = undefined;
    return true;
  }
}
