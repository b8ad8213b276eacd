import type { Figures } from "../services/shared/figures.ts";
import type { World } from "../services/shared/world.ts";
import type { Gate } from "./gate.ts";
import { SqliteAdapter } from "./sqlite.adapter.ts";
import { SqliteFile, sqlitePath } from "./sqlite.file.ts";
import type { StoreAdapter } from "./store.ts";

/** Makes the adapter of one collection of a service. The node's settings decide which. */
export type OpenStore = (service: string) => StoreAdapter;

export interface Place {
  dataDir: string;
  figures: Figures;
  world: World;
  gate: Gate;
}

/** What can keep documents, by the scheme of its URL. What nobody names is not loaded. */
const kinds: Record<string, (url: string, place: Place) => Promise<() => StoreAdapter>> = {
  async sqlite(url, { dataDir, figures }) {
    const path = sqlitePath(url, dataDir);
    let file: SqliteFile | undefined;
    const open = () => (file?.db.isOpen ? file : (file = new SqliteFile(path, figures)));
    return () => new SqliteAdapter(open);
  },

  async postgres(url, place) {
    const [{ PostgresAdapter }, { PostgresPool }] = await Promise.all([
      import("./postgres.adapter.ts"),
      import("./postgres.pool.ts"),
    ]);
    const pool = new PostgresPool(url, place);
    return () => new PostgresAdapter(pool);
  },

  async mongodb(url, place) {
    const [{ MongoAdapter }, { SharedMongoClient }] = await Promise.all([
      import("./mongo.adapter.ts"),
      import("./mongo.client.ts"),
    ]);
    const client = new SharedMongoClient(url, place);
    return () => new MongoAdapter(client);
  },
};

/** Collections whose stores are the same share its file, and with it the sync of the disk, or its connections. */
export async function storesOf(urls: Readonly<Record<string, string>>, place: Place): Promise<OpenStore> {
  const makers = new Map<string, () => StoreAdapter>();
  for (const url of Object.values(urls)) {
    const where = placeOf(url, place);
    if (!makers.has(where)) makers.set(where, await makerOf(url, place));
  }
  return (service) => {
    const make = makers.get(placeOf(urls[service] ?? "", place));
    if (!make) throw new Error(`${service} has no store`);
    return make();
  };
}

const aliases: Record<string, string> = { postgresql: "postgres", "mongodb+srv": "mongodb" };
export const schemeOf = (url: string) => {
  const scheme = url.slice(0, url.indexOf(":"));
  return aliases[scheme] ?? scheme;
};
/** Equal for two URLs of one store. */
export const placeOf = (url: string, { dataDir }: Pick<Place, "dataDir">) =>
  schemeOf(url) === "sqlite" ? sqlitePath(url, dataDir) : url;

function makerOf(url: string, place: Place): Promise<() => StoreAdapter> {
  const kind = kinds[schemeOf(url)];
  if (!kind) throw new Error(`${schemeOf(url)}: is no store that is known here`);
  return kind(url, place);
}
