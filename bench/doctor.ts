import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Report } from "../services/doctor/doctor.contract.ts";
import { adminOf, anOrder, Client, stockMugs, until } from "../test/client.ts";
import { startShop } from "../test/process.ts";
import { multiply } from "./multiply.ts";

/**
 * How long doctor takes over a large shop in one process with SQLite, what memory that takes, and how long the shop lets others
 * wait meanwhile. One order is bought; the others are made after it, in the stores.
 *
 *   npm run bench:doctor -- [orders=100000] [MB of heap=200]
 */
const [orders = 100_000, heap = 200] = process.argv.slice(2).map(Number);
const SKUS = 100;
const folder = mkdtempSync(join(tmpdir(), "lonja-bench-doctor-"));
const skuOf = (n: number) => `BENCH-${n}`;
const open = () =>
  startShop(folder, { NODE_OPTIONS: `--max-old-space-size=${heap}`, DOCTOR_EVERY_MINUTES: "0", ADMISSION: "off" });

async function buyOne(): Promise<void> {
  const shop = await open();
  const admin = await adminOf(shop.url);
  for (let n = 0; n < SKUS; n++) await stockMugs(admin, orders, skuOf(n));
  await new Client(shop.url).buy(anOrder("tok_visa", 1, skuOf(0)));
  await until(
    () => admin.get("/metrics"),
    ({ text }) => !/^lonja_outbox_waiting\{[^}]*\} [1-9]/m.test(text),
  );
  await shop.stop();
}

async function measure(): Promise<void> {
  const shop = await open();
  const admin = await adminOf(shop.url);
  const figure = async (name: string) =>
    Number(new RegExp(`^${name} (\\S+)$`, "m").exec((await admin.get("/metrics")).text)?.[1]);
  const megabytes = async () => Math.round((await figure("process_resident_memory_bytes")) / 1e6);
  const before = { cpu: await figure("process_cpu_seconds_total"), memory: await megabytes() };
  let [memory, slowest, isOver] = [0, 0, false];
  const look = async () => {
    while (!isOver) {
      const since = performance.now();
      await admin.get("/health/live");
      slowest = Math.max(slowest, performance.now() - since);
      memory = Math.max(memory, await megabytes());
      await new Promise((resolve) => setTimeout(resolve, 250));
    }
  };
  const looking = look();
  const since = performance.now();
  const { body } = await until(
    () => admin.get("/v1/admin/doctor"),
    ({ status }) => status !== 503,
  );
  const seconds = (performance.now() - since) / 1000;
  isOver = true;
  await looking;
  const cpu = (await figure("process_cpu_seconds_total")) - before.cpu;
  const { ok, checks } = body as Report;
  const wrong = checks.filter((check) => !check.ok).map(({ name, detail }) => `${name}: ${detail}`);
  process.stdout.write(
    `${orders} orders: ${ok ? "all is well" : wrong.join("; ")}. ${seconds.toFixed(1)} s, ${cpu.toFixed(1)} s of a core; ${before.memory} MB before, ${memory} MB at most; the slowest answer of the shop took ${Math.round(slowest)} ms.\n`,
  );
  await shop.stop();
}

try {
  await buyOne();
  await multiply(folder, orders, SKUS, skuOf);
  await measure();
} finally {
  rmSync(folder, { recursive: true, force: true });
}
