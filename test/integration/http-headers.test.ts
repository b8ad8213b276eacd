import { Client } from "../client.ts";
import { openShop, type Shop } from "../shop.ts";

const shopfront = "https://shop.example.com";
const trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

describe("headers", () => {
  let shop: Shop;
  let client: Client;

  beforeAll(async () => {
    shop = await openShop({ services: ["gateway", "inventory"], env: { CORS_ORIGINS: shopfront } });
    client = new Client(shop.url);
    await shop.call("inventory.open", { stock: [{ sku: "MUG", onHand: 5 }] });
  });
  afterAll(() => shop.close());

  test.each(["/health/live", "/nothing", "/v1/inventory/%ff", "/docs", "/docs/init.js", "/v1/products"])(
    "%s is safe to show in a browser",
    async (path) => {
      const { headers } = await client.get(path);

      expect(Object.fromEntries(headers)).toMatchObject({
        "x-content-type-options": "nosniff",
        "x-frame-options": "DENY",
        "referrer-policy": "no-referrer",
        "strict-transport-security": expect.stringContaining("max-age="),
        "content-security-policy": expect.stringMatching(/default-src 'none'; frame-ancestors 'none'/),
        "cache-control": "no-store",
        "x-request-id": expect.stringMatching(/^req_/),
      });
      expect(headers.has("x-powered-by")).toBe(false);
    },
  );

  test("what may be kept by everybody says so", async () => {
    expect((await client.get("/openapi.json")).headers.get("cache-control")).toBe("public, max-age=60");
    expect((await client.get("/docs/swagger-ui.css")).headers.get("cache-control")).toBe("public, max-age=86400");
  });

  test("a request's id is taken over when it can be nothing else", async () => {
    const idOf = async (id: string) =>
      (await client.get("/health/live", { "x-request-id": id })).headers.get("x-request-id");

    expect(await idOf("my-request_01")).toBe("my-request_01");
    for (const id of ["short", "x".repeat(65), "<script>1</script>", "a b c d e f"])
      expect(await idOf(id)).toMatch(/^req_/);
    const { headers } = await client.get("/health/live", { "x-correlation-id": "my-request_02" });
    expect(headers.get("x-request-id")).toMatch(/^req_/);
  });

  test("a trace goes on, and one that is none does not", async () => {
    expect((await client.get("/health/live", { traceparent: trace })).headers.get("traceparent")).toBe(trace);
    expect((await client.get("/health/live", { traceparent: "00-0-0-0" })).headers.has("traceparent")).toBe(false);
  });

  test("a read has an ETag, and 304 when nothing has changed", async () => {
    const first = await client.get("/v1/inventory/MUG");
    const tag = first.headers.get("etag") ?? "";
    const again = await client.get("/v1/inventory/MUG", { "if-none-match": tag });
    const other = await client.get("/v1/inventory/MUG", { "if-none-match": '"other"' });

    expect([again.status, again.text, again.headers.get("etag")]).toEqual([304, "", tag]);
    expect([other.status, other.text]).toEqual([200, first.text]);

    await shop.call("inventory.hold", {
      orderId: "ord_0123456789",
      lines: [{ sku: "MUG", quantity: 1 }],
      expiresAt: new Date(Date.now() + 60_000).toISOString(),
    });
    const later = await client.get("/v1/inventory/MUG", { "if-none-match": tag });
    expect([later.status, later.body.available]).toEqual([200, 4]);
  });

  test("HEAD is answered as GET is, without the body", async () => {
    const head = await fetch(`${shop.url}/v1/inventory/MUG`, { method: "HEAD" });
    const get = await client.get("/v1/inventory/MUG");

    expect([head.status, await head.text()]).toEqual([200, ""]);
    for (const name of ["etag", "content-length", "content-type"])
      expect(head.headers.get(name)).toBe(get.headers.get(name));
    expect((await fetch(`${shop.url}/nothing`, { method: "HEAD" })).status).toBe(404);
  });

  test("the pages of one origin may call, and read what they need", async () => {
    const preflight = await client.send("OPTIONS", "/v1/orders", undefined, {
      origin: shopfront,
      "access-control-request-method": "POST",
      "access-control-request-headers": "idempotency-key",
    });
    const answer = await client.get("/v1/inventory/MUG", { origin: shopfront });
    const refused = await client.get("/nothing", { origin: shopfront });

    expect(preflight.status).toBe(204);
    expect(preflight.headers.get("access-control-allow-origin")).toBe(shopfront);
    expect(preflight.headers.get("access-control-allow-methods")).toContain("POST");
    expect(preflight.headers.get("access-control-allow-headers")).toContain("Idempotency-Key");
    for (const { headers } of [answer, refused]) {
      expect(headers.get("access-control-allow-origin")).toBe(shopfront);
      expect(headers.get("access-control-expose-headers")).toBe("ETag, Idempotent-Replayed, Retry-After, X-Request-Id");
      expect(headers.get("vary")).toBe("Origin");
    }
  });

  test.each(["https://shop.example.com.evil.com", "https://shop", "http://shop.example.com", "null", "*"])(
    "the pages of %s may not",
    async (origin) => {
      const preflight = await client.send("OPTIONS", "/v1/orders", undefined, {
        origin,
        "access-control-request-method": "POST",
      });
      const answer = await client.get("/v1/inventory/MUG", { origin });

      for (const { headers } of [preflight, answer])
        expect([...headers.keys()].filter((name) => name.startsWith("access-control"))).toEqual([]);
    },
  );
});
