import { realWorld, type World } from "../../services/shared/world.ts";
import { bodyOf, sendRaw, statusesOf } from "../raw.ts";
import { openShop, type Shop } from "../shop.ts";

/** Time-outs of many seconds come at once. */
const hasty: World = { ...realWorld, after: (ms, then) => realWorld.after(ms >= 10_000 ? 50 : ms, then) };

describe("bytes that are no request", () => {
  let shop: Shop;

  beforeAll(async () => {
    shop = await openShop({ services: ["gateway", "inventory"], world: hasty });
  });
  afterAll(() => shop.close());

  const stillAnswers = async () => expect((await fetch(`${shop.url}/health/live`)).status).toBe(200);
  const post = (lines: string, body = "") =>
    `POST /v1/auth/login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n${lines}\r\n\r\n${body}`;

  test.each<[string, string | Buffer]>([
    ["nonsense", "nonsense\r\n\r\n"],
    ["nothing but zeros", Buffer.alloc(64)],
    ["a greeting of TLS", Buffer.from("16030100a5010000a10303", "hex")],
    ["another version", "GET / HTTP/9.9\r\nHost: x\r\n\r\n"],
    ["an unknown method", "STEAL /v1/orders HTTP/1.1\r\nHost: x\r\n\r\n"],
    ["a header without a name", "GET / HTTP/1.1\r\nHost: x\r\n: y\r\n\r\n"],
    ["a space before the colon", "GET / HTTP/1.1\r\nHost : x\r\n\r\n"],
    ["a header with a zero in it", "GET / HTTP/1.1\r\nHost: x\r\nA: b\0c\r\n\r\n"],
    ["a length that is no number", post("Content-Length: ten")],
    ["a negative length", post("Content-Length: -1")],
    ["two lengths", post("Content-Length: 2\r\nContent-Length: 3", "{}")],
    ["a length beside chunks", post("Content-Length: 2\r\nTransfer-Encoding: chunked", "0\r\n\r\n")],
    ["chunks that are none", post("Transfer-Encoding: chunked", "zz\r\n")],
    ["a folded header", "GET / HTTP/1.1\r\nHost: x\r\nA: b\r\n c\r\n\r\n\0"],
  ])("%s: 400, and the connection ends", async (_what, bytes) => {
    const answer = await sendRaw(shop.url, bytes);

    expect(statusesOf(answer).at(-1)).toBe(400);
    expect(answer).toMatch(/connection: close/i);
    expect(answer).toMatch(/"code":"malformed_request"/);
    await stillAnswers();
  });

  test("a request without a Host is refused as one", async () => {
    const answer = await sendRaw(shop.url, "GET /health/live HTTP/1.1\r\nConnection: close\r\n\r\n");

    expect(statusesOf(answer)).toEqual([400]);
    expect(bodyOf(answer)).toMatchObject({ code: "malformed_request" });
  });

  test("more than 16 KB of headers are too many", async () => {
    for (const header of [`A: ${"x".repeat(20_000)}`, `Cookie: ${"a=b; ".repeat(4_000)}`]) {
      const answer = await sendRaw(shop.url, `GET / HTTP/1.1\r\nHost: x\r\n${header}\r\n\r\n`);
      expect(statusesOf(answer)).toEqual([431]);
      expect(bodyOf(answer)).toMatchObject({ code: "headers_too_large", status: 431 });
    }
    const long = await sendRaw(shop.url, `GET /${"x".repeat(20_000)} HTTP/1.1\r\nHost: x\r\n\r\n`);
    expect(statusesOf(long)).toEqual([431]);
  });

  test("a body that stops arriving is not waited for for ever", async () => {
    const answer = await sendRaw(shop.url, post("Content-Length: 100", '{"email":'));

    expect(statusesOf(answer)).toEqual([408]);
    expect(bodyOf(answer)).toMatchObject({ code: "request_timeout" });
    expect(answer).toMatch(/connection: close/i);
  });

  test("a client that hangs up in the middle harms nobody", async () => {
    const { connect } = await import("node:net");
    const { port } = new URL(shop.url);
    await Promise.all(
      Array.from(
        { length: 50 },
        (_, n) =>
          new Promise<void>((resolve) => {
            const socket = connect(Number(port), "127.0.0.1", () => {
              socket.write(post("Content-Length: 100", "{".repeat(n)), () => socket.resetAndDestroy());
            });
            socket.on("error", () => {});
            socket.on("close", () => resolve());
          }),
      ),
    );
    await stillAnswers();
  });

  test("requests that are sent at once are answered in their order", async () => {
    const get = (path: string, more = "") => `GET ${path} HTTP/1.1\r\nHost: x\r\n${more}\r\n`;
    const answer = await sendRaw(
      shop.url,
      get("/health/live") + get("/v1/inventory/MUG") + get("/nothing?") + get("/docs/init.js", "Connection: close\r\n"),
    );

    expect(statusesOf(answer)).toEqual([200, 404, 404, 200]);
  });

  test.each([
    "TRACE / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
    "GET http://evil.example/ HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
    "OPTIONS * HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
  ])("%j is refused", async (bytes) => {
    const [status] = statusesOf(await sendRaw(shop.url, bytes));
    expect([404, 405]).toContain(status);
  });

  test("whoever expects a word before sending is answered, and an unknown wish is let be", async () => {
    const body = '{"refreshToken":"x"}';
    const sent = (expects: string) =>
      sendRaw(
        shop.url,
        `POST /v1/auth/refresh HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\nExpect: ${expects}\r\n\r\n${body}`,
      );

    expect(statusesOf(await sent("100-continue")).at(-1)).toBe(503);
    expect(statusesOf(await sent("a-miracle")).at(-1)).toBe(503);
  });

  test("CONNECT and upgrades lead nowhere", async () => {
    expect(await sendRaw(shop.url, "CONNECT evil.example:443 HTTP/1.1\r\nHost: x\r\n\r\n")).toBe("");
    const upgraded = await sendRaw(
      shop.url,
      "GET /health/live HTTP/1.1\r\nHost: x\r\nConnection: upgrade, close\r\nUpgrade: websocket\r\n\r\n",
    );
    expect(statusesOf(upgraded)).toEqual([200]);
  });
});
