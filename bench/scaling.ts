import { faint, line, strong, table } from "../terminal.ts";
import { floor } from "./floors.ts";
import { coresFor, forecast, type Stream } from "./forecast.ts";
import { type Asked, CONNECTIONS, type Loaded, load, nothing } from "./load.ts";
import { BUYERS_CORE, cpuByName, cpuOfAll, machine, onCore } from "./pinned.ts";
import {
  type Arrangement,
  cleanUp,
  cluster,
  drained,
  embedded,
  expectHealth,
  fill,
  type Shop,
  unitsLeft,
} from "./shops.ts";
import { SOLD, workOf } from "./works.ts";

/**
 * What a request and an order cost each service, in shops of one process and of many, all on one core: the figures of
 * docs/scaling.md. What one process costs is held against what two and four do. Then what the costs say of shops that
 * are too large for this machine, by a simulation of queues (forecast.ts).
 *
 *   npm run bench:scaling
 */
interface Kind {
  name: string;
  arrangement?: Arrangement;
  /** The one whose costs are to foretell this one's. */
  like?: string;
}
const kinds: readonly Kind[] = [
  { name: "one process, SQLite" },
  { name: "1 process of all services", arrangement: { whole: 1 } },
  { name: "2 processes of all services", arrangement: { whole: 2 }, like: "1 process of all services" },
  { name: "4 processes of all services", arrangement: { whole: 4 }, like: "1 process of all services" },
  { name: "a process of each service", arrangement: { each: 1 } },
  { name: "2 processes of each service", arrangement: { each: 2 }, like: "a process of each service" },
];
const SECONDS = 6;
/** Code that is run now and then is compiled late. */
const WARM_UP_S = 12;

/** For each order: what is looked at before, and the order itself. */
const mixture = { list: 20, get: 30, buy: 1 } as const;
const ofMixture = Object.values(mixture).reduce((sum, count) => sum + count, 0);
const loads = [1, 10, 100, 1_000];
const MOST_BUSY = 0.6;

interface Cost {
  perSecond: number;
  turnedAway: number;
  /** Milliseconds of a core per answer, by who spends them. */
  ms: Map<string, number>;
}
interface Measured {
  kind: Kind;
  costs: Map<string, Cost>;
  /** Of an answer that nothing stands behind, in the same minutes. */
  floorMs: number;
}

const sum = (figures: Iterable<number>): number => [...figures].reduce((all, one) => all + one, 0);
const totalOf = (costs: ReadonlyMap<string, Cost>, name: string): number => sum(costs.get(name)?.ms.values() ?? []);

async function floorMs(): Promise<number> {
  const base = await floor("moleculer-web");
  await load(base.url, nothing, CONNECTIONS, 2);
  const before = cpuOfAll();
  const { served } = await load(base.url, nothing, CONNECTIONS, 3);
  const ms = ((cpuOfAll() - before) * 1_000) / served;
  await base.close();
  return ms;
}

/** As a load balancer has it: everybody is sent to one of the gateways. */
async function loadAll({ urls }: Shop, next: () => Asked, seconds: number): Promise<Loaded[]> {
  const all = await Promise.all(urls.map((url) => load(url, next, CONNECTIONS / urls.length, seconds)));
  for (const { others } of all) {
    const { 503: _turnedAway, ...wrong } = others;
    if (Object.keys(wrong).length) throw new Error(JSON.stringify(wrong));
  }
  return all;
}

/** With all that is still done afterwards. `sells`: what was sold is missing in the stock. */
async function costOf(shop: Shop, next: () => Asked, sells: boolean): Promise<Cost> {
  await drained(shop);
  const [left, before] = [await unitsLeft(shop, SOLD), cpuByName()];
  const loaded = await loadAll(shop, next, SECONDS);
  await drained(shop);
  const after = cpuByName();
  const served = sum(loaded.map(({ served }) => served));
  const sold = left - (await unitsLeft(shop, SOLD));
  if (sells && (sold < served || sold > served + CONNECTIONS))
    throw new Error(`${served} were told that they have one, and ${sold} were sold`);
  return {
    perSecond: sum(loaded.map(({ perSecond }) => perSecond)),
    turnedAway: sum(loaded.map(({ others }) => others[503] ?? 0)),
    ms: new Map([...after].map(([who, s]) => [who, ((s - (before.get(who) ?? 0)) * 1_000) / served])),
  };
}

