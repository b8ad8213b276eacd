import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openShop } from "../moving/shop.ts";
import { readSettings } from "../services/shared/settings.ts";
import { realWorld } from "../services/shared/world.ts";
import { anOrder } from "../test/an-order.ts";

/**
 * What moving a large shop takes: so many records of the size of an order, out of SQLite into a file and from there into
 * the stores that are named (empty ones), or into SQLite.
 *
 *   npm run bench:moving -- [records=100000] [postgres://… mongodb://…]
 */
const [records = "100000", ...urls] = process.argv.slice(2);
const folder = mkdtempSync(join(tmpdir(), "lonja-bench-"));
const file = join(folder, "shop.ndjson");
const BATCH = 1000;

async function fill(count: number): Promise<void> {
  const settings = readSettings({ DATA_DIR: join(folder, "from") });
  const { shelves, close } = await openShop({ settings, world: realWorld }, { make: true });
  for (const { adapter } of shelves) await adapter.setSchemaVersion(1);
  const orders = shelves.find(({ name }) => name === "orders.orders");
  for (let at = 0; at < count; at += BATCH) {
    const some = Array.from({ length: Math.min(BATCH, count - at) }, (_, n) => {
      const { id: _id, ...order } = anOrder({ id: realWorld.id("ord"), number: `N${at + n}` });
      return { _id, ...order };
    });
    await orders?.adapter.insertMany(some);
  }
  await close();
}

/** Seconds and peak memory of a command, as it says itself at its end. */
function run(command: string, env: Record<string, string>): { seconds: number; megabytes: number } {
  const told = `process.on("exit", () => console.error("peak", process.resourceUsage().maxRSS))`;
  const begin = performance.now();
  const { status, stderr } = spawnSync(
    process.execPath,
    ["--import", `data:text/javascript,${encodeURIComponent(told)}`, `moving/${command}.ts`, file],
    { env: { PATH: process.env.PATH, ...env }, encoding: "utf8", maxBuffer: 1 << 26 },
  );
  if (status !== 0) throw new Error(stderr);
  const [, kilobytes] = /^peak (\d+)$/m.exec(stderr) ?? [];
  return { seconds: (performance.now() - begin) / 1000, megabytes: Number(kilobytes) / 1024 };
}

try {
  await fill(Number(records));
  const said = (what: string, { seconds, megabytes }: ReturnType<typeof run>) =>
    console.log(
      `${what.padEnd(24)}${seconds.toFixed(1).padStart(6)} s ${(Number(records) / seconds).toFixed(0).padStart(8)} records/s ${megabytes.toFixed(0).padStart(6)} MB`,
    );
  said("export from SQLite", run("export", { DATA_DIR: join(folder, "from") }));
  console.log(`a file of ${(statSync(file).size / 1e6).toFixed(0)} MB`);
  said("import into SQLite", run("import", { DATA_DIR: join(folder, "to") }));
  for (const url of urls) said(`import into ${new URL(url).protocol.slice(0, -1)}`, run("import", { STORE: url }));
} finally {
  rmSync(folder, { recursive: true, force: true });
}
