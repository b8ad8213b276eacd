import type { ChildProcess } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { Client as Database } from "pg";
import type { Report } from "../services/doctor/doctor.contract.ts";
import { adminOf, type Client, until } from "../test/client.ts";
import { everyService, ShopCluster } from "../test/cluster.ts";
import { startShop } from "../test/process.ts";
import { startNats } from "../test/servers/nats.ts";
import { newDatabase, startPostgres } from "../test/servers/postgres.ts";
import { freePort } from "../test/servers/server.ts";
import { csvOf, skuOf } from "./goods.ts";
import { onCore, SHOPS_CORE } from "./pinned.ts";

const UNITS = 1_000_000;
const SLOWEST_IMPORT = 36_000;

/** A shop that is open. */
export interface Shop {
  url: string;
  /** Of all its gateways. */
  urls: readonly string[];
  admin: Client;
  /** Of its gateway. */
  pid: number;
  /** What has been done so far, as figures that only grow. */
  counts(): Promise<Record<string, number>>;
  /** `keep`: its data are wanted later. */
  close(options?: { keep?: boolean }): Promise<void>;
}

const open = new Set<ChildProcess>();
/** Whatever goes wrong, nobody is left behind. */
process.once("exit", () => {
  for (const child of open) child.kill("SIGKILL");
});

const leftovers: string[] = [];
/** At the very end: a file system that has just lost thousands of files makes new ones slowly for some minutes. */
export function cleanUp(): void {
  for (const folder of leftovers) rmSync(folder, { recursive: true, force: true });
}

export const newFolder = (): string => mkdtempSync(join(tmpdir(), "lonja-bench-"));

/** PROFILE names a folder for what `node --cpu-prof` writes. */
const profile: Record<string, string> = process.env.PROFILE
  ? { NODE_OPTIONS: `--cpu-prof --cpu-prof-dir=${process.env.PROFILE}` }
  : {};

/** The whole shop in one process, with its store on the disk. */
export async function embedded(env: Record<string, string> = {}, folder = newFolder()): Promise<Shop> {
  const { url, child, stop, output } = await onCore(SHOPS_CORE, () =>
    startShop(folder, { ...profile, ...env }, 600_000),
  );
  open.add(child);
  child.once("exit", () => open.delete(child));
  if (child.exitCode !== null) throw new Error(`the shop did not start:\n${output()}`);
  const admin = await adminOf(url);
  return {
    url,
    urls: [url],
    admin,
    pid: child.pid ?? 0,
    async counts() {
      const { writes = 0, commits = 0, calls = 0 } = await metricsOf(admin);
      return { calls, "store writes": writes, "syncs of the disk": commits };
    },
    async close({ keep = false } = {}) {
      await stop();
      if (!keep) leftovers.push(folder);
    },
  };
}

/** Processes: so many of each service, and so many in which all services are. */
export interface Arrangement {
  each?: number;
  whole?: number;
}

/** A shop of many processes, with NATS and PostgreSQL, all on one core. */
export async function cluster({ each = 0, whole = 0 }: Arrangement): Promise<Shop> {
  const monitorPort = await freePort();
  const [nats, postgres, shop] = await onCore(SHOPS_CORE, async () => {
    const [nats, postgres] = await Promise.all([startNats({ monitorPort }), startPostgres()]);
    const store = await newDatabase(postgres, "bench");
    const env = { TRANSPORTER: nats.url, STORE: store, RATE_LIMIT: "off", ADMISSION: "on", LOG_LEVEL: "warn" };
    const scale = Object.fromEntries(
      everyService.map((service) => [service, service === "doctor" ? Math.min(each, 1) : each]),
    );
    const shop = await ShopCluster.open({ env: { ...env, NODE_OPTIONS: "" }, scale });
    for (let n = 0; n < whole; n++) await shop.add("gateway", { SERVICES: everyService.join(",") });
    await shop.ready();
    return [nats, postgres, shop] as const;
  });
  const [url = ""] = shop.urls;
  const database = new Database({ connectionString: postgres.url });
  await database.connect();
  return {
    url,
    urls: shop.urls,
    admin: await adminOf(url),
    pid: shop.alive("gateway")[0]?.process.pid ?? 0,
    async counts() {
      // As often as the server tells what it has counted.
      await pause(1_500);
      const { rows } = await database.query(
        "SELECT wal_sync, (SELECT sum(xact_commit) FROM pg_stat_database) AS commits FROM pg_stat_wal",
      );
      const { in_msgs } = (await (await fetch(`http://127.0.0.1:${monitorPort}/varz`)).json()) as { in_msgs: number };
      return {
        "messages on the bus": in_msgs,
        transactions: Number(rows[0].commits),
        "syncs of the disk": Number(rows[0].wal_sync),
      };
    },
    async close() {
      await database.end();
      await shop.close();
      await Promise.all([nats.stop(), postgres.stop()]);
    },
  };
}

