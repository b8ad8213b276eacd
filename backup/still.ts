import { ServiceBroker } from "moleculer";
import { NotNow, type Snapshot } from "../mixins/snapshot.ts";
import { type Surroundings, snapshotsOf } from "../mixins/snapshots.ts";
import type { StoreAdapter } from "../mixins/store.ts";
import { brokerOptions, type Node } from "../moleculer.config.ts";
import { CannotMove } from "../moving/pack.ts";
import { isAbsent, type OpenShop, shelvesOf } from "../moving/shop.ts";
import type { ServiceName } from "../services/contracts.ts";
import { sleep, timeAt, type World } from "../services/shared/world.ts";

/** The stores of a shop as they were at one moment, all of them at the same one. */
export interface StillShop extends OpenShop {
  /** When that was. */
  at: string;
  /** For how long writers were held back for it; 0: nobody was. */
  heldMs: number;
}

const MOST_TRIES = 20;
const PAUSE_MS = 250;
/** Whoever was held back for so long, and still not long enough, is not to be held back again. */
const MOST_HELD_MS = 3_000;

/**
 * One moment of a shop that goes on. Of a single store that can show one, the moment is its own. Otherwise writers
 * are held back while every store begins: what has an effect in one of them then has its cause in the others.
 */
export async function openStill(
  { settings, world }: Node,
  services: readonly ServiceName[],
  around: Pick<Surroundings, "scratch" | "hush">,
): Promise<StillShop> {
  const present = services.filter((name) => !isAbsent(settings, name));
  const absent = services.filter((name) => isAbsent(settings, name));
  const urls = present.map((name) => settings.stores[name]);
  const byUrl = await snapshotsOf(urls, { dataDir: settings.dataDir, world, ...around });
  const snapshots = [...new Set(byUrl.values())].toSorted((a, b) => Number(a.isStrict) - Number(b.isStrict));
  const close = async () => {
    await Promise.all(snapshots.map((snapshot) => snapshot.end()));
  };
  try {
    const moment = await momentOf(snapshots, world);
    const openStore = (name: string): StoreAdapter =>
      (byUrl.get(settings.stores[name as ServiceName]) as Snapshot).adapter();
    const shelves = await shelvesIn({ settings, world }, present, openStore);
    const there = shelves.filter(({ name }) => {
      const [service = ""] = name.split(".", 1);
      return byUrl.get(settings.stores[service as ServiceName])?.tables.has(name.replace(".", "_"));
    });
    for (const { adapter } of there) await adapter.connect();
    return { shelves: there, absent, close, ...moment };
  } catch (error) {
    await close();
    throw error;
  }
}

/** The services are made, because they know their collections, and never started. */
async function shelvesIn(
  { settings, world }: Node,
  services: readonly ServiceName[],
  openStore: (name: string) => StoreAdapter,
) {
  const alone = { ...settings, transporter: undefined };
  const broker = new ServiceBroker(await brokerOptions({ settings: alone, world, logger: false, visits: true }));
  Object.assign(broker, { openStore });
  return (await Promise.all(services.map((name) => shelvesOf(broker, name)))).flat();
}

async function momentOf(snapshots: readonly Snapshot[], world: World): Promise<Pick<StillShop, "at" | "heldMs">> {
  const [first, ...others] = snapshots;
  if (first?.isInstant && others.length === 0) {
    await first.connect();
    await first.begin();
    return { at: timeAt(world), heldMs: 0 };
  }
  let reason = "";
  for (let tries = 0; tries < MOST_TRIES; tries++) {
    if (tries > 0) await sleep(world, PAUSE_MS * (0.5 + world.random()));
    try {
      const moment = await heldMoment(snapshots, world);
      if (moment) return moment;
      reason = "writers were not held back until all stores had begun";
    } catch (error) {
      if (!(error instanceof NotNow)) throw error;
      reason = error.message;
    }
  }
  throw new CannotMove(`There was no moment that all stores could show (${MOST_TRIES} tries): ${reason}.`);
}

/** Undefined: somebody has written meanwhile. */
async function heldMoment(snapshots: readonly Snapshot[], world: World) {
  await Promise.all(snapshots.map((snapshot) => snapshot.connect()));
  const since = world.now();
  const held: Snapshot[] = [];
  let allHeld = false;
  let at = "";
  try {
    for (const snapshot of snapshots) {
      held.push(snapshot);
      await snapshot.hold();
    }
    at = timeAt(world);
    await Promise.all(snapshots.map((snapshot) => snapshot.begin()));
  } finally {
    allHeld = (await Promise.all(held.map((snapshot) => snapshot.letGo()))).every((isHeld) => isHeld);
  }
  if (!allHeld && world.now() - since > MOST_HELD_MS)
    throw new CannotMove(
      `${snapshots.map(({ place }) => place).join(" and ")} cannot show one moment while nodes write: they would have to be held back for longer than buyers wait. Stop them for the backup.`,
    );
  return allHeld ? { at, heldMs: Math.max(1, world.now() - since) } : undefined;
}
