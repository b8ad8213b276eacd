import { ServerResponse } from "node:http";
import { flushCompileCache } from "node:module";
import { isMainThread } from "node:worker_threads";
import type { Context, Middleware } from "moleculer";
import { ulid } from "ulid";
import type { OpenStore } from "../../mixins/stores.ts";
import { node } from "../../moleculer.config.ts";
import { realWorld, type World } from "../../services/shared/world.ts";
import type { Answer, Numbered, Order, Orders } from "./order.ts";
import { Points } from "./points.ts";
import { ProviderManners } from "./provider.ts";
import { watchedStores } from "./store.ts";
import { BrokenWire } from "./wire.ts";

/**
 * Loaded before a node of the shop (`node --import ./chaos/inside/inside.ts lonja.ts`), this is whoever breaks it from
 * within, at the word of the process that has started it. Lonja itself knows nothing of it.
 */
type Hooks = Pick<Middleware, "created" | "localAction"> & { call(next: Call): Call };
type Call = (name: string, params: unknown, options?: object) => Promise<unknown>;

const points = new Points((signal) => process.kill(process.pid, signal));
const wire = new BrokenWire();
const provider = new ProviderManners();
let clockMs = 0;
let isDiskFull = false;

const pass = (point: string) => points.pass(point);
/** Those who ask how the shop is, or look at it, take no part in a purchase. */
const isWatched = (action: string) => !/^gateway\.|\.(outbox|deadLetters)$/.test(action);

const breaks = {
  created(broker: object) {
    const { openStore } = broker as { openStore: OpenStore };
    Object.assign(broker, { openStore: watchedStores(openStore, { pass, isDiskFull: () => isDiskFull }) });
  },
  call: (next: Call): Call =>
    async function call(name, params, options) {
      if (!isWatched(name)) return next(name, params, options);
      pass(`${name}:asked`);
      const ask = () => next(name, params, options);
      const answer = await (name === "payments.webhook" ? provider.webhook(ask) : ask());
      pass(`${name}:answered`);
      return answer;
    },
  localAction(next, { name = "" }) {
    if (!isWatched(name)) return next;
    return async (ctx: Context) => {
      pass(`${name}:begun`);
      const answer = await provider.question(name, async () => next.call(this as never, ctx));
      pass(`${name}:done`);
      return answer;
    };
  },
} satisfies Hooks as unknown as Middleware;

const { end } = ServerResponse.prototype;
ServerResponse.prototype.end = function (this: ServerResponse, ...given: unknown[]) {
  const isPost = this.req?.method === "POST";
  if (isPost) pass("gateway.answer:before");
  const ended = end.apply(this, given as never);
  if (isPost) this.once("finish", () => pass("gateway.answer:after"));
  return ended;
} as typeof end;

const now = () => realWorld.now() + clockMs;
const world: World = { ...realWorld, now, id: (prefix) => `${prefix}_${ulid(now()).toLowerCase()}` };

const obey: { [What in keyof Orders]: (how: Orders[What]) => unknown } = {
  arm: (how) => points.arm(how),
  disarm: () => points.disarm(),
  record: () => points.record(),
  passed: () => points.passed(),
  stall({ ms }) {
    const until = performance.now() + ms;
    while (performance.now() < until);
  },
  clock({ ms }) {
    clockMs = ms;
  },
  wire: (how) => wire.be(how),
  provider: (how) => provider.behave(how),
  disk(how) {
    isDiskFull = how.isFull;
  },
};

/** Node keeps what it has compiled when it ends, and these nodes are killed. */
const OPEN_MS = 2_000;

if (isMainThread) {
  setTimeout(flushCompileCache, OPEN_MS).unref();
  Object.assign(node, { world, between: [breaks, wire.middleware] });
  process.on("message", ({ n, order }: Numbered) => {
    const answer = (obey[order.what] as (how: Order["how"]) => unknown)(order.how);
    process.send?.({ n, answer } satisfies Answer);
  });
}
