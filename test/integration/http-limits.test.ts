import { connect } from "node:net";
import { Client, type Reply, until } from "../client.ts";
import { openShop, type Shop } from "../shop.ts";

describe("limits", () => {
  let shop: Shop;
  let client: Client;
  const open = async (env: Record<string, string> = {}) => {
    shop = await openShop({ services: ["gateway", "inventory", "users"], env: { RATE_LIMIT: "on", ...env } });
    client = new Client(shop.url);
  };
  afterEach(() => shop.close());

  const many = (count: number, send: (n: number) => Promise<Reply>) =>
    Promise.all(Array.from({ length: count }, (_, n) => send(n)));
  const countOf = (answers: Reply[], status: number) => answers.filter((one) => one.status === status).length;
  const logout = (headers: Record<string, string> = {}) =>
    client.post("/v1/auth/logout", { refreshToken: "x".repeat(30) }, headers);

  test("more than a burst of sign-ins from one address has to wait", async () => {
    await open();
    const answers = await many(40, () => logout());
    const refused = answers.find(({ status }) => status === 429);

    expect(countOf(answers, 204)).toBe(20);
    expect(refused?.body).toMatchObject({ code: "too_many_requests" });
    expect(Number(refused?.headers.get("retry-after"))).toBeGreaterThan(0);
  });

  test("what a client says of its own address makes no difference", async () => {
    await open();
    const answers = await many(40, (n) =>
      logout({ "x-forwarded-for": `203.0.113.${n}`, "x-real-ip": `203.0.113.${n}` }),
    );

    expect(countOf(answers, 204)).toBe(20);
  });

  test("what our proxy says does, and what was there before it does not", async () => {
    await open({ TRUSTED_PROXIES: "1" });
    const spread = await many(40, (n) => logout({ "x-forwarded-for": `6.6.6.6, 203.0.113.${n}` }));
    const forged = await many(40, (n) => logout({ "x-forwarded-for": `6.6.6.${n}, 198.51.100.1` }));

    expect(countOf(spread, 204)).toBe(40);
    expect(countOf(forged, 204)).toBe(20);
  });

  test("reading is limited too, but probes are not", async () => {
    await open();
    const reads = await many(400, () => client.get("/v1/inventory/MUG"));
    const probes = await many(100, () => client.get("/health/live"));

    expect(countOf(reads, 429)).toBeGreaterThan(50);
    expect(countOf(reads, 404)).toBeGreaterThanOrEqual(200);
    expect(countOf(probes, 200)).toBe(100);
  });

  test("a full house lets nobody in but the probes, and opens again", async () => {
    await open({ RATE_LIMIT: "off" });
    const { port } = new URL(shop.url);
    const unfinished =
      "POST /v1/auth/logout HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n{";
    const sockets = Array.from({ length: 1_001 }, () => connect(Number(port), "127.0.0.1").on("error", () => {}));
    for (const socket of sockets) socket.write(unfinished);
    const full = await until(
      () => client.get("/v1/inventory/MUG"),
      ({ status }) => status === 503,
    );
    const probe = await client.get("/health/live");
    for (const socket of sockets) socket.destroy();
    const empty = await until(
      () => client.get("/v1/inventory/MUG"),
      ({ status }) => status === 404,
    );

    expect([full.status, full.body.code, full.headers.get("retry-after")]).toEqual([503, "unavailable", "1"]);
    expect([probe.status, empty.status]).toEqual([200, 404]);
  });
});
