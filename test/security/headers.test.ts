import { adminOf, type Client } from "../client.ts";
import { bodyOf, sendRaw, statusesOf } from "../raw.ts";
import { openTown, type Town } from "./people.ts";
import { nameOf, nobodys, requestTo, routes } from "./samples.ts";

const shopfront = "https://shop.example.com";
const api = "default-src 'none'; frame-ancestors 'none'; base-uri 'none'";
/** On every answer, whatever it is. */
const always = {
  "x-content-type-options": "nosniff",
  "x-frame-options": "DENY",
  "referrer-policy": "no-referrer",
  "strict-transport-security": "max-age=31536000",
  "cross-origin-opener-policy": "same-origin",
  "cache-control": "no-store",
  "content-security-policy": api,
  vary: "Origin",
  "x-request-id": "an id",
  date: "a time",
  connection: "keep-alive",
  "keep-alive": "timeout=65",
};

describe("headers", () => {
  let town: Town;
  let admin: Client;
  beforeAll(async () => {
    town = await openTown({ CORS_ORIGINS: `${shopfront}, https://other.example.com` });
    admin = await adminOf(town.shop.url);
  });
  afterAll(() => town.shop.close());

  /** Those that differ from answer to answer are there or not. */
  const shown = (headers: Headers) => {
    const varying: Record<string, string> = {
      "x-request-id": "an id",
      date: "a time",
      etag: "a tag",
      "content-length": "a length",
    };
    return Object.fromEntries([...headers].map(([name, value]) => [name, varying[name] ?? value]));
  };
  const read = { etag: "a tag", "content-length": "a length" };
  const csp = (more: string) => ({
    "content-security-policy": expect.stringMatching(`^${api.replaceAll("'", ".")}; ${more}`),
  });
  const cached = (seconds: number) => ({ "cache-control": `public, max-age=${seconds}` });

  test.each<[kind: string, path: string, Record<string, unknown>]>([
    ["what belongs to somebody", "/v1/me", { ...read, "content-type": "application/json" }],
    ["what everybody may see", "/v1/products", { ...read, "content-type": "application/json" }],
    ["keys", "/.well-known/jwks.json", { ...read, ...cached(300), "content-type": "application/json" }],
    ["the reference", "/openapi.json", { ...read, ...cached(60), "content-type": "application/json" }],
    [
      "a picture",
      "/v1/pictures/salt-glazed-mug.svg",
      { ...read, ...cached(86_400), "content-type": "image/svg+xml; charset=utf-8" },
    ],
    ["measures", "/metrics", { ...read, "content-type": "text/plain; charset=utf-8" }],
    ["a page", "/docs", { ...read, ...csp("script-src 'self';"), "content-type": "text/html; charset=utf-8" }],
    ["a script", "/docs/init.js", { ...read, "content-type": "text/javascript; charset=utf-8" }],
    ["what is not there", "/nothing", { "content-length": "a length", "content-type": "application/problem+json" }],
    [
      "what is bad input",
      "/v1/orders?limit=0",
      { "content-length": "a length", "content-type": "application/problem+json" },
    ],
  ])("of %s are these and no others", async (_kind, path, more) => {
    expect(shown((await admin.get(path)).headers)).toEqual({ ...always, ...more });
  });

  test("of a page for buyers allow its own script by what is in it, and nobody else's", async () => {
    const { headers, text } = await town.guest.get(`/v1/sandbox/charges/${town.anas.ch}`);
    expect(headers.get("content-security-policy")).toMatch(/script-src 'self' 'sha256-[\w+/]{43}='; /);
    expect(text).not.toMatch(/ on\w+=|javascript:|src="http/);
  });

  test.each(routes.map((route) => [nameOf(route), route] as const))(
    "of %s tell the browser to be careful",
    async (_name, route) => {
      for (const client of [town.guest, admin]) {
        const { path, body, headers } = requestTo(route, nobodys);
        const answer = await client.send(route.method, path, body, headers);
        expect(Object.fromEntries(answer.headers)).toMatchObject({
          ...Object.fromEntries(Object.entries(always).slice(0, 5)),
          "content-security-policy": expect.stringContaining(api),
        });
        for (const name of ["server", "x-powered-by", "set-cookie", "access-control-allow-origin", "location"])
          expect([name, answer.headers.get(name)]).toEqual([name, null]);
        if (!route.rest.cacheSeconds || answer.status >= 400)
          expect(answer.headers.get("cache-control")).toBe("no-store");
      }
    },
  );

  test("of what is no request at all as well", async () => {
    const answer = await sendRaw(town.shop.url, "nonsense\r\n\r\n");
    for (const [name, value] of Object.entries(always).slice(0, 7))
      expect(answer).toContain(`\r\n${name}: ${value}\r\n`);
  });

  const foreign = [
    ...[
      "https://shop.example.com.evil.com",
      "https://evil.com/https://shop.example.com",
      "http://shop.example.com",
      "null",
      "*",
    ],
    ...[
      "https://shop.example.com:443",
      "https://shop.example.com/",
      "https://SHOP.example.com",
      "https://shop.example.co",
      "",
    ],
    ...[
      "https://shop.example.com, https://other.example.com",
      "https://xshop.example.com",
      "https://sub.shop.example.com",
      "file://",
    ],
    ...[
      "https://shop.example.com@evil.com",
      "https://shop.example.com%00",
      "https://shop-example.com",
      "https://shop.example.com ",
    ],
  ];
  test("let the pages of two origins in, and of none that only looks like one of them", async () => {
    const allowed = async (origin: string) => {
      const raw = `GET /v1/products HTTP/1.1\r\nHost: x\r\nOrigin: ${origin}\r\nConnection: close\r\n\r\n`;
      return /^access-control-allow-origin: (.*)$/im.exec(await sendRaw(town.shop.url, raw))?.[1]?.trim() ?? null;
    };
    expect(await allowed(shopfront)).toBe(shopfront);
    expect(await allowed("https://other.example.com")).toBe("https://other.example.com");
    // A space at a header's end is none of its value.
    for (const origin of foreign.filter((one) => one.trim() !== shopfront))
      expect([origin, await allowed(origin)]).toEqual([origin, null]);
  });

  test("never let a page send what belongs to a browser: no cookies, no credentials", async () => {
    const preflight = await town.guest.send("OPTIONS", "/v1/orders", undefined, {
      origin: shopfront,
      "access-control-request-method": "POST",
    });
    for (const { headers } of [preflight, await town.guest.get("/v1/products", { origin: shopfront })])
      expect(headers.get("access-control-allow-credentials")).toBeNull();
  });

  test("a browser cannot be made to order by a form: what needs no leave of it is refused", async () => {
    const order = JSON.parse(
      requestTo(routes.find((route) => nameOf(route) === "POST /v1/orders") ?? (routes[0] as never)).body ?? "{}",
    );
    for (const type of ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", ""]) {
      const { status } = await town.guest.post("/v1/orders", JSON.stringify(order), {
        "content-type": type,
        "idempotency-key": "form",
      });
      expect([type, status]).toEqual([type, 415]);
    }
    for (const route of routes.filter(({ method }) => method === "GET"))
      expect([nameOf(route), /login|logout|cancel|confirm|refund|capture|replay/.test(route.path)]).toEqual([
        nameOf(route),
        false,
      ]);
  });

  test.each(["evil.example.com", "127.0.0.1:1", "shop\t.example.com", "a".repeat(2_000), "", "[::1", "x@y"])(
    "the host %j that a client names comes back in no answer",
    async (host) => {
      for (const path of ["/", "/docs", "/v1/products", "/nothing", `/v1/sandbox/charges/${town.anas.ch}`]) {
        const answer = await sendRaw(
          town.shop.url,
          `GET ${path} HTTP/1.1\r\nHost: ${host}\r\nX-Forwarded-Host: evil.example.com\r\nConnection: close\r\n\r\n`,
        );
        expect(answer).not.toMatch(/evil\.example\.com|127\.0\.0\.1:1\b|aaaaaaaaaa/);
        expect([200, 400, 404]).toContain(statusesOf(answer)[0]);
      }
    },
  );

  test.each<[what: string, bytes: string]>([
    [
      "a length beside chunks",
      "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n",
    ],
    [
      "chunks beside a length",
      "Transfer-Encoding: chunked\r\nContent-Length: 40\r\n\r\n0\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n",
    ],
    ["two lengths", "Content-Length: 0\r\nContent-Length: 40\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n"],
    ["a list of lengths", "Content-Length: 0, 40\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n"],
    ["a length with a sign", "Content-Length: +4\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n"],
    [
      "an encoding that nobody knows",
      "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n",
    ],
    [
      "an encoding with a space before the colon",
      "Transfer-Encoding : chunked\r\n\r\n0\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n",
    ],
    [
      "two encodings",
      "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n",
    ],
    [
      "an encoding on a second line",
      "Transfer-Encoding:\r\n chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n",
    ],
    [
      "a chunk with a size that overflows",
      "Transfer-Encoding: chunked\r\n\r\nffffffffffffffff1\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n",
    ],
    [
      "a chunk whose size is a word",
      "Transfer-Encoding: chunked\r\n\r\nzero\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n",
    ],
    ["lines that end otherwise", "Content-Length: 0\rX: y\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n"],
  ])("%s: no second request is smuggled in behind the first", async (_what, bytes) => {
    const answer = await sendRaw(
      town.shop.url,
      `POST /v1/auth/logout HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n${bytes}`,
    );
    expect(statusesOf(answer)).toEqual([400]);
    expect(bodyOf(answer).code).toBe("malformed_request");
  });
});
