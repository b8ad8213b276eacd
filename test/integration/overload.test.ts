import { connect } from "node:net";
import type { Context, Middleware } from "moleculer";
import { adminOf, anOrder, Client, type Reply, stockMugs, until } from "../client.ts";
import { ShopCluster } from "../cluster.ts";
import { openShop, type Shop } from "../shop.ts";

/** Calls of one action stand still until they are let go on. */
function standstill(action: string) {
  let gate = Promise.withResolvers<void>();
  gate.resolve();
  let waiting = 0;
  const inside: Middleware = {
    localAction(next, { name }) {
      if (name !== action) return next;
      return async (ctx: Context) => {
        waiting++;
        await gate.promise;
        waiting--;
        return next.call(this as never, ctx);
      };
    },
  };
  return {
    inside,
    waiting: () => waiting,
    stop() {
      gate = Promise.withResolvers();
    },
    go() {
      gate.resolve();
    },
  };
}

const countOf = (answers: Reply[], status: number) => answers.filter((one) => one.status === status).length;
const isServed = ({ status }: Reply) => status === 200 || status === 201;

function expectTurnedAway(answer: Reply): void {
  expect([answer.status, answer.body]).toMatchObject([503, { code: "unavailable", status: 503 }]);
  expect(Number(answer.headers.get("retry-after"))).toBeGreaterThanOrEqual(1);
  expect(answer.headers.get("x-request-id")).toBe(answer.body.requestId);
  expect(answer.headers.get("content-type")).toMatch("application/problem+json");
}

describe("a flood", () => {
  let shop: ShopCluster;
  let client: Client;
  beforeAll(async () => {
    shop = await ShopCluster.embedded({ RATE_LIMIT: "off", ADMISSION: "on" });
    client = new Client(shop.urls[0] ?? "");
    await stockMugs(await adminOf(client.url), 1_000);
  });
  afterAll(() => shop.close());

  /** Asks again on every connection as soon as it is answered, whatever the answer is. */
  function flood(request: () => string, connections = 200) {
    const statuses: Record<string, number> = {};
    const { port } = new URL(client.url);
    const sockets = Array.from({ length: connections }, () => {
      const socket = connect(Number(port), "127.0.0.1").on("error", () => {});
      socket.on("data", (bytes) => {
        const status = /^HTTP\/1\.1 (\d+)/.exec(bytes.toString("latin1"))?.[1];
        if (!status) return;
        statuses[status] = (statuses[status] ?? 0) + 1;
        socket.write(request());
      });
      socket.write(request());
      return socket;
    });
    return { statuses, end: () => sockets.forEach((socket) => void socket.destroy()) };
  }
  /** As clients should: whoever is told to come again does so, with the same key. */
  const buy = (buyers: number) =>
    Promise.all(
      Array.from({ length: buyers }, () => {
        const key = `key-${crypto.randomUUID()}`;
        return until(() => client.buy(anOrder(), key), isServed);
      }),
    );
  let searches = 0;
  /** Something else each time: what is known already costs next to nothing. */
  const search = () => `GET /v1/products?q=mugs+${searches++} HTTP/1.1\r\nHost: shop\r\n\r\n`;

  test("of people who look around leaves buyers served, and is over when it is over", async () => {
    const visitors = flood(search);
    await until(
      async () => visitors.statuses[503] ?? 0,
      (count) => count > 100,
    );
    const bought = await buy(10);
    const probe = await client.get("/health/live");
    const metrics = await client.get("/metrics");
    const desk = await until(
      () => client.get("/v1/admin/orders"),
      ({ status }) => status === 401,
    );
    visitors.end();
    const next = await until(() => client.get("/v1/products"), isServed);

    expect(bought.map(({ status, body }) => [status, body.status])).toEqual(Array(10).fill([201, "confirmed"]));
    expect([probe.status, metrics.status, desk.status, next.status]).toEqual([200, 200, 401, 200]);
    expect(visitors.statuses[200]).toBeGreaterThan(0);
    expect(metrics.text).toMatch(/^lonja_turned_away_total\{room="browse"\} [1-9]/m);
  });

  test("of people who sign in leaves buyers served", async () => {
    const body = JSON.stringify({ email: "nobody@example.com", password: "nobody knows this one" });
    const head = `POST /v1/auth/login HTTP/1.1\r\nHost: shop\r\nContent-Type: application/json`;
    const crowd = flood(() => `${head}\r\nContent-Length: ${body.length}\r\n\r\n${body}`);
    await until(
      async () => crowd.statuses[503] ?? 0,
      (count) => count > 100,
    );
    const bought = await buy(10);
    crowd.end();

    expect(countOf(bought, 201)).toBe(10);
  });
});