/** A file of more would be larger than what the shop takes. */
const MOST_IN_A_FILE = 20_000;

/** Puts so many products on the shelves, with stock, and waits until they are there. */
export async function fill({ admin }: Shop, products: number): Promise<void> {
  for (let first = 0; first < products; first += MOST_IN_A_FILE) {
    const csv = csvOf(Math.min(MOST_IN_A_FILE, products - first), UNITS, first);
    const { status, body, text } = await admin.send("POST", "/v1/admin/imports", csv, { "content-type": "text/csv" });
    if (status !== 202) throw new Error(`no import: ${status} ${text}`);
    const isOver = (job: { status: string }) => job.status === "succeeded" || job.status === "failed";
    const look = () => admin.read<{ status: string }>(`/v1/admin/imports/${body.id}`);
    const job = await until(look, isOver, SLOWEST_IMPORT);
    if (job.status !== "succeeded")
      throw new Error(`the import has not come off: ${JSON.stringify(job).slice(0, 500)}`);
  }
  const last = await admin.read<{ onHand: number }>(`/v1/admin/inventory/${skuOf(products - 1)}`);
  if (last.onHand !== UNITS) throw new Error(`the last product has ${last.onHand} units`);
}

/** Whatever was told has arrived where it was to be heard. Answers how long that took, in seconds. */
export async function drained({ admin }: Shop): Promise<number> {
  const since = performance.now();
  const left = await until(
    async () => (await metricsOf(admin)).waiting,
    (waiting) => waiting === 0,
    12_000,
  );
  if (left !== 0) throw new Error(`${left} documents have still something to tell`);
  return (performance.now() - since) / 1_000;
}

/** @throws what doctor has found. */
export async function expectHealth({ admin }: Shop): Promise<void> {
  const { status, body, text } = await until(
    () => admin.get("/v1/admin/doctor"),
    ({ status }) => status !== 503,
  );
  if (status !== 200) throw new Error(`doctor does not answer: ${status} ${text}`);
  const { ok, checks } = body as Report;
  if (!ok) throw new Error(checks.flatMap(({ ok, name, detail }) => (ok ? [] : [`${name}: ${detail}`])).join("; "));
}

/** Units of the first so many products that nobody has bought yet. */
export async function unitsLeft({ admin }: Shop, products: number): Promise<number> {
  // Buyers whose connection was closed at the end of a load have an order all the same, in a moment.
  await pause(1_000);
  const level = async (n: number) => {
    const ask = () => admin.get(`/v1/admin/inventory/${skuOf(n)}`);
    // Where the whole shop shares a core with its buyers, staff may be told to come again.
    const { status, body, text } = await until(ask, ({ status }) => status !== 503);
    if (status !== 200) throw new Error(`${skuOf(n)}: ${status} ${text}`);
    return body as { onHand: number };
  };
  const levels = await Promise.all(Array.from({ length: products }, (_, n) => level(n)));
  return levels.reduce((sum, { onHand }) => sum + onHand, 0);
}

const named = {
  writes: "lonja_store_writes_total",
  commits: "lonja_store_commits_total",
  calls: "lonja_calls_total",
  waiting: "lonja_outbox_waiting",
} as const;

/** Sums over all labels. */
async function metricsOf(admin: Client): Promise<Partial<Record<keyof typeof named, number>>> {
  const { text } = await admin.get("/metrics");
  const sum = (name: string) =>
    [...text.matchAll(new RegExp(`^${name}(?:\\{[^}]*\\})? (\\S+)$`, "gm"))].reduce((all, [, n]) => all + Number(n), 0);
  return Object.fromEntries(Object.entries(named).map(([short, name]) => [short, sum(name)]));
}
