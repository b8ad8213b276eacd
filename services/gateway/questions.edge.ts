import type { World } from "../shared/world.ts";

/** An answer is good for whoever asks so soon after it. */
const FRESH_MS = 250;

/** What many ask in the same words at about the same time is asked once. */
export class Questions {
  readonly #world: World;
  readonly #asked = new Map<string, Promise<unknown>>();

  constructor(world: World) {
    this.#world = world;
  }

  /** `words` are all that the answer depends on, who asks included. Nobody may change an answer: it is given to others. */
  ask<A>(words: readonly unknown[], ask: () => Promise<A>): Promise<A> {
    const key = JSON.stringify(words);
    const known = this.#asked.get(key) as Promise<A> | undefined;
    if (known) return known;
    const answer = ask();
    const forget = () => void this.#asked.delete(key);
    this.#asked.set(key, answer);
    answer.then(() => this.#world.after(FRESH_MS, forget), forget);
    return answer;
  }
}
