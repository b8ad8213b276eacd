import { spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { jest } from "@jest/globals";
import { freePort, type ShopProcess, startShop } from "../process.ts";

jest.setTimeout(60_000);

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "lonja-start-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

test("a shop that opens says where", async () => {
  const shop = await startShop(folder, { LOG_LEVEL: "info" });
  expect(shop.output()).toContain(`The shop is open at ${shop.url} and explained at ${shop.url}/docs`);
  expect(await shop.stop()).toBe(0);
});

describe("a shop that cannot open says why, in one line", () => {
  const lines = (shop: ShopProcess) => shop.output().trim().split("\n");

  test("because another one has the data", async () => {
    const first = await startShop(folder);
    const second = await startShop(folder);
    expect(second.child.exitCode).toBe(1);
    expect(lines(second)).toEqual([expect.stringMatching(/^\S+lonja\.db is in use by another process\./)]);
    await first.kill();
  });

  test("because the port is taken", async () => {
    const taken = createServer().listen(0, "127.0.0.1");
    await once(taken, "listening");
    const { port } = taken.address() as { port: number };
    const shop = await startShop(folder, { PORT: String(port) });
    expect(shop.child.exitCode).toBe(1);
    expect(lines(shop)).toEqual([expect.stringMatching(/^HOST=127\.0\.0\.1 with PORT=\d+ cannot be used: .+\.$/)]);
    taken.close();
  });

  test("because the host is none of its own", async () => {
    const shop = await startShop(folder, { HOST: "192.0.2.1" });
    expect(shop.child.exitCode).toBe(1);
    expect(lines(shop)).toEqual([expect.stringMatching(/^HOST=192\.0\.2\.1 with PORT=\d+ cannot be used: .+\.$/)]);
  });

  test("because the folder is a file", async () => {
    const file = join(folder, "data");
    writeFileSync(file, "");
    const shop = await startShop(file);
    expect(shop.child.exitCode).toBe(1);
    expect(lines(shop)).toEqual([expect.stringContaining("lonja.db cannot be used:")]);
  });

  test("because there is no room for its tables", () => {
    const env = { PATH: process.env.PATH, DATA_DIR: folder, PORT: "0", LOG_LEVEL: "warn" };
    for (const blocks of [50, 150, 400]) {
      const started = ["-c", `ulimit -f ${blocks}; exec "$0" lonja.ts`, process.execPath];
      const { status, stdout, stderr } = spawnSync("sh", started, { env, encoding: "utf8", timeout: 20_000 });
      expect([status, stdout, stderr]).toEqual([1, "", expect.stringMatching(/^\S+\.db cannot be used: .+\.\n$/)]);
    }
  });

  test("because a newer Lonja has written the data", async () => {
    await (await startShop(folder)).kill();
    const file = new DatabaseSync(join(folder, "lonja.db"));
    file.exec("UPDATE lonja_schema SET version = 99 WHERE collection = 'inventory_stock'");
    file.close();
    const shop = await startShop(folder);
    expect(shop.child.exitCode).toBe(1);
    expect(lines(shop)).toEqual([expect.stringContaining("start the newer one")]);
  });
});

describe("a shop that is told to stop", () => {
  test("does so once, however often the same signal arrives", async () => {
    const shop = await startShop(folder, { LOG_LEVEL: "error" });
    const gone = once(shop.child, "exit");
    for (let n = 0; n < 3; n++) shop.child.kill("SIGINT");
    expect(await gone).toEqual([0, null]);
    expect(shop.output()).toBe("");
  });

  const PATIENCE_MS = 10_000;
  const stopped = async (shop: ShopProcess) => {
    const since = performance.now();
    const code = await shop.stop();
    return { code, inTime: performance.now() - since < PATIENCE_MS };
  };

  test("while it waits for its store waits no longer; until then it waits", async () => {
    const shop = await startShop(folder, { STORE: `postgres://lonja@127.0.0.1:${await freePort()}/lonja` });
    expect([shop.child.exitCode, shop.output()]).toEqual([null, ""]);
    expect(await stopped(shop)).toEqual({ code: 0, inTime: true });
  });

  test("waits for somebody who is slow to say what he wants, but not too long", async () => {
    const shop = await startShop(folder);
    const slow = connect(Number(new URL(shop.url).port), "127.0.0.1").on("error", () => {});
    await once(slow, "connect");
    slow.write(
      "POST /v1/orders HTTP/1.1\r\nHost: shop\r\nContent-Type: application/json\r\nContent-Length: 99\r\n\r\n{",
    );
    expect((await fetch(`${shop.url}/health/live`)).status).toBe(200);
    expect(await stopped(shop)).toEqual({ code: 0, inTime: true });
    slow.destroy();
  });
});
