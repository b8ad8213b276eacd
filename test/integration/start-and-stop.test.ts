import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { text } from "node:stream/consumers";
import { type ShopProcess, startShop } from "../process.ts";
import { freePort } from "../servers/server.ts";

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

  test.each([
    ["TRANSPORTER", "nats://[nobody", /^TRANSPORTER cannot be used: .+\.$/],
    ["STORE", "postgres://db:99999/shop", /^STORE=postgres:\/\/db:99999\/shop cannot be used: .+\.$/],
    ["STORE", "mongodb://db:99999/shop", /^The store at db:99999\/shop cannot be used: .+\.$/],
  ])("because of %s=%s", async (name, value, wanted) => {
    const shop = await startShop(folder, { [name]: value, BUS_SECRET: "0123456789abcdef" });
    expect([1, 2]).toContain(shop.child.exitCode);
    expect(lines(shop)).toEqual([expect.stringMatching(wanted)]);
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

test("a shop whose store is not there yet waits for it, alone as it is", async () => {
  const notYet = createServer((caller) => caller.destroy())
    .listen(0, "127.0.0.1")
    .unref();
  await once(notYet, "listening");
  const { port } = notYet.address() as { port: number };
  const shop = spawn(process.execPath, ["lonja.ts"], {
    env: { PATH: process.env.PATH, PORT: "0", STORE: `postgres://127.0.0.1:${port}/shop` },
    stdio: "ignore",
  });
  const left = once(shop, "exit");
  const tries = (async () => {
    for (let n = 0; n < 30; n++) await once(notYet, "connection");
    return "still there";
  })();
  expect(await Promise.race([tries, left])).toBe("still there");
  shop.kill("SIGKILL");
  notYet.close();
  await left;
});

describe("a setting that cannot be used is named in one line, without its secret", () => {
  const start = (env: Record<string, string>) => {
    const mine = { PATH: process.env.PATH, DATA_DIR: folder, BUS_SECRET: "a secret of the house", ...env };
    const started = { env: mine, encoding: "utf8", timeout: 20_000 } as const;
    const { status, stdout, stderr } = spawnSync(process.execPath, ["lonja.ts"], started);
    return [status, stdout, stderr];
  };

  test.each(["redis://:hunter2/x@host", "amqp://shop:hunter2@host:port", "nats://host:port"])(
    "TRANSPORTER=%s",
    (TRANSPORTER) => {
      expect(start({ TRANSPORTER })).toEqual([2, "", expect.stringMatching(/^TRANSPORTER (?!.*hunter2).*\.\n$/)]);
    },
  );

  test("a store whose password is not written as URLs have it", () => {
    const wrong = start({ STORE: "mongodb://shop:hun%zzter2@host/shop", SERVICES: "users" });
    expect(wrong).toEqual([1, "", expect.stringMatching(/^The store at host\/shop cannot be used: (?!.*ter2).*\.\n$/)]);
  });

  test("a file of a secret that is empty, where the shop would be opened somewhere else", () => {
    const file = join(folder, "store");
    writeFileSync(file, "\n");
    expect(start({ STORE_FILE: file })).toEqual([2, "", `STORE_FILE=${file} cannot be used: the file is empty.\n`]);
  });
});

describe("a shop that is told to stop", () => {
  test("goes by itself, also where its bus has never been there", async () => {
    const child = spawn(process.execPath, ["lonja.ts"], {
      env: {
        PATH: process.env.PATH,
        DATA_DIR: folder,
        SERVICES: "users",
        BUS_SECRET: "a secret of the house",
        TRANSPORTER: `nats://127.0.0.1:${await freePort()}`,
      },
      stdio: ["ignore", "ignore", "pipe"],
    });
    try {
      await once(child.stderr, "data");
      const gone = once(child, "exit", { signal: AbortSignal.timeout(30_000) });
      child.kill("SIGTERM");
      expect(await gone).toEqual([1, null]);
    } finally {
      child.kill("SIGKILL");
    }
  });

  test("does so once, however often the same signal arrives", async () => {
    const shop = await startShop(folder, { LOG_LEVEL: "error" });
    const gone = once(shop.child, "exit");
    for (let n = 0; n < 3; n++) shop.child.kill("SIGINT");
    expect(await gone).toEqual([0, null]);
    expect(shop.output()).toBe("");
  });

  test("waits for somebody who is slow to say what he wants, but not too long", async () => {
    const shop = await startShop(folder);
    const slow = connect(Number(new URL(shop.url).port), "127.0.0.1").on("error", () => {});
    await once(slow, "connect");
    slow.write(
      "POST /v1/orders HTTP/1.1\r\nHost: shop\r\nContent-Type: application/json\r\nContent-Length: 99\r\n\r\n{",
    );
    expect((await fetch(`${shop.url}/health/live`)).status).toBe(200);
    // Code 1 is for a node whose last moment has come.
    expect(await shop.stop()).toBe(0);
    slow.destroy();
  });

  test("in a cluster answers whom a balancer sends that has not noticed for a second or two", async () => {
    const bus = { TRANSPORTER: `tcp://127.0.0.1:${await freePort()}`, BUS_SECRET: "a secret of the house" };
    const shop = await startShop(folder, bus);
    const gone = once(shop.child, "exit");
    const kept = connect(Number(new URL(shop.url).port), "127.0.0.1");
    await once(kept, "connect");
    shop.child.kill("SIGTERM");
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    const atOnce = await fetch(`${shop.url}/v1/products`);
    kept.write("GET /v1/products HTTP/1.1\r\nHost: shop\r\n\r\n");
    expect([atOnce.status, atOnce.headers.get("connection")]).toEqual([200, "close"]);
    expect(await text(kept)).toMatch(/^HTTP\/1\.1 200 OK\r\n(.+\r\n)*connection: close\r\n/i);
    expect(await gone).toEqual([0, null]);
  });

  test("in a cluster takes whom a balancer sends also when everybody else has left", async () => {
    const bus = { TRANSPORTER: `tcp://127.0.0.1:${await freePort()}`, BUS_SECRET: "a secret of the house" };
    const shop = await startShop(folder, bus);
    const gone = once(shop.child, "exit");
    shop.child.kill("SIGTERM");
    while ((await fetch(`${shop.url}/health/ready`, { headers: { connection: "close" } })).ok);
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    const { status, headers } = await fetch(`${shop.url}/v1/products`);
    expect([status, headers.get("connection")]).toEqual([200, "close"]);
    expect(await gone).toEqual([0, null]);
  });

  describe("answers, for the last time, who has asked while it had no time to hear it", () => {
    const question = "GET /v1/products HTTP/1.1\r\nHost: shop\r\n\r\n";
    const isReady = (url: string) => fetch(`${url}/health/ready`).then(({ ok }) => ok);
    const isClosed = (url: string) =>
      fetch(`${url}/health/live`).then(
        () => false,
        () => true,
      );

    test.each([
      ["over new connections, while it still takes them", 20, async (url: string) => !(await isReady(url))],
      ["over a connection that was there, when it takes no new ones", 0, isClosed],
    ])("%s", async (_, newcomers, isTheMoment) => {
      const shop = await startShop(folder);
      const gone = once(shop.child, "exit");
      const { port } = new URL(shop.url);
      const open = () => connect(Number(port), "127.0.0.1");
      const early = open();
      await once(early, "connect");
      shop.child.kill("SIGTERM");
      while (!(await isTheMoment(shop.url)));
      shop.child.kill("SIGSTOP");
      const guests = newcomers ? Array.from({ length: newcomers }, open) : [early];
      for (const guest of guests) guest.write(question);
      await new Promise((resolve) => setTimeout(resolve, 2_000));
      shop.child.kill("SIGCONT");
      for (const answer of await Promise.all(guests.map(text)))
        expect(answer).toMatch(/^HTTP\/1\.1 200 OK\r\n(.+\r\n)*connection: close\r\n/i);
      expect(await gone).toEqual([0, null]);
      early.destroy();
    });
  });
});
