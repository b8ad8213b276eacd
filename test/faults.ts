import { createHash } from "node:crypto";
import type { Context, Middleware } from "moleculer";
import { Refusal } from "../services/shared/refusal.ts";
import type { World } from "../services/shared/world.ts";

/** What calls have to go through. */
export interface Weather {
  seed: number;
  calm: boolean;
  /** How many calls of each kind went wrong. */
  faults: Record<string, number>;
}

export const storm = (seed: number): Weather => ({ seed, calm: false, faults: {} });

type Call = () => Promise<unknown>;
type Fault = (call: Call, later: (then: () => void) => void, chance: number) => Promise<unknown>;

const errors = [
  () => new Error("the wire was cut"),
  () => Object.assign(new Error("no answer in time"), { name: "RequestTimeoutError", code: 504 }),
  () => new Refusal("unavailable"),
];
const lost = (chance: number): never => {
  throw (errors[Math.floor(chance * errors.length)] ?? errors[0])?.();
};

/** What may become of a call between two nodes, and how often in a hundred. */
const faults: Record<string, [percent: number, Fault]> = {
  neverArrives: [10, async (_call, _later, chance) => lost(chance)],
  answerIsLost: [10, (call, _later, chance) => call().then(() => lost(chance))],
  arrivesLate: [
    4,
    async (call, later, chance) => {
      later(() => void call().catch(() => {}));
      return lost(chance);
    },
  ],
  arrivesTwice: [4, (call) => call().then(call, call)],
  arrivesTwiceAtOnce: [4, async (call) => (await Promise.all([call(), call().catch(() => {})]))[0]],
};

const among = /^(orders\.(place|cancel|hear)|(inventory|payments|sandbox|notifications)\.)/;
const LATEST_MS = 9_000;

/** Makes calls fail before or after they were carried out, come late or come twice: the same for the same seed. */
export function inWeather(weather: Weather, world: World): Middleware {
  const counts = new Map<string, number>();
  return {
    localAction(next, action) {
      const name = action.name ?? "";
      if (!among.test(name)) return next;
      return async (ctx: Context<Record<string, unknown>>) => {
        const call = () => next.call(this as never, ctx) as Promise<unknown>;
        if (weather.calm) return call();
        const { orderId, key, id } = ctx.params;
        const what = `${weather.seed} ${name} ${orderId ?? key ?? id ?? (ctx.meta as { requestKey?: string }).requestKey}`;
        const count = (counts.get(what) ?? 0) + 1;
        counts.set(what, count);
        const digest = createHash("sha256").update(`${what} ${count}`).digest();
        const [kind, fault] = drawn((digest.readUInt32LE(0) / 2 ** 32) * 100);
        if (!fault) return call();
        weather.faults[kind] = (weather.faults[kind] ?? 0) + 1;
        const chance = digest.readUInt32LE(4) / 2 ** 32;
        return fault(call, (then) => void world.after(chance * LATEST_MS, then), chance);
      };
    },
  } satisfies Middleware as Middleware;
}

function drawn(percent: number): [string, Fault?] {
  let from = 0;
  for (const [kind, [share, fault]] of Object.entries(faults)) {
    from += share;
    if (percent < from) return [kind, fault];
  }
  return ["none"];
}
