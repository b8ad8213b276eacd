import { setTimeout as pause } from "node:timers/promises";
import { between, type Chance, chanceOf } from "../chance.ts";
import type { Manner, Orders } from "./order.ts";

type Work = () => Promise<unknown>;

/** Longer than the shop waits for its provider. */
const TOO_LATE_MS = 2_500;
const OFTEN = 0.6;
const lost = (): never => {
  throw Object.assign(new Error("socket hang up"), { code: "ECONNRESET" });
};

/** What becomes of a question to the provider. */
const questions: Partial<Record<Manner, (work: Work, chance: Chance) => Promise<unknown>>> = {
  slow: (work, chance) => pause(between(chance, 200, 1_500)).then(work),
  fails: async () => lost(),
  late: async (work) => {
    const done = await work();
    await pause(TOO_LATE_MS);
    return done;
  },
  charges: (work) => work().then(lost),
};

const asked = /^sandbox\.(authorize|capture|cancel|refund|lookUp)$/;

/** The payment provider with the manners that it was told to have. */
export class ProviderManners {
  #manner: Manner | undefined;
  #chance: Chance = () => 1;

  behave(how: Orders["provider"]): void {
    this.#manner = how?.manner;
    this.#chance = chanceOf(how?.seed ?? 0);
  }

  question(action: string, work: Work): Promise<unknown> {
    const becomes = this.#manner && asked.test(action) && questions[this.#manner];
    return becomes && this.#chance() < OFTEN ? becomes(work, this.#chance) : work();
  }

  /** Webhooks come twice, and overtake each other. */
  async webhook(work: Work): Promise<unknown> {
    if (this.#manner !== "webhooks") return work();
    const again = pause(between(this.#chance, 0, 4_000)).then(work);
    again.catch(() => {});
    await pause(between(this.#chance, 0, 3_000));
    return work();
  }
}
