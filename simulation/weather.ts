import type { Chance } from "./chance.ts";

/** What may become of a question to another node. `Late` is what comes when nobody waits for it any more. */
export const callFaults = [
  "requestLost",
  "requestFails",
  "requestLate",
  "requestTwice",
  "answerLost",
  "answerFails",
  "answerLate",
] as const;
/** What may become of an operation on the store. */
export const storeFaults = [
  "readFails",
  "writeFails",
  "writeForgotten",
  "storeSlow",
  "storeHangs",
  "diesBefore",
  "diesAfter",
] as const;
/** What happens to nodes, and to what all of them use, whatever they are at. */
export const blows = ["killed", "stopped", "frozen", "cutOff", "clockSteps", "storeAway", "postSlow"] as const;

export type CallFault = (typeof callFaults)[number];
export type StoreFault = (typeof storeFaults)[number];
export type Blow = (typeof blows)[number];
export type Fault = CallFault | StoreFault | Blow;

/** How often, out of a thousand calls or operations, where the seed has a fault at all. */
const perThousand: Record<CallFault | StoreFault, number> = {
  requestLost: 30,
  requestFails: 40,
  requestLate: 30,
  requestTwice: 50,
  answerLost: 40,
  answerFails: 40,
  answerLate: 30,
  readFails: 10,
  writeFails: 20,
  writeForgotten: 25,
  storeSlow: 80,
  storeHangs: 5,
  diesBefore: 4,
  diesAfter: 5,
};

/** One draw decides which of them it is, if any. */
class Odds<F extends Fault> {
  readonly #ends: [number, F][] = [];
  readonly #chance: Chance;

  constructor(faults: readonly F[], strength: number, chance: Chance) {
    let end = 0;
    for (const fault of faults) {
      end += (perThousand[fault as CallFault | StoreFault] * strength) / 1000;
      this.#ends.push([end, fault]);
    }
    this.#chance = chance;
  }

  draw(): F | undefined {
    if (this.#ends.length === 0) return undefined;
    const draw = this.#chance.next();
    for (const [end, fault] of this.#ends) if (draw < end) return fault;
    return undefined;
  }
}

/**
 * What goes wrong in a seed, and how often. Each seed has some of the faults and not the others: what all together
 * would hide comes out where few are at work.
 */
export class Weather {
  calm = true;
  /**
   * Some clocks are off by hours, until the storm is over. What was written by them is due at the wrong time, or seems to be
   * old, so that all comes to its end later.
   */
  clocksAreWrong: boolean;
  /** When the last of what goes wrong is over: what is late may arrive after the storm. */
  lastAt = 0;
  readonly faults: ReadonlySet<Fault>;
  readonly counts: Partial<Record<Fault, number>> = {};
  readonly #chance: Chance;
  readonly #calls: Odds<CallFault>;
  readonly #reads: Odds<StoreFault>;
  readonly #writes: Odds<StoreFault>;

  constructor(chance: Chance, clocks: boolean) {
    this.#chance = chance;
    const fair = chance.is(0.03);
    const share = chance.pick([0.25, 0.5, 0.9]);
    const mine = <F extends Fault>(all: readonly F[]) => all.filter(() => !fair && chance.is(share));
    const [calls, stores, others] = [mine(callFaults), mine(storeFaults), mine(blows)];
    this.clocksAreWrong = (!fair && chance.is(0.05)) || clocks;
    const strength = chance.pick([0.3, 1, 1, 2, 4]);
    this.faults = new Set<Fault>([...calls, ...stores, ...others]);
    this.#calls = new Odds(calls, strength, chance);
    const isOfReads = (fault: StoreFault) => ["readFails", "storeSlow", "storeHangs"].includes(fault);
    this.#reads = new Odds(stores.filter(isOfReads), strength, chance);
    this.#writes = new Odds(
      stores.filter((fault) => fault !== "readFails"),
      strength,
      chance,
    );
  }

  onCall(): CallFault | undefined {
    return this.#noted(this.calm ? undefined : this.#calls.draw());
  }

  onStore(writes: boolean): StoreFault | undefined {
    return this.#noted(this.calm ? undefined : (writes ? this.#writes : this.#reads).draw());
  }

  /** Which blow falls next, and after how long. */
  nextBlow(): { afterMs: number; blow: Blow } | undefined {
    const mine = blows.filter((blow) => this.faults.has(blow));
    return mine.length ? { afterMs: this.#chance.between(300, 4_000), blow: this.#chance.pick(mine) } : undefined;
  }

  lastsUntil(at: number): void {
    this.lastAt = Math.max(this.lastAt, at);
  }

  note(fault: Fault): void {
    this.counts[fault] = (this.counts[fault] ?? 0) + 1;
  }

  #noted<F extends Fault>(fault: F | undefined): F | undefined {
    if (fault) this.note(fault);
    return fault;
  }
}
