import type { Collection } from "../../mixins/store.mixin.ts";
import { Together } from "../../mixins/together.ts";
import { isRefusal } from "../shared/refusal.ts";
import { timeAt, type World } from "../shared/world.ts";
import { type Attempts, type Counter, countersOf, type Deed, failed, refuseTooMany } from "./attempts.ts";

/**
 * Makes those wait who fail too often. Failures are kept in the store rather than in memory: what fails
 * on one node counts on all, and a restart forgives nothing.
 */
export class AttemptLimits {
  readonly #isOn: boolean;
  readonly #world: World;
  readonly #attempts: () => Collection<Attempts>;
  readonly #failures: Together<Attempts>;

  constructor(isOn: boolean, world: World, attempts: () => Collection<Attempts>) {
    this.#isOn = isOn;
    this.#world = world;
    this.#attempts = attempts;
    this.#failures = new Together(attempts);
  }

  /** Refuses while the caller has to wait. Does the work otherwise, and counts the failure if that is refused. */
  async hold<T>(
    deed: Deed,
    who: { account?: string | undefined; address?: string | undefined },
    work: () => Promise<T>,
  ): Promise<T> {
    const counters = this.#isOn ? countersOf(deed, who) : [];
    await this.#refuseTooMany(counters);
    const done = await work().catch(async (error) => {
      if (isRefusal(error) && error.code < 500) await this.#count(counters);
      throw error;
    });
    if (counters.some(({ clears }) => clears)) await this.#forgive(counters);
    return done;
  }

  async #refuseTooMany(counters: readonly Counter[]): Promise<Attempts[]> {
    const known = counters.length ? await this.#attempts().getMany(counters.map(({ id }) => id)) : [];
    const now = timeAt(this.#world);
    for (const counter of counters)
      refuseTooMany(
        known.find(({ id }) => id === counter.id),
        counter,
        now,
      );
    return known;
  }

  async #count(counters: readonly Counter[]): Promise<void> {
    const countOne = (counter: Counter) =>
      this.#failures.change([counter.id], (docs) => [failed(docs.get(counter.id), counter, timeAt(this.#world))]);
    await Promise.all(counters.map(countOne));
  }

  /** What failed meanwhile counts too, so that many guesses at once gain nothing, the right one among them. */
  async #forgive(counters: readonly Counter[]): Promise<void> {
    const known = await this.#refuseTooMany(counters);
    const over = known.filter(({ id }) => counters.some((counter) => counter.clears && counter.id === id));
    await Promise.all(over.map(({ id }) => this.#attempts().remove(id)));
  }
}
