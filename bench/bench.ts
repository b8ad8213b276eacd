import { writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { bad, faint, good, line, strong, table } from "../terminal.ts";
import { chart, colours } from "./chart.ts";
import { floor } from "./floors.ts";
import { type Asked, CONNECTIONS, type Loaded, load, nothing } from "./load.ts";
import { floors, median, memory, sale, size, start, type Verdict } from "./parts.ts";
import { BUYERS_CORE, cpuOfAll, machine, memoryOf, onCore } from "./pinned.ts";
import { cleanUp, cluster, drained, embedded, expectHealth, fill, type Shop, unitsLeft } from "./shops.ts";
import { SOLD, type Work, works } from "./works.ts";

/**
 * How fast the shop is, as a ratio to what the machine can do at all in the same minutes: to servers that answer a tiny
 * JSON and do nothing else. Each round asks the floor first and then the shop; what counts is the median of the
 * rounds. What was sold is compared with the stock, and doctor looks at the whole shop afterwards.
 *
 *   npm run bench -- [--only list,get,search,buy,buy-cluster,floors,sale,start,memory,size] [--rounds 3] [--seconds 5]
 *   [--chart docs/performance.svg]
 */
const { values } = parseArgs({
  options: {
    only: { type: "string" },
    rounds: { type: "string", default: "3" },
    seconds: { type: "string", default: "5" },
    chart: { type: "string" },
  },
});
const [rounds, seconds] = [Number(values.rounds), Number(values.seconds)];
const WARM_UP_S = 2;
/** What is run some dozen times a second is compiled late: a purchase costs a third less after a while than at first. */
const SALES_WARM_UP_S = { embedded: 15, cluster: 60 };

interface Round {
  asked: Loaded;
  turnedAway: number;
  /** Per answer. */
  costs: Record<string, number>;
}
interface Result {
  work: Work;
  perSecond: number;
  floorPerSecond: number;
  ratio: number;
  p50Ms: number;
  p99Ms: number;
  costs: Record<string, number>;
  drainedSeconds: number;
  turnedAway: number;
  memory: number;
  ok: boolean;
}

async function round(work: Work, shop: Shop, next: () => Asked): Promise<Round> {
  const left = work.sells ? await unitsLeft(shop, SOLD) : 0;
  const [before, cpu] = [await shop.counts(), cpuOfAll()];
  const asked = await load(shop.url, next, CONNECTIONS, seconds);
  const [cpuAfter, after] = [cpuOfAll(), await shop.counts()];
  // Where the whole shop shares a core, a few may be told to come again; they count as not served.
  const { 503: turnedAway = 0, ...others } = asked.others;
  if (Object.keys(others).length) throw new Error(`${work.name}: ${JSON.stringify(others)}`);
  const sold = work.sells ? left - (await unitsLeft(shop, SOLD)) : asked.served;
  // Whoever was still waiting for the answer when the time was over may have an order that nobody has counted.
  if (sold < asked.served || sold > asked.served + CONNECTIONS)
    throw new Error(`${work.name}: ${asked.served} were told that they have one, and ${sold} were sold`);
  const per = (count: number) => count / sold;
  const costs = Object.fromEntries(
    Object.entries(after).map(([name, count]) => [name, per(count - (before[name] ?? 0))]),
  );
  return { asked, turnedAway, costs: { "CPU ms": per((cpuAfter - cpu) * 1_000), ...costs } };
}

async function measured(work: Work): Promise<Result> {
  const base = await floor(work.floor);
  const ofFloor = async () => (await load(base.url, nothing, CONNECTIONS, Math.ceil(seconds / 2))).perSecond;
  await load(base.url, nothing, CONNECTIONS, WARM_UP_S);
  // The many idle processes of a cluster would take a fifth of the floor's core.
  const before = await ofFloor();
  const shop = await (work.kind === "cluster" ? cluster({ each: 1 }) : embedded());
  const all: Round[] = [];
  const floors: number[] = [];
  let [drainedSeconds, memory, isOpen] = [0, 0, true];
  try {
    await fill(shop, work.products);
    const next = await work.asker(shop);
    await load(shop.url, next, CONNECTIONS, work.sells ? SALES_WARM_UP_S[work.kind] : WARM_UP_S);
    for (let n = 0; n < rounds; n++) {
      await drained(shop);
      if (work.kind === "embedded") floors.push(await ofFloor());
      all.push(await round(work, shop, next));
    }
    drainedSeconds = await drained(shop);
    memory = memoryOf(shop.pid);
    if (work.sells) await expectHealth(shop);
    await shop.close();
    isOpen = false;
    const after = await ofFloor();
    const ofRound = (n: number) => floors[n] ?? (before + after) / 2;
    const of = (figure: (round: Round, n: number) => number) => median(all.map(figure));
    const [ratio, p99Ms] = [of(({ asked }, n) => asked.perSecond / ofRound(n)), of(({ asked }) => asked.p99Ms)];
    const costNames = Object.keys(all[0]?.costs ?? {});
    return {
      work,
      ratio,
      p99Ms,
      p50Ms: of(({ asked }) => asked.p50Ms),
      perSecond: of(({ asked }) => asked.perSecond),
      floorPerSecond: of((_, n) => ofRound(n)),
      costs: Object.fromEntries(costNames.map((name) => [name, of(({ costs }) => costs[name] ?? 0)])),
      drainedSeconds,
      turnedAway: of(({ turnedAway }) => turnedAway),
      memory,
      ok: ratio >= work.target && p99Ms <= (work.mostP99Ms ?? Number.POSITIVE_INFINITY),
    };
  } finally {
    if (isOpen) await shop.close();
    await base.close();
  }
}

const figure = (n: number) => (n >= 100 ? Math.round(n).toLocaleString("en") : n.toFixed(n < 1 ? 3 : 1));

function row({ work, ...result }: Result): Record<string, string | number> {
  return {
    work: work.name,
    "per second": figure(result.perSecond),
    "of a floor's": figure(result.floorPerSecond),
    ratio: result.ratio.toFixed(3),
    target: work.target.toFixed(3),
    "p50 ms": result.p50Ms,
    "p99 ms": result.p99Ms,
    "CPU ms": figure(result.costs["CPU ms"] ?? 0),
    "503": result.turnedAway,
    MB: Math.round(result.memory),
    "": result.ok ? good("✓") : bad("✗"),
  };
}

const drawn = (results: readonly Result[]): string =>
  chart(
    "How much of what a server that does nothing can do",
    results.map(({ work, ratio, perSecond, ok }) => ({
      title: `${work.name}: ${work.about}`,
      bars: [
        {
          label: `${figure(perSecond)} a second`,
          value: ratio,
          text: ratio.toFixed(3),
          target: work.target,
          colour: ok ? colours.ours : colours.missed,
        },
      ],
    })),
    { foot: `The mark is the target; pale: missed. ${machine()}; ${new Date().toISOString().slice(0, 10)}` },
  );

await onCore(BUYERS_CORE, async () => {});
line(`  ${strong("bench")}: ${machine()}`);
line(faint(`  ${rounds} rounds of ${seconds} s, ${CONNECTIONS} at once; the median counts`));
const parts = { floors, sale, start, memory, size };
const names = values.only?.split(",") ?? [...works.map(({ name }) => name), ...Object.keys(parts)];
const results: Result[] = [];
for (const work of works.filter(({ name }) => names.includes(name))) {
  line(faint(`  ${work.name}: ${work.about}`));
  results.push(await measured(work));
}
table(results.map(row));
if (values.chart) writeFileSync(values.chart, drawn(results));
for (const { work, costs, drainedSeconds } of results.filter(({ work }) => work.sells)) {
  line(
    `\n  a purchase in ${work.name}: ${Object.entries(costs)
      .map(([name, count]) => `${count.toFixed(2)} ${name}`)
      .join(", ")}; the outboxes were empty ${drainedSeconds.toFixed(2)} s after the last round`,
  );
}
const verdicts: Verdict[] = [];
for (const [name, part] of Object.entries(parts).filter(([name]) => names.includes(name))) {
  line(faint(`\n  ${name}`));
  verdicts.push(...(await part()));
}
if (verdicts.length) table(verdicts.map(({ ok, ...verdict }) => ({ ...verdict, "": ok ? good("✓") : bad("✗") })));
cleanUp();
process.exit([...verdicts, ...results].every(({ ok }) => ok) ? 0 : 1);
