import { existsSync } from "node:fs";
import { join } from "node:path";
import type { ServiceName } from "../services/contracts.ts";
import { disagreementsSeenBy, promisesNotKept, whatStaysWrong } from "../test/books.ts";
import { Buyers, type Failure } from "../test/buyers.ts";
import { adminOf } from "../test/client.ts";
import { everyService, ShopCluster } from "../test/cluster.ts";
import { needNats, startNats } from "../test/servers/nats.ts";
import { needPostgres, newDatabase, startPostgres } from "../test/servers/postgres.ts";

export interface Version {
  /** Where it is, as an absolute path; this Lonja where nothing is said. */
  folder?: string;
  /** What its nodes are started with beside what every node is. */
  env?: Record<string, string>;
}

export interface Step {
  to: "this" | "other";
  service: ServiceName;
  /** Orders that were confirmed while its nodes were exchanged. */
  confirmed: number;
  /** Requests that were not answered, or not as they should be. */
  failures: readonly Failure[];
}

export interface RollingOptions {
  other: Version;
  /** The services whose nodes are exchanged; all where nothing is said. */
  services?: readonly ServiceName[] | undefined;
  onStep?: (step: Step) => void;
  /** Sends people home and ends it, with all that it has started. */
  signal?: AbortSignal;
}

/** So many purchases are answered after each node that was exchanged before the next one is. */
const PURCHASES = 15;
const goods = Object.fromEntries(Array.from({ length: 8 }, (_, n) => [`MUG-${n}`, 100_000]));

export const knows = ({ folder }: Version, service: ServiceName): boolean =>
  folder === undefined || existsSync(join(folder, "services", service));

/**
 * A shop of another version becomes one of this, one of the other and one of this again, node by node, while people buy:
 * two nodes of each service, NATS and PostgreSQL. A successor is open before its predecessor is told to stop. Services that
 * the other version does not have are of this one from the beginning.
 *
 * @returns what went wrong beside requests that failed
 * @throws where the other version's shop cannot be opened, and what the signal says
 */
export async function rollBetween(options: RollingOptions): Promise<string[]> {
  for (const need of [needNats, needPostgres]) need();
  const nats = await startNats();
  try {
    const postgres = await startPostgres();
    try {
      const STORE = await newDatabase(postgres, "rolling");
      const env = { TRANSPORTER: nats.url, STORE, RATE_LIMIT: "off", NODE_OPTIONS: "" };
      return await new Rolling(ShopCluster.empty(env), options).run();
    } finally {
      await postgres.stop();
    }
  } finally {
    await nats.stop();
  }
}

class Rolling {
  readonly #shop: ShopCluster;
  readonly #options: RollingOptions;
  readonly #wrong: string[] = [];

  constructor(shop: ShopCluster, options: RollingOptions) {
    this.#shop = shop;
    this.#options = options;
  }

  async run(): Promise<string[]> {
    let buyers: Buyers | undefined;
    try {
      const twice = [...everyService, ...everyService];
      await Promise.all(twice.map((service) => this.#add(service, knows(this.#options.other, service))));
      await this.#shop.ready();
      buyers = await Buyers.of(this.#shop, await this.#staff(), goods);
      const sendHome = buyers.goHome.bind(buyers);
      this.#options.signal?.addEventListener("abort", () => void sendHome());
      await buyers.untilCalm(PURCHASES);
      await this.#roll(buyers).catch((error: Error) => this.#note(error.message));
      this.#options.signal?.throwIfAborted();
      await buyers.goHome();
      await this.#compare(buyers).catch((error: Error) => this.#note(error.message));
      this.#note(...(await this.#shop.close()).map((exit) => `${exit} when the shop was closed`));
      return this.#wrong;
    } finally {
      await buyers?.goHome();
      await this.#shop.close();
    }
  }

  #note(...what: string[]): void {
    this.#wrong.push(...what);
  }

  #add(service: ServiceName, isOther: boolean) {
    const { env, folder } = isOther ? this.#options.other : {};
    return this.#shop.add(service, env, folder);
  }

  async #roll(buyers: Buyers): Promise<void> {
    const { other, services = everyService, onStep } = this.#options;
    for (const to of ["this", "other", "this"] as const)
      for (const service of services.filter((service) => knows(other, service))) {
        const [promised, failed, odd] = [buyers.confirmed.size, buyers.failures.length, buyers.unexpected.length];
        await this.#exchange(service, to === "other", buyers);
        const confirmed = buyers.confirmed.size - promised;
        const failures = [...buyers.failures.slice(failed), ...buyers.unexpected.slice(odd)];
        onStep?.({ to, service, confirmed, failures });
        if (confirmed === 0) this.#note(`Nobody could buy anything with ${service} of ${to} version`);
      }
  }

  async #exchange(service: ServiceName, isOther: boolean, buyers: Buyers): Promise<void> {
    const there = this.#shop.alive(service);
    if (there.length !== 2) this.#note(`Of two nodes of ${service} ${there.length} were there`);
    for (const { process } of there) {
      this.#options.signal?.throwIfAborted();
      await this.#add(service, isOther);
      await this.#shop.ready();
      const { code, signal } = await process.stop();
      if (code !== 0) this.#note(`${process.name} did not stop by itself: ${signal ?? code}`);
      await buyers.repeat();
      await buyers.untilCalm(PURCHASES);
    }
  }

  async #compare(buyers: Buyers): Promise<void> {
    this.#note(...(await whatStaysWrong(async () => disagreementsSeenBy(await this.#staff(), goods))));
    this.#note(...(await promisesNotKept(await this.#staff(), buyers.confirmed)), ...this.#shop.slips());
  }

  #staff() {
    const [url = ""] = this.#shop.urls;
    return adminOf(url);
  }
}
