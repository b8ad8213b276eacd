import { existsSync } from "node:fs";
import { relative } from "node:path";
import { ServiceBroker } from "moleculer";
import { schemaOf } from "../extensions.ts";
import { sqlitePath } from "../mixins/sqlite.file.ts";
import type { Collection, Doc } from "../mixins/store.mixin.ts";
import type { StoreAdapter } from "../mixins/store.ts";
import { brokerOptions, type Node } from "../moleculer.config.ts";
import { contracts, type ServiceName } from "../services/contracts.ts";
import type { Settings } from "../services/shared/settings.ts";

const everyService = Object.keys(contracts) as ServiceName[];

/** A collection as it is moved: known by its service and its name, without what its documents mean. */
export interface Shelf {
  name: string;
  /** The schema version of this Lonja's documents. */
  schemaVersion: number;
  adapter: StoreAdapter;
}
/** The same, with what its service knows of it. */
export interface KnownShelf extends Shelf {
  collection: Collection<Doc>;
}

export interface OpenShop {
  shelves: readonly KnownShelf[];
  /** Services without a store so far. */
  absent: readonly string[];
  close(): Promise<void>;
}

/**
 * The stores of a whole shop, whatever SERVICES says, with nothing running on them. The services are made, because they
 * know their collections, and never started: nothing is delivered, swept or opened. `make`: stores that are not
 * there yet are made.
 */
export async function openShop(
  { settings, world }: Node,
  { make, services = everyService }: { make: boolean; services?: readonly ServiceName[] },
): Promise<OpenShop> {
  const alone = { ...settings, transporter: undefined };
  const broker = new ServiceBroker(await brokerOptions({ settings: alone, world, logger: false }));
  const shelves: KnownShelf[] = [];
  const absent: string[] = [];
  for (const name of services) {
    if (!make && isAbsent(settings, name)) absent.push(name);
    else shelves.push(...(await shelvesOf(broker, name)));
  }
  return { shelves, absent, close: await connectAll(shelves.map(({ adapter }) => adapter)) };
}

/** Answers how to close them again. All are closed where one cannot be opened. */
export async function connectAll(adapters: readonly StoreAdapter[]): Promise<() => Promise<void>> {
  const opened: StoreAdapter[] = [];
  const close = async () => {
    for (const adapter of opened.splice(0)) await adapter.disconnect();
  };
  try {
    for (const adapter of adapters) {
      await adapter.connect();
      opened.push(adapter);
    }
  } catch (error) {
    await close();
    throw error;
  }
  return close;
}

/** The collections of a service, which is made for it and not started. */
export async function shelvesOf(broker: ServiceBroker, name: ServiceName): Promise<KnownShelf[]> {
  const service = broker.createService(await schemaOf(name)) as { $collections?: Collection<Doc>[] };
  return (service.$collections ?? []).map((collection) => {
    const { schemaVersion, adapter } = collection;
    return { name: `${name}.${collection.name}`, schemaVersion, adapter, collection };
  });
}

/** Looking into a file of SQLite would make it. */
export function isAbsent({ stores, dataDir }: Settings, service: ServiceName): boolean {
  const url = stores[service];
  return url.startsWith("sqlite:") && !existsSync(sqlitePath(url, dataDir));
}

/** For messages: where the shop is, without passwords. */
export function placesOf({ stores, dataDir }: Settings, services: readonly ServiceName[] = everyService): string {
  const places = services
    .map((name) => stores[name])
    .map((url) =>
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