async function measured(kind: Kind): Promise<Measured> {
  const ofFloor = await floorMs();
  const shop = await (kind.arrangement ? cluster(kind.arrangement) : embedded());
  try {
    await fill(shop, 1_000);
    const askers = new Map<string, () => Asked>();
    for (const name of Object.keys(mixture)) askers.set(name, await workOf(name).asker(shop));
    const mixed = Object.entries(mixture).flatMap(([name, count]) => Array(count).fill(askers.get(name)));
    const costs = new Map<string, Cost>();
    const works = [...askers, ["mixture", () => mixed[Math.floor(Math.random() * ofMixture)]()] as const];
    for (const [name, next] of works) {
      await loadAll(shop, next, name === "buy" ? WARM_UP_S : 3);
      costs.set(name, await costOf(shop, next, name === "buy"));
    }
    await expectHealth(shop);
    return { kind, costs, floorMs: ofFloor };
  } finally {
    await shop.close();
  }
}

/** What another shop's costs foretell of this one, in the hour of this one. */
function foretold({ floorMs }: Measured, like: Measured | undefined, work: string): string {
  return like ? `${Math.round(1_000 / ((totalOf(like.costs, work) * floorMs) / like.floorMs))}` : "";
}

const rowsOf = (one: Measured, like: Measured | undefined) =>
  [...one.costs].map(([work, { perSecond, turnedAway }]) => ({
    shop: one.kind.name,
    work,
    "per second": Math.round(perSecond),
    "as one said": foretold(one, like, work),
    "CPU ms": totalOf(one.costs, work).toFixed(2),
    floors: (totalOf(one.costs, work) / one.floorMs).toFixed(1),
    503: turnedAway,
  }));

/** Between purchases fewer answers are still true: reads cost what they cost in the mixture. */
function streamsOf({ costs }: Measured, times: number): Stream[] {
  const reads = mixture.list * totalOf(costs, "list") + mixture.get * totalOf(costs, "get");
  const dearer = Math.max(1, (ofMixture * totalOf(costs, "mixture") - totalOf(costs, "buy")) / reads);
  return Object.entries(mixture).map(([name, count]) => ({
    name,
    perSecond: times * count,
    ms: new Map([...(costs.get(name)?.ms ?? [])].map(([who, ms]) => [who, name === "buy" ? ms : ms * dearer])),
  }));
}

/** How many cores of what it takes, and how long buyers wait for them then. */
async function forecastRow(one: Measured, times: number): Promise<Record<string, string | number>> {
  const streams = streamsOf(one, times);
  const wanted = coresFor(streams, MOST_BUSY);
  const isOne = one.kind.arrangement === undefined;
  const tooMuch = isOne && sum(wanted.values()) > 1;
  const { answers, busy } = await forecast(streams, wanted, { seconds: Math.max(2, 1_000 / times) });
  const [[first, most] = ["", 0]] = [...busy].sort(([, a], [, b]) => b - a);
  const p99 = (name: string) => Math.round(answers.get(name)?.p99Ms ?? Number.NaN);
  return {
    "orders a second": times,
    cores: tooMuch ? "more than it has" : sum(wanted.values()),
    "of what": tooMuch ? "" : [...wanted].map(([who, count]) => `${count} ${who}`).join(", "),
    busiest: tooMuch ? "" : `${first} ${Math.round(most * 100)} %`,
    "p99 of a list": tooMuch ? "" : p99("list"),
    "p99 of an order": tooMuch ? "" : p99("buy"),
  };
}

await onCore(BUYERS_CORE, async () => {});
line(`  ${strong("scaling")}: ${machine()}`);
const all: Measured[] = [];
for (const kind of kinds) {
  const one = await measured(kind);
  all.push(one);
  line(faint(`\n  ${kind.name}; an answer that nothing stands behind: ${(one.floorMs * 1_000).toFixed(0)} µs`));
  for (const [work, { ms }] of one.costs) {
    const total = sum(ms.values());
    const parts = [...ms].filter(([, cost]) => cost >= total / 200).sort(([, a], [, b]) => b - a);
    line(`  ${work}: ${parts.map(([who, cost]) => `${who} ${cost.toFixed(2)}`).join(", ")} ms`);
  }
}
table(
  all.flatMap((one) =>
    rowsOf(
      one,
      all.find(({ kind }) => kind.name === one.kind.like),
    ),
  ),
);
for (const one of all.filter(({ kind }) => kind.like === undefined)) {
  const parts = Object.entries(mixture).map(([name, count]) => `${count} ${name}`);
  line(faint(`\n  ${one.kind.name}: ${parts.join(" and ")}, no core busier than ${MOST_BUSY * 100} %`));
  table(await Promise.all(loads.map((times) => forecastRow(one, times))));
}
cleanUp();
process.exit(0);