test("buyers who send their orders byte by byte take nobody's place", async () => {
  const shop = await openShop({ env: { ADMISSION: "on" } });
  const { port } = new URL(shop.url);
  await stockMugs(await adminOf(shop.url), 10);
  const head =
    "POST /v1/orders HTTP/1.1\r\nHost: shop\r\nContent-Type: application/json\r\nContent-Length: 999\r\n\r\n{";
  const slow = Array.from({ length: 400 }, () => connect(Number(port), "127.0.0.1").on("error", () => {}));
  for (const socket of slow) socket.write(head);
  const metrics = () => new Client(shop.url).get("/metrics");
  const inside = await until(metrics, ({ text }) => /^http_requests_in_flight 4\d\d$/m.test(text));
  const bought = await until(() => new Client(shop.url).buy(anOrder()), isServed);
  for (const socket of slow) socket.destroy();
  await shop.close();

  expect(inside.text).toMatch(/^http_requests_in_flight 4\d\d$/m);
  expect(bought.status).toBe(201);
});

describe("what hangs", () => {
  let shop: Shop;
  let client: Client;
  const open = async (inside: Middleware) => {
    shop = await openShop({ inside, env: { ADMISSION: "on" } });
    client = new Client(shop.url);
    await stockMugs(await adminOf(shop.url), 1_000);
  };
  const look = () => client.get("/v1/products/a-mug");
  afterEach(() => shop.close());

  test("a payments service that does not answer takes a room of its own down, and not the house", async () => {
    const payments = standstill("payments.authorize");
    await open(payments.inside);
    payments.stop();
    const buyers = Promise.all(Array.from({ length: 300 }, (_, n) => client.buy(anOrder(), `buyer-${n}-who-waits`)));
    await until(
      async () => payments.waiting(),
      (count) => count > 0,
    );
    const seen = await until(look, isServed);
    const answers = await buyers;
    payments.go();
    const next = await until(() => client.buy(anOrder()), isServed);

    expect([seen.status, next.status]).toEqual([200, 201]);
    expect(countOf(answers, 202) + countOf(answers, 503)).toBe(300);
    for (const status of [202, 503]) expect(countOf(answers, status)).toBeGreaterThan(0);
    for (const answer of answers.filter(({ status }) => status === 503)) expectTurnedAway(answer);
  });

  test("a catalogue that does not answer keeps nobody from reading an order", async () => {
    const catalog = standstill("catalog.get");
    await open(catalog.inside);
    const { body: order } = await client.buy(anOrder());
    catalog.stop();
    const visitors = Promise.all(Array.from({ length: 400 }, look));
    await until(
      async () => catalog.waiting(),
      (count) => count > 0,
    );
    const read = await until(() => client.get(`/v1/orders/${order.id}?token=${order.guestToken}`), isServed);
    const waiting = catalog.waiting();
    catalog.go();
    const answers = await visitors;

    expect(read.status).toBe(200);
    expect(waiting).toBeLessThanOrEqual(256);
    expect(countOf(answers, 200) + countOf(answers, 503)).toBe(400);
    expect(await until(look, isServed)).toMatchObject({ status: 200 });
  });

  test("an action that lets its callers' time pass is not asked any more, and asked again when it answers", async () => {
    const catalog = standstill("catalog.get");
    await open(catalog.inside);
    catalog.stop();
    const ask = () => shop.call("catalog.get", { idOrHandle: "a-mug" }, { timeout: 50 });
    const failures = await Promise.all(Array.from({ length: 30 }, () => ask().catch(({ name }) => name)));
    const waiting = catalog.waiting();
    const refused = await look();
    const others = [await client.get("/v1/products"), await client.get("/v1/inventory/MUG")];

    expect(new Set(failures)).toEqual(new Set(["RequestTimeoutError"]));
    expectTurnedAway(refused);
    expect(catalog.waiting()).toBe(waiting);
    expect(countOf(others, 200)).toBe(2);
    catalog.go();
    expect(await until(look, isServed)).toMatchObject({ status: 200 });
  });

  test("no more calls of an action are under way than may be, though those who asked have given up", async () => {
    const stock = standstill("inventory.available");
    await open(stock.inside);
    stock.stop();
    const ask = () => shop.call("inventory.available", { sku: "MUG" });
    const answers = Promise.allSettled(Array.from({ length: 1_100 }, ask));
    await until(
      async () => stock.waiting(),
      (count) => count === 1_000,
    );
    stock.go();
    const refused = (await answers).flatMap((one) => (one.status === "rejected" ? [one.reason] : []));

    expect(refused).toHaveLength(100);
    for (const error of refused) expect(error).toMatchObject({ type: "unavailable", data: { retryAfterSeconds: 1 } });
    expect(await ask()).toMatchObject({ available: 1_000 });
  });
});
