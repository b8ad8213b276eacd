import { setTimeout as pause } from "node:timers/promises";
import { jest } from "@jest/globals";
import { disagreementsSeenBy, promisesNotKept, whatStaysWrong } from "../books.ts";
import { Buyers } from "../buyers.ts";
import { adminOf, anOrder, Client, until } from "../client.ts";
import { everyService, ShopCluster, type TestNode } from "../cluster.ts";
import { needNats, startNats } from "../servers/nats.ts";
import { needPostgres, newDatabase, startPostgres } from "../servers/postgres.ts";
import { type BreakableServer, describeWith, ours } from "../servers/server.ts";

jest.setTimeout(180_000);

const UNITS = 100_000;
const opened = Object.fromEntries(Array.from({ length: 12 }, (_, n) => [`MUG-${n}`, UNITS]));

const needs = [needNats, needPostgres, ours("LONJA_TEST_NATS_URL", "LONJA_TEST_POSTGRES_URL")];
describeWith(needs, "nodes come and go while people buy", () => {
  let nats: BreakableServer;
  let postgres: BreakableServer;
  let shop: ShopCluster;
  let buyers: Buyers;
  let admin: Client;

  beforeAll(async () => {
    [nats, postgres] = await Promise.all([startNats(), startPostgres()]);
    const env = { TRANSPORTER: nats.url, STORE: await newDatabase(postgres, "nodes"), RATE_LIMIT: "off" };
    shop = await ShopCluster.open({ env });
    shop.mend();
    const [url = ""] = shop.urls;
    admin = await adminOf(url);
    buyers = await Buyers.of(shop, admin, opened);
  });
  afterAll(async () => {
    await buyers?.goHome();
    await shop?.close();
    await Promise.all([nats?.stop(), postgres?.stop()]);
  });

  /** As many nodes as there were, whatever the test before has left. */
  beforeEach(async () => {
    for (const service of everyService)
      for (let missing = 2 - shop.alive(service).length; missing > 0; missing--) await shop.add(service);
    await shop.ready();
    await buyers.untilCalm(30);
  });

  /** Nothing that was promised is lost, and all who have written something down agree. */
  async function expectBooksToAgree(): Promise<void> {
    await buyers.goHome();
    const [url = ""] = shop.urls;
    admin = await adminOf(url);
    const wrong = await whatStaysWrong(() => disagreementsSeenBy(admin, opened));
    expect(wrong.slice(0, 20)).toEqual([]);
    expect(await promisesNotKept(admin, buyers.confirmed)).toEqual([]);
  }

  const requestsOf = ({ said }: TestNode) => said.filter((line) => /<= Request '/.test(line)).length;

  test("a node that is added gets work", async () => {
    for (const service of ["users", "catalog", "inventory", "orders", "payments", "notifications"] as const) {
      const node = await shop.add(service, { LOG_LEVEL: "debug" });
      expect(
        await until(
          async () => requestsOf(node),
          (count) => count > 0,
          100,
        ),
      ).toBeGreaterThan(0);
      expect((await node.process.stop()).code).toBe(0);
    }
  });

  test.each(everyService)("SIGTERM of a node of %s: no request fails, and it is gone by itself", async (service) => {
    const before = buyers.failures.length;
    const [node] = shop.alive(service);
    const exit = await node?.process.stop();
    await buyers.untilCalm(20);

    expect(buyers.failures.slice(before)).toEqual([]);
    expect(exit).toEqual({ code: 0, signal: null });
  });

  test("SIGTERM of a gateway that has much to do: it says so at once, and answers what it has begun", async () => {
    const [gateway] = shop.alive("gateway");
    const url = gateway?.url ?? "";
    let isAnswered = false;
    const exit = gateway?.process.stop();
    const slow = new Client(url).buy(anOrder("tok_timeout", 1, "MUG-0")).finally(() => {
      isAnswered = true;
    });
    while ((await new Client(url).get("/health/ready")).status === 200) await pause(25);
    expect(isAnswered).toBe(false);
    expect([201, 202]).toContain((await slow).status);
    expect(await exit).toEqual({ code: 0, signal: null });
  });

  test.each(everyService)("kill -9 of a node of %s: the others go on", async (service) => {
    const [node] = shop.alive(service);
    const exit = await node?.process.kill();
    await buyers.untilCalm(60);

    expect(exit).toEqual({ code: null, signal: "SIGKILL" });
    expect(shop.alive()).toHaveLength(2 * everyService.length - 1);
  });

  test("NATS restarts: the shop goes on when it is back", async () => {
    const before = buyers.failures.length;
    await nats.kill();
    await buyers.untilSomeFail(before, 5);
    await nats.start();
    await buyers.untilCalm(60);
    expect(shop.alive()).toHaveLength(2 * everyService.length);
  });

  test("the database restarts: the shop goes on when it is back", async () => {
    const before = buyers.failures.length;
    await postgres.kill();
    await buyers.untilSomeFail(before, 5);
    await postgres.start();
    await buyers.untilCalm(60);
    expect(buyers.failures.slice(before).filter(({ why }) => !why.startsWith("503"))).toEqual([]);
    expect(shop.alive()).toHaveLength(2 * everyService.length);
  });

  test("afterwards no order that was promised is lost, and the books agree", async () => {
    await expectBooksToAgree();
    expect(shop.slips()).toEqual([]);
  });
});
