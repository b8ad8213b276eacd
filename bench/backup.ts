import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readdirSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openShop } from "../moving/shop.ts";
import { readSettings } from "../services/shared/settings.ts";
import { realWorld } from "../services/shared/world.ts";
import { anOrder as aKeptOrder } from "../test/an-order.ts";
import { adminOf, anOrder, Client, stockMugs, until } from "../test/client.ts";
import { startShop } from "../test/process.ts";

/**
 * What a backup of a large shop takes, and what it takes from those who buy meanwhile: so many records of the size of an
 * order, a shop in one process on them, and buyers who never pause.
 *
 *   npm run bench:backup -- [records=100000]                                        in SQLite
 *   STORE=postgres://… npm run bench:backup -- [records]                            in an empty database
 *   STORE=mongodb://… TRANSPORTER=nats://… BUS_SECRET=… npm run bench:backup -- …   nodes are asked over the bus
 */
const [records = "100000"] = process.argv.slice(2);
const folder = mkdtempSync(join(tmpdir(), "lonja-bench-"));
const given = ["STORE", "TRANSPORTER", "BUS_SECRET"].flatMap((name) => {
  const value = process.env[name];
  return value ? [[name, value] as const] : [];
});
const env = { DATA_DIR: join(folder, "data"), ...Object.fromEntries(given) };
const BATCH = 1_000;
const BUYERS = 8;
const QUIET_MS = 10_000;

async function fill(count: number): Promise<void> {
  const { shelves, close } = await openShop({ settings: readSettings(env), world: realWorld }, { make: true });
  for (const { adapter } of shelves) await adapter.setSchemaVersion(1);
  const orders = shelves.find(({ name }) => name === "orders.orders");
  for (let at = 0; at < count; at += BATCH) {
    const some = Array.from({ length: Math.min(BATCH, count - at) }, (_, n) => {
      const { id: _id, ...order } = aKeptOrder({ id: realWorld.id("ord"), number: `N${at + n}` });
      return { _id, ...order };
    });
    await orders?.adapter.insertMany(some);
  }
  await close();
}

/** Seconds, peak memory and last words of a backup, in a process of its own as an operator starts it. */
async function backUp() {
  const told = `process.on("exit", () => console.error("peak", process.resourceUsage().maxRSS))`;
  const begin = performance.now();
  const child = spawn(
    process.execPath,
    ["--import", `data:text/javascript,${encodeURIComponent(told)}`, "backup/backup.ts", join(folder, "backups")],
    { env: { PATH: process.env.PATH ?? "", ...env }, stdio: ["ignore", "ignore", "pipe"] },
  );
  let said = "";
  child.stderr.setEncoding("utf8").on("data", (text) => {
    said += text;
  });
  const [code] = await once(child, "close");
  if (code !== 0) throw new Error(said);
  const [, kilobytes] = /^peak (\d+)$/m.exec(said) ?? [];
  const [words] = /(Writers were held back for \d+ ms|Nobody was held back)/.exec(said) ?? [];
  return { seconds: (performance.now() - begin) / 1000, megabytes: Number(kilobytes) / 1024, words };
}

let sold = 0;
let slowestMs = 0;
let isOver = false;
async function buy(url: string): Promise<void> {
  const client = new Client(url);
  while (!isOver) {
    const begin = performance.now();
    const { status, text } = await client.buy(anOrder());
    if (status !== 201) throw new Error(`${status} ${text}`);
    slowestMs = Math.max(slowestMs, performance.now() - begin);
    sold++;
  }
}
async function during<T>(work: () => Promise<T>) {
  [sold, slowestMs] = [0, 0];
  const begin = performance.now();
  const result = await work();
  return { result, perSecond: (sold * 1000) / (performance.now() - begin), slowestMs };
}

try {
  await fill(Number(records));
  const shop = await startShop(env.DATA_DIR, env);
  const health = () => fetch(`${shop.url}/health/ready`).catch(() => undefined);
  // What is large takes its time to open.
  const open = await until(health, (answer) => answer?.status === 200 || shop.child.exitCode !== null, 2_000);
  if (open?.status !== 200) throw new Error(shop.output());
  await stockMugs(await adminOf(shop.url), 1_000_000);
  const buyers = Array.from({ length: BUYERS }, () => buy(shop.url));
  await new Promise((resolve) => setTimeout(resolve, 3_000));
  const quiet = await during(() => new Promise((resolve) => setTimeout(resolve, QUIET_MS)));
  const busy = await during(backUp);
  isOver = true;
  await Promise.all(buyers);
  await shop.stop();
  const { seconds, megabytes, words } = busy.result;
  const [name = ""] = readdirSync(join(folder, "backups")).filter((one) => one.endsWith(".backup"));
  const size = statSync(join(folder, "backups", name)).size / 1e6;
  console.log(
    `${records} records: ${seconds.toFixed(1)} s, a file of ${size.toFixed(1)} MB, ${megabytes.toFixed(0)} MB of memory`,
  );
  console.log(`${words}`);
  console.log(
    `purchases/s: ${quiet.perSecond.toFixed(0)} before, ${busy.perSecond.toFixed(0)} meanwhile (${((100 * busy.perSecond) / quiet.perSecond).toFixed(0)} %)`,
  );
  console.log(`slowest purchase: ${quiet.slowestMs.toFixed(0)} ms before, ${busy.slowestMs.toFixed(0)} ms meanwhile`);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
