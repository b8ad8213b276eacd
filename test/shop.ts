import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Middleware, ServiceBroker } from "moleculer";
import { schemaOf } from "../extensions.ts";
import { brokerOptions } from "../moleculer.config.ts";
import type { ServiceName } from "../services/contracts.ts";
import { readSettings } from "../services/shared/settings.ts";
import type { TypedBroker } from "../services/shared/typed.ts";
import { realWorld, type World } from "../services/shared/world.ts";

export interface ShopOptions {
  /** Only these services; all of them where nothing is said. */
  services?: ServiceName[];
  /** Environment variables, as an operator would set them. */
  env?: Record<string, string>;
  /** Where data is kept. A folder of its own, removed at the end, where nothing is said. */
  dataDir?: string;
  world?: World;
  /** Comes between every caller and what is called. */
  between?: Middleware;
  /** Comes last, before what is called: time-outs, breakers and limits see what it does. */
  inside?: Middleware;
}

/** Real services in one process, on a port of their own, with a store of their own on the disk. */
export async function openShop({ services, env = {}, dataDir, world = realWorld, between, inside }: ShopOptions = {}) {
  const folder = dataDir ?? mkdtempSync(join(tmpdir(), "lonja-"));
  const settings = readSettings({
    PORT: "0",
    DATA_DIR: folder,
    DEMO: "off",
    RATE_LIMIT: "off",
    ADMISSION: "off",
    ADMIN_EMAIL: "admin@lonja.test",
    ADMIN_PASSWORD: "correct horse battery",
    ...(services ? { SERVICES: services.join(",") } : {}),
    ...env,
  });
  const options = await brokerOptions({ settings, world, checkResults: true, logger: false });
  if (between) {
    // These two go by the real clock, and would cut off what is made to fail, or to take its time, on purpose.
    const hasty: unknown[] = ["Timeout", "CircuitBreaker"];
    options.middlewares = [...(options.middlewares ?? []).filter((one) => !hasty.includes(one)), between];
  }
  // Moleculer has those that are listed first next to the action.
  if (inside) options.middlewares = [inside, ...(options.middlewares ?? [])];
  const broker = new ServiceBroker(options);
  for (const name of settings.services) broker.createService(await schemaOf(name));
  await broker.start();

  const gateway = broker.getLocalService("gateway") as unknown as
    | { server?: { address(): { port: number } } }
    | undefined;
  return {
    broker,
    settings,
    folder,
    url: gateway?.server ? `http://127.0.0.1:${gateway.server.address().port}` : "",
    call: broker.call.bind(broker) as unknown as TypedBroker["call"],
    async close() {
      await broker.stop();
      if (!dataDir) rmSync(folder, { recursive: true, force: true });
    },
  };
}

export type Shop = Awaited<ReturnType<typeof openShop>>;
