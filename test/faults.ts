import { createHash } from "node:crypto";
import type { Context, Middleware } from "moleculer";
import type { StoreAdapter } from "../mixins/store.ts";
import type { OpenStore } from "../mixins/stores.ts";
import { Refusal } from "../services/shared/refusal.ts";
import { sleep, type World } from "../services/shared/world.ts";

/** What calls have to go through. */
export interface Weather {
  seed: number;
  calm: boolean;
  /** How many calls of each kind went wrong. */
  faults: Record<string, number>;
}

/** A process that may stand still for a while and then goes on as if nothing had been. */
export interface Sleeper {
  asleep?: Promise<void> | undefined;
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
const STORE_PERCENT = 2;
const SLOW_PERCENT = 20;
const SLOWEST_MS = 300;

/**
 * Makes calls fail before or after they were carried out, come late or come twice, and stores be slow, or refuse what
 * they are to write, or what they have written: the same for the same seed.
 */
export function inWeather(weather: Weather, world: World, node: Sleeper = {}): Middleware {
  const counts = new Map<string, number>();
  const draw = (what: string): readonly [number, number] => {
    const count = (counts.get(what) ?? 0) + 1;
    counts.set(what, count);
    const digest = createHash("sha256").update(`${weather.seed} ${what} ${count}`).digest();
    return [digest.readUInt32LE(0) / 2 ** 32, digest.readUInt32LE(4) / 2 ** 32];
  };
  const awake = async () => node.asleep;
  const note = (kind: string) => {
    weather.faults[kind] = (weather.faults[kind] ?? 0) + 1;
  };

  function shaken(service: string, adapter: StoreAdapter): StoreAdapter {
    const shake = async <T>(id: string, write: () => Promise<T>): Promise<T> => {
      await awake();
      const [chance, when] = weather.calm ? [1, 0] : draw(`${service} store ${id}`);
      const fails = chance * 100 < STORE_PERCENT;
      if (chance * 100 > 100 - SLOW_PERCENT && !weather.calm) await sleep(world, when * SLOWEST_MS);
      if (fails) note(when < 0.5 ? "storeFails" : "storeForgets");
      if (fails && when < 0.5) throw new Refusal("unavailable");
      const done = await write();
      if (fails) throw new Refusal("unavailable");
      return done;
    };
    for (const name of ["find", "findOne", "findById", "findByIds", "count", "insertMany"] as const) {
      const run = adapter[name].bind(adapter) as (...given: unknown[]) => Promise<unknown>;
      Object.assign(adapter, { [name]: (...given: unknown[]) => awake().then(() => run(...given)) });
    }
    const { replace, insert } = adapter;
    adapter.replace = (record, version) => shake(record._id, () => replace.call(adapter, record, version));
    adapter.insert = (record) => shake(record._id, () => insert.call(adapter, record));
    return adapter;
  }

  return {
    created(broker: object) {
      const { openStore } = broker as { openStore: OpenStore };
      Object.assign(broker, { openStore: (service: string) => shaken(service, openStore(service)) });
    },
    localAction(next, action) {
      const name = action.name ?? "";
      if (!among.test(name)) return next;
      return async (ctx: Context<Record<string, unknown>>) => {
        const call = () => awake().then(() => next.call(this as never, ctx)) as Promise<unknown>;
        if (weather.calm) return call();
        const { orderId, key, id } = ctx.params;
        const { requestKey } = ctx.meta as { requestKey?: string };
        const [kindOf, chance] = draw(`${name} ${orderId ?? key ?? id ?? requestKey}`);
        const [kind, fault] = drawn(kindOf * 100);
        if (!fault) return call();
        note(kind);
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
