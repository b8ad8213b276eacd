import { existsSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import type { ServiceName } from "../services/contracts.ts";
import { disagreementsSeenBy } from "../test/books.ts";
import { Buyers, type Failure } from "../test/buyers.ts";
import { adminOf, type Client, stockMugs, until } from "../test/client.ts";
import { everyService, ShopCluster } from "../test/cluster.ts";
import { needNats, startNats } from "../test/servers/nats.ts";
import { needPostgres, newDatabase, startPostgres } from "../test/servers/postgres.ts";
import type { BreakableServer } from "../test/servers/server.ts";

/** A Lonja, and what its nodes are started with beside what every node is. */
export interface Version {
  folder?: string;
  env?: Record<string, string>;
}

export interface Step {
  to: "this" | "other";
  service: ServiceName;
  /** That were answered while its nodes were exchanged. */
  purchases: number;
  failures: readonly Failure[];
}

export interface RollingOptions {
  other: Version;
  /** The services whose nodes are exchanged; all where nothing is said. */
  services?: readonly ServiceName[] | undefined;
  onStep?: (step: Step) => void;
  /** Ends it early, with all that it has started. */
  signal?: AbortSignal;
}

const UNITS = 100_000;
const BUYERS = 6;
/** So many purchases are answered after each node that was exchanged before the next one is. */
const PURCHASES = 15;
const LONGEST_MS = 60_000;
const skus = Array.from({ length: 8 }, (_, n) => `MUG-${n}`);

/**
 * A shop of another version becomes one of this, one of the other and one of this again, node by node, while people buy:
 * two nodes of each service, NATS and PostgreSQL. A successor is open before its predecessor is told to stop. Services that
 * the other version does not have are of this one from the beginning.
 *
 * @returns what does not agree in the end, and who was promised something that is not there
 * @throws where a node does not start, or nobody is served any more
 */
export async function rollBetween(options: RollingOptions): Promise<string[]> {
  for (const need of [needNats, needPostgres]) need();
  const servers = await Promise.all([startNats(), startPostgres()]);
  try {
    return await Promise.race([roll(servers, options), told(options.signal)]);
  } finally {
    await Promise.all(servers.map((server) => server.stop()));
  }
}

function told(signal: AbortSignal | undefined): Promise<never> {
  signal?.throwIfAborted();
  return new Promise((_, reject) => signal?.addEventListener("abort", () => reject(signal.reason)));
}

async function roll(
  [nats, postgres]: readonly [BreakableServer, BreakableServer],
  { other, services = everyService, onStep = () => {} }: RollingOptions,
): Promise<string[]> {
  const env = { TRANSPORTER: nats.url, STORE: await newDatabase(postgres, "rolling"), RATE_LIMIT: "off" };
  const nobody = Object.fromEntries(everyService.map((service) => [service, 0]));
  const shop = await ShopCluster.open({ env: { ...env, NODE_OPTIONS: "" }, scale: nobody });
  let buyers: Buyers | undefined;
  try {
    const open = (service: ServiceName) => {
      const { env, folder } = knows(other, service) ? other : {};
      return shop.add(service, env, folder);
    };
    await Promise.all([...everyService, ...everyService].map(open));
    await shop.ready();
    buyers = await openDoors(shop);
    for (const to of ["this", "other", "this"] as const)
      for (const service of services.filter((service) => knows(other, service)))
        onStep({ to, service, ...(await exchange(shop, buyers, service, to === "other" ? other : {})) });
    await buyers.goHome();
    return await compare(shop, buyers);
  } finally {
    await buyers?.goHome();
    await shop.close();
  }
}

const knows = ({ folder }: Version, service: ServiceName): boolean =>
  folder === undefined || existsSync(join(folder, "services", service));

async function openDoors(shop: ShopCluster): Promise<Buyers> {
  const admin = await staffOf(shop);
  for (const sku of skus) await stockMugs(admin, UNITS, sku);
  const account = { email: "stroller@example.com", password: "seven salty sardines" };
  const { body: session } = await admin.post("/v1/auth/register", account);
  const buyers = new Buyers({ urls: () => shop.urls, skus, session });
  await buyers.come(BUYERS);
  await untilCalm(buyers);
  return buyers;
}

/** Each node of a service by one of this version. */
async function exchange(shop: ShopCluster, buyers: Buyers, service: ServiceName, { env, folder }: Version) {
  const [answered, failed] = [buyers.answered, buyers.failures.length];
  for (const node of shop.alive(service)) {
    await shop.add(service, env, folder);
    await shop.ready();
    await node.process.stop();
    await untilCalm(buyers);
  }
  return { purchases: buyers.answered - answered, failures: buyers.failures.slice(failed) };
}

async function untilCalm(buyers: Buyers): Promise<void> {
  const isOver = new AbortController();
  const impatience = pause(LONGEST_MS, undefined, { signal: isOver.signal }).then(() => {
    throw new Error(`Nobody has been served for a minute: ${JSON.stringify(buyers.failures.slice(-5))}`);
  });
  await Promise.race([buyers.untilCalm(PURCHASES), impatience]).finally(() => isOver.abort());
}

async function compare(shop: ShopCluster, buyers: Buyers): Promise<string[]> {
  const admin = await staffOf(shop);
  const opened = Object.fromEntries(skus.map((sku) => [sku, UNITS]));
  const wrong = await until(
    () => disagreementsSeenBy(admin, opened),
    (all) => all.length === 0,
  );
  const orders = await admin.all<{ id: string; status: string }>("/v1/admin/orders");
  const confirmed = new Set(orders.filter(({ status }) => status === "confirmed").map(({ id }) => id));
  const lost = [...buyers.confirmed].filter((id) => !confirmed.has(id));
  return [...wrong, ...lost.map((id) => `${id} was promised, and is not confirmed`)];
}

const staffOf = ({ urls: [url = ""] }: ShopCluster): Promise<Client> => adminOf(url);
