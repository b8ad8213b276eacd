import { type ServiceBroker as Broker, type Middleware, ServiceBroker } from "moleculer";
import { brokerOptions } from "../moleculer.config.ts";
import { Refusal } from "../services/shared/refusal.ts";
import { readSettings } from "../services/shared/settings.ts";
import { realWorld } from "../services/shared/world.ts";

export const SECRET = "a secret of the house";

/** A service that does next to nothing, so that the bus is all there is to it. */
const echo = {
  name: "echo",
  actions: {
    say: (ctx: { params: unknown }) => ctx.params,
    refuse: () => {
      throw new Refusal("insufficient_stock", "Only 2 left.", { errors: [{ path: "MUG", message: "2 left" }] });
    },
    fail: () => {
      throw new TypeError("x is not a function");
    },
    whoAsks: (ctx: { meta: object }) => Object.assign(ctx.meta, { caller: { userId: "usr_0", role: "admin" } }) && null,
  },
};

export interface BusOptions {
  url: string;
  secret?: string;
  serves?: boolean;
  more?: Middleware;
}

/** A node with Lonja's own options, on a bus. `figures` are its own. */
export async function newNode({ url, secret = SECRET, serves = false, more }: BusOptions): Promise<Broker> {
  const settings = readSettings({ TRANSPORTER: url, BUS_SECRET: secret });
  const options = await brokerOptions({ settings, world: realWorld, logger: false });
  if (more) options.middlewares = [...(options.middlewares ?? []), more];
  const broker = new ServiceBroker(options);
  if (serves) broker.createService(echo as never);
  return broker;
}

/** Two nodes that have found each other: one that asks and one that answers. */
export async function twoNodes(url: string): Promise<{ asker: Broker; answerer: Broker; stop(): Promise<void> }> {
  const [asker, answerer] = await Promise.all([newNode({ url }), newNode({ url, serves: true })]);
  await Promise.all([asker.start(), answerer.start()]);
  await asker.waitForServices("echo", 20_000, 50);
  return {
    asker,
    answerer,
    stop: async () => void (await Promise.all([asker.stop(), answerer.stop()])),
  };
}
