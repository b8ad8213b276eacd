import { setTimeout as pause } from "node:timers/promises";
import { parseArgs } from "node:util";
import { faint, line, strong, table } from "../../terminal.ts";
import { freePort, Running } from "../../test/servers/server.ts";
import { floor } from "../floors.ts";
import { skuOf } from "../goods.ts";
import { CONNECTIONS, type Loaded, load, nothing } from "../load.ts";
import { median } from "../parts.ts";
import { machine, memoryOf, onCore, SHOPS_CORE } from "../pinned.ts";
import { SOLD } from "../works.ts";
import { CONFIRMED, type OpenPeer, rareSku } from "./peer.ts";
import { peers } from "./peers.ts";

/**
 * How fast other shops are, on the same core as ours in `npm run bench`. bench/peers.md says how to set them up.
 *
 *   node bench/peers/bench.ts vendure|medusa --folder FOLDER [--only start,list,search,get,buy,sale,control]
 *     [--rounds 3] [--seconds 8] [--guests 200, of a sale] [--rare 0, 2, 4 or 6: whose stock the sale and the control use up]
 */
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    folder: { type: "string", default: "." },
    only: { type: "string", default: "start,list,search,get,buy,sale,control" },
    rounds: { type: "string", default: "3" },
    seconds: { type: "string", default: "8" },
    guests: { type: "string", default: "200" },
    rare: { type: "string", default: "0" },
  },
});
const peer = peers[positionals[0] ?? ""];
if (!peer) throw new Error(`which one: ${Object.keys(peers).join(", ")}?`);
const [rounds, seconds, parts] = [Number(values.rounds), Number(values.seconds), values.only.split(",")];
const WARM_UP_S = 5;
const IN_TURN = 60;
const SLOWEST_START = 120_000;

const rows: Record<string, string | number>[] = [];
const say = (work: string, figures: string) => {
  line(faint(`  ${work}: ${figures}`));
  rows.push({ work, measured: figures });
};
const counted = (all: readonly string[]) =>
  Object.entries(Object.groupBy(all, (one) => one))
    .map(([one, { length } = []]) => `${length} ${one}`)
    .join(", ");
const secondsSince = (start: number) => (performance.now() - start) / 1_000;

const url = `http://127.0.0.1:${await freePort()}`;
const env = { ...process.env, NODE_ENV: "production", PORT: new URL(url).port };
const server = new Running(process.execPath, peer.program, { cwd: values.folder, env });

/** Answers how long it took until somebody was served. */
async function start(): Promise<number> {
  const since = performance.now();
  const answers = async () => {
    try {
      return (await fetch(`${url}/health`)).ok;
    } catch {
      return false;
    }
  };
  await onCore(SHOPS_CORE, () => server.start(answers, SLOWEST_START));
  return secondsSince(since);
}

/** What this machine can do at all in these minutes. */
async function measureFloor(): Promise<void> {
  const { url, close } = await floor("moleculer-web");
  const [, { perSecond }] = [
    await load(url, nothing, CONNECTIONS, 2),
    await load(url, nothing, CONNECTIONS, WARM_UP_S),
  ];
  await close();
  say("floor (moleculer-web)", `${Math.round(perSecond).toLocaleString("en")}/s`);
}

async function read({ reads }: OpenPeer): Promise<void> {
  for (const [name, { products, next }] of Object.entries(reads)) {
    if (!parts.includes(name)) continue;
    const { path, ...request } = next();
    const text = await (await fetch(url + path, request)).text();
    const found = new Set(text.match(/"(?:thing|rare)-\d+"/g)).size;
    if (found !== products) throw new Error(`${name}: ${found} products in ${text.slice(0, 500)}`);
    await load(url, next, CONNECTIONS, WARM_UP_S);
    const all: Loaded[] = [];
    for (let n = 0; n < rounds; n++) all.push(await load(url, next, CONNECTIONS, seconds));
    const of = (figure: (one: Loaded) => number) => median(all.map(figure));
    const others = all.flatMap(({ others }) => Object.entries(others).map(([other, count]) => `; ${count} ${other}`));
    say(name, `${of(({ perSecond }) => perSecond).toFixed(1)}/s, p99 ${of(({ p99Ms }) => p99Ms)} ms${others.join("")}`);
  }
}

/** The buyers never pause between the rounds; a purchase counts in the round in which it was confirmed. */
async function buy({ buy }: OpenPeer): Promise<string[]> {
  const since = performance.now();
  const end = WARM_UP_S + rounds * seconds;
  const all: { outcome: string; at: number; ms: number }[] = [];
  const buyer = async (_: unknown, n: number) => {
    while (secondsSince(since) < end) {
      const begun = performance.now();
      const outcome = await buy(skuOf(n % SOLD));
      all.push({ outcome, at: secondsSince(since), ms: performance.now() - begun });
    }
  };
  await Promise.all(Array.from({ length: CONNECTIONS }, buyer));
  const inRound = (n: number) =>
    all.filter(({ at, outcome }) => outcome === CONFIRMED && Math.floor((at - WARM_UP_S) / seconds) === n);
  const each = Array.from({ length: rounds }, (_, n) => inRound(n));
  const sorted = each.flatMap((round) => round.map(({ ms }) => ms)).sort((a, b) => a - b);
  const part = (of: number) => Math.round(sorted[Math.ceil(sorted.length * of) - 1] ?? 0);
  const perSecond = median(each.map(({ length }) => length / seconds));
  const outcomes = all.map(({ outcome }) => outcome);
  say("buy", `${perSecond.toFixed(1)}/s, p50 ${part(0.5)} ms, p99 ${part(0.99)} ms; ${counted(outcomes)}`);
  return outcomes;
}

async function sale({ buy }: OpenPeer): Promise<string[]> {
  const since = performance.now();
  const all = await Promise.all(Array.from({ length: Number(values.guests) }, () => buy(rareSku(Number(values.rare)))));
  say("sale", `${counted(all)} in ${secondsSince(since).toFixed(1)} s`);
  return all;
}

async function control({ buy }: OpenPeer): Promise<string[]> {
  const all: string[] = [];
  for (let n = 0; n < IN_TURN; n++) all.push(await buy(rareSku(Number(values.rare) + 1)));
  say("one after the other", counted(all));
  return all;
}

for (const signal of ["SIGINT", "SIGTERM"])
  process.once(signal, () => server.end("SIGKILL").then(() => process.exit(1)));

line(`  ${strong(positionals[0] ?? "")}: ${machine()}`);
await measureFloor();
try {
  const starts = [await start()];
  if (parts.includes("start")) {
    for (let n = 1; n < rounds; n++) {
      await server.end("SIGKILL");
      starts.push(await start());
    }
    say("start", `${median(starts).toFixed(1)} s`);
  }
  await pause(10_000);
  const shop = await peer.open(url);
  if (parts.includes("start")) say("idle memory", `${Math.round(memoryOf(server.pid ?? 0))} MB`);
  await read(shop);
  for (const [name, sell] of Object.entries({ buy, sale, control })) {
    if (!parts.includes(name)) continue;
    const before = await shop.orders();
    const told = (await sell(shop)).filter((one) => one === CONFIRMED).length;
    const placed = (await shop.orders()) - before;
    say(`${name}: orders`, `${placed} in the books, ${told} confirmed`);
  }
  table(rows);
} finally {
  await server.end("SIGKILL");
}
