import type { World } from "../services/shared/world.ts";
import type { Hush } from "./mongo.snapshot.ts";
import type { Snapshot } from "./snapshot.ts";
import { SqliteSnapshot } from "./sqlite.snapshot.ts";
import { placeOf, schemeOf } from "./stores.ts";

export interface Surroundings {
  dataDir: string;
  world: World;
  /** A folder for what has to be copied. */
  scratch: string;
  hush: Hush;
}

/** How a store shows what it was at one moment, by the scheme of its URL. */
const kinds: Record<string, (url: string, around: Surroundings) => Promise<Snapshot>> = {
  sqlite: async (url, around) => new SqliteSnapshot(placeOf(url, around)),
  postgres: async (url, around) => new (await import("./postgres.snapshot.ts")).PostgresSnapshot(url, around),
  mongodb: async (url, around) => new (await import("./mongo.snapshot.ts")).MongoSnapshot(url, around),
};

/** One snapshot of each store, by the URLs of the services that keep something there. */
export async function snapshotsOf(
  urls: readonly string[],
  around: Surroundings,
): Promise<ReadonlyMap<string, Snapshot>> {
  const byPlace = new Map<string, Snapshot>();
  const byUrl = new Map<string, Snapshot>();
  for (const url of urls) {
    const place = placeOf(url, around);
    const snapshot = byPlace.get(place) ?? (await (kinds[schemeOf(url)] as (typeof kinds)["sqlite"])(url, around));
    byPlace.set(place, snapshot);
    byUrl.set(url, snapshot);
  }
  return byUrl;
}
