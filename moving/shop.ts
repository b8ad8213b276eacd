import { existsSync } from "node:fs";
import { relative } from "node:path";
import { ServiceBroker, type ServiceSchema } from "moleculer";
import { sqlitePath } from "../mixins/sqlite.file.ts";
import type { Collection, Doc } from "../mixins/store.mixin.ts";
import type { StoreAdapter } from "../mixins/store.ts";
import { brokerOptions, type Node } from "../moleculer.config.ts";
import { contracts, type ServiceName } from "../services/contracts.ts";
import type { Settings } from "../services/shared/settings.ts";

/** A collection as it is moved: known by its service and its name, without what its documents mean. */
export interface Shelf {
  name: string;
  /** The schema version of this Lonja's documents. */
  schemaVersion: number;
  adapter: StoreAdapter;
}

export interface OpenShop {
  shelves: readonly Shelf[];
  /** Services without a store so far. */
  absent: readonly string[];
  close(): Promise<void>;
}

/**
 * The stores of a whole shop, whatever SERVICES says, with nothing running on them. The services are made, because they
 * know their collections, and never started: nothing is delivered, swept or opened. `make`: stores that are not
 * there yet are made.
 */
export async function openShop({ settings, world }: Node, { make }: { make: boolean }): Promise<OpenShop> {
  const alone = { ...settings, transporter: undefined };
  const broker = new ServiceBroker(await brokerOptions({ settings: alone, world, logger: false }));
  const shelves: Shelf[] = [];
  const absent: string[] = [];
  for (const name of Object.keys(contracts) as ServiceName[]) {
    if (!make && isAbsent(settings, name)) absent.push(name);
    else shelves.push(...(await shelvesOf(broker, name)));
  }
  const opened: Shelf[] = [];
  const close = async () => {
    for (const { adapter } of opened.splice(0)) await adapter.disconnect();
  };
  try {
    for (const shelf of shelves) {
      await shelf.adapter.connect();
      opened.push(shelf);
    }
  } catch (error) {
    await close();
    throw error;
  }
  return { shelves, absent, close };
}

async function shelvesOf(broker: ServiceBroker, name: ServiceName): Promise<Shelf[]> {
  const { default: schema } = await import(`../services/${name}/${name}.service.ts`);
  const service = broker.createService(schema as ServiceSchema) as { $collections?: Collection<Doc>[] };
  return (service.$collections ?? []).map(({ name: collection, schemaVersion, adapter }) => ({
    name: `${name}.${collection}`,
    schemaVersion,
    adapter,
  }));
}

/** Looking into a file of SQLite would make it. */
function isAbsent({ stores, dataDir }: Settings, service: ServiceName): boolean {
  const url = stores[service];
  return url.startsWith("sqlite:") && !existsSync(sqlitePath(url, dataDir));
}

/** For messages: where the shop is, without passwords. */
export function placesOf({ stores, dataDir }: Settings): string {
  const places = Object.values(stores).map((url) =>
    url.startsWith("sqlite:")
      ? shortest(sqlitePath(url, dataDir))
      : url.replace(/\/\/[^/]*@/, "//").replace(/\?.*/, ""),
  );
  return [...new Set(places)].join(", ");
}

const shortest = (path: string): string => {
  const fromHere = relative(".", path);
  return fromHere.startsWith("..") ? path : fromHere;
};
