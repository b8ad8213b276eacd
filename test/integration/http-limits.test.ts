import { connect } from "node:net";
import { realWorld, type World } from "../../services/shared/world.ts";
import { adminOf, anOrder, Client, type Reply, stockMugs, until } from "../client.ts";
import { openShop, type Shop } from "../shop.ts";

/** Nothing flows into the buckets while a test counts. */
const standing: World = { ...realWorld, now: () => Date.parse("2026-01-01T12:00:00.000Z") };

describe("limits", () => {
  let shop: Shop;
  let client: Client;
  const open = async (env: Record<string, string> = {}) => {
    shop = await openShop({
      services: ["gateway", "inventory", "users"],
      env: { RATE_LIMIT: "on", ...env },
      world: standing,
    });
    client = new Client(shop.url);
  };
  afterEach(() => shop.close());

  const many = (count: number, send: (n: number) => Promise<Reply>) =>
    Promise.all(Array.from({ length: count }, (_, n) => send(n)));
  const countOf = (answers: Reply[], status: number) => answers.filter((one) => one.status === status).length;
  /** Held to its limits before anybody looks at what is in it. */
  const signIn = (headers: Record<string, string> = {}) => client.post("/v1/auth/login", {}, headers);

  test("more than a burst of sign-ins from one address has to wait", async () => {
    await open();
    const answers = await many(120, () => signIn());
    const refused = answers.find(({ status }) => status === 429);

    expect([countOf(answers, 422), countOf(answers, 429)]).toEqual([100, 20]);
    expect(refused?.body).toMatchObject({ code: "too_many_requests" });
    expect(refused?.headers.get("retry-after")).toBe("1");
  });

  test("what a client says of its own address makes no difference", async () => {
    await open();
    const answers = await many(120, (n) =>
      signIn({ "x-forwarded-for": `203.0.113.${n}`, "x-real-ip": `203.0.113.${n}` }),
    );

    expect(countOf(answers, 422)).toBe(100);
  });

  test("what our proxy says does, and what was there before it does not", async () => {
    await open({ TRUSTED_PROXIES: "1" });
    const spread = await many(120, (n) => signIn({ "x-forwarded-for": `6.6.6.6, 203.0.113.${n}` }));
    const forged = await many(120, (n) => signIn({ "x-forwarded-for": `6.6.6.${n}, 198.51.100.1` }));

    expect([countOf(spread, 422), countOf(forged, 422)]).toEqual([120, 100]);
  });

  test("a session is refreshed and ended as often as need be", async () => {
    await open();
    const answers = await many(150, () => client.post("/v1/auth/logout", { refreshToken: "x".repeat(30) }));

    expect(countOf(answers, 204)).toBe(150);
  });

  test("reading is limited too, also our own pages, but probes are not", async () => {
    await open();
    const answers: Reply[] = [];
    for (let n = 0; n < 11; n++) answers.push(...(await many(200, () => client.get("/v1/inventory/MUG"))));
    const probes = await many(100, () => client.get("/health/live"));

    expect([countOf(answers, 404), countOf(answers, 429)]).toEqual([2_000, 200]);
    for (const path of ["/docs/swagger-ui.js", "/openapi.json"]) expect((await client.get(path)).status).toBe(429);
    expect(countOf(probes, 200)).toBe(100);
  });

  const fill = (count: number) => {
    const { port } = new URL(shop.url);
    const unfinished =
      "POST /v1/auth/logout HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n{";
    const sockets = Array.from({ length: count }, () => connect(Number(port), "127.0.0.1").on("error", () => {}));
    for (const socket of sockets) socket.write(unfinished);
    return () => sockets.forEach((socket) => void socket.destroy());
  };
  const read = (headers?: Record<string, string>) => client.get("/v1/inventory/MUG", headers);

  test("a full house lets nobody in but the probes, and opens again", async () => {
    await open({ RATE_LIMIT: "off" });
    const leave = fill(1_001);
    const full = await until(read, ({ status }) => status === 503);
    const probe = await client.get("/health/live");
    leave();
    const empty = await until(read, ({ status }) => status === 404);

    expect([full.status, full.body.code, full.headers.get("retry-after")]).toEqual([503, "unavailable", "1"]);
    expect([probe.status, empty.status]).toEqual([200, 404]);
  });

  test("one address that sends many slow requests keeps only itself out", async () => {
    await open({ TRUSTED_PROXIES: "1" });
    const leave = fill(1_001);
    const same = await until(read, ({ status }) => status === 429);
    const other = await read({ "x-forwarded-for": "203.0.113.9" });
    leave();

    expect([same.status, same.body.detail]).toEqual([429, "Too many requests at once."]);
    expect(other.status).toBe(404);
  });
});

test("two hundred buyers of one storefront at once are no abuse", async () => {
  const shop = await openShop({ env: { RATE_LIMIT: "on" } });
  const client = new Client(shop.url);
  await stockMugs(await adminOf(shop.url), 50);
  const answers = await Promise.all(Array.from({ length: 200 }, () => client.buy(anOrder())));
  await shop.close();

  const counts = Map.groupBy(answers, ({ status, body }) => `${status} ${body.code ?? body.status}`);
  expect([...counts].map(([what, some]) => [what, some.length]).toSorted()).toEqual([
    ["201 confirmed", 50],
    ["409 insufficient_stock", 150],
  ]);
});
