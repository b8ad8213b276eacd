import { Client, type Reply } from "../client.ts";
import { sendRaw, statusesOf } from "../raw.ts";
import { openShop, type Shop } from "../shop.ts";

describe("what cannot be answered", () => {
  let shop: Shop;
  let client: Client;

  beforeAll(async () => {
    shop = await openShop({ services: ["gateway", "inventory", "users"] });
    client = new Client(shop.url);
  });
  afterAll(() => shop.close());

  const register = "/v1/auth/register";
  const refresh = "/v1/auth/refresh";
  const withType = (type: string) => ({ "content-type": type });
  const expectProblem = ({ status, headers, body }: Reply, wanted: [number, string]) => {
    expect([status, body?.code]).toEqual(wanted);
    expect(headers.get("content-type")).toBe("application/problem+json");
    expect(body).toMatchObject({ status, type: `/problems/${body.code}`, requestId: headers.get("x-request-id") });
  };

  test.each([
    ["GET", "/nothing"],
    ["GET", "/v1"],
    ["POST", "/v1/inventory/MUG/more"],
    ["GET", "/V1/inventory/MUG"],
    ["GET", "/v1//inventory/MUG"],
    ["GET", "/~node/options"],
    ["GET", "/api/inventory/hold"],
    ["GET", "/inventory/level"],
    ["GET", "/inventory.level"],
    ["POST", "/users/register"],
    ["GET", "/list-aliases"],
    ["GET", "/$node/list"],
    ["GET", "/docs/../package.json"],
    ["GET", "/docs/%2e%2e%2fpackage.json"],
    ["GET", "/docs/swagger-ui.js.map"],
    ["GET", "/v1/inventory/..%2f..%2fetc/passwd"],
  ])("%s %s is not there", async (method, path) => {
    expectProblem(await client.send(method, path), [404, "not_found"]);
  });

  test("another method on a known path is refused, and what it takes is said", async () => {
    const answer = await client.post("/v1/inventory/MUG");

    expectProblem(answer, [405, "method_not_allowed"]);
    expect(answer.headers.get("allow")).toBe("GET, HEAD");
    for (const method of ["PUT", "DELETE", "PATCH", "PROPFIND"])
      expectProblem(await client.send(method, "/v1/inventory/MUG"), [405, "method_not_allowed"]);
  });

  test("OPTIONS names the methods of a path", async () => {
    const { status, headers } = await client.send("OPTIONS", "/v1/me");

    expect([status, headers.get("allow")]).toEqual([204, "GET, HEAD, PATCH"]);
    expectProblem(await client.send("OPTIONS", "/nothing"), [404, "not_found"]);
  });

  test.each(["/v1/inventory/%ff", "/v1/inventory/%", "/v1/inventory/%c3%28", "/v1/inventory/MUG?a=%ff"])(
    "%s is not encoded as it has to be",
    async (path) => {
      expectProblem(await client.get(path), [400, "malformed_request"]);
    },
  );

  test.each([
    "text/plain",
    "application/x-www-form-urlencoded",
    "multipart/form-data; boundary=x",
    "application/json; charset=latin1",
    "application/json; charset=utf-16",
    "application/json; v=2",
    "application/problem+json",
    "application/jsonp",
    "text/json",
    "json",
  ])("a body of %s is not taken", async (type) => {
    expectProblem(await client.post(register, "{}", withType(type)), [415, "unsupported_media_type"]);
  });

  test.each(["application/json", "Application/JSON; charset=UTF-8", 'application/json;charset="utf-8"'])(
    "a body of %s is",
    async (type) => {
      expectProblem(await client.post(register, "{}", withType(type)), [422, "invalid_input"]);
    },
  );

  test("a compressed body is not taken, so no small one becomes a large one", async () => {
    const answer = await client.post(register, "{}", { "content-encoding": "gzip" });

    expectProblem(answer, [415, "unsupported_media_type"]);
  });

  test.each([
    ["{", 400, "malformed_json"],
    ["not json", 400, "malformed_json"],
    ["[".repeat(30_000), 400, "malformed_json"],
    ["[".repeat(30_000) + "]".repeat(30_000), 400, "malformed_json"],
    ["[]", 422, "invalid_input"],
    ["null", 422, "invalid_input"],
    ['"text"', 422, "invalid_input"],
    ['{"email":{"$ne":null},"password":{"$gt":""}}', 422, "invalid_input"],
    ['{"__proto__":{"role":"admin"},"email":"a@b.cd","password":"12345678"}', 422, "invalid_input"],
    ['{"email":"a@b.cd","password":"12345678","role":"admin"}', 422, "invalid_input"],
  ] as const)("%.40s: %d %s", async (body, status, code) => {
    expectProblem(await client.post(register, body, withType("application/json")), [status, code]);
  });

  test("what is wrong is said by its path", async () => {
    const { body } = await client.post(register, { email: "nobody", password: "short", admin: true });

    expect(body.errors.map(({ path }: { path: string }) => path).toSorted()).toEqual(["admin", "email", "password"]);
    expect(body.errors.every(({ message }: { message: string }) => message.length > 0)).toBe(true);
  });

  test("a body that is no UTF-8 is refused", async () => {
    const answer = await fetch(`${shop.url}${register}`, {
      method: "POST",
      headers: withType("application/json"),
      body: Buffer.from([0x7b, 0x22, 0xff, 0xfe, 0x22, 0x7d]),
    });

    expect([answer.status, await answer.json()]).toEqual([400, expect.objectContaining({ code: "malformed_request" })]);
  });

  test("64 KB are taken, more are not, whether the length is told or not", async () => {
    const sized = (bytes: number) => `{"refreshToken":"${"x".repeat(bytes - 19)}"}`;
    const stream = (text: string) =>
      fetch(`${shop.url}${refresh}`, {
        method: "POST",
        headers: withType("application/json"),
        body: new Blob([text]).stream(),
        duplex: "half",
      } as RequestInit);

    expect(sized(65_536)).toHaveLength(65_536);
    expectProblem(await client.post(refresh, sized(65_536), withType("application/json")), [422, "invalid_input"]);
    expectProblem(await client.post(refresh, sized(65_537), withType("application/json")), [413, "body_too_large"]);
    expect((await stream(sized(65_536))).status).toBe(422);
    expect((await stream(sized(65_537))).status).toBe(413);
    expect((await stream(sized(5_000_000))).status).toBe(413);
  });

  test.each(["GET", "HEAD"])("%s has no body", async (method) => {
    const head = `${method} /v1/inventory/MUG HTTP/1.1\r\nHost: x\r\nConnection: close\r\n`;

    expect(statusesOf(await sendRaw(shop.url, `${head}Content-Length: 2\r\n\r\n{}`))).toEqual([400]);
    expect(statusesOf(await sendRaw(shop.url, `${head}Content-Length: 0\r\n\r\n`))).toEqual([404]);
  });

  test("a query is taken once a name, and only where it belongs", async () => {
    expectProblem(await client.get("/.well-known/jwks.json?a=1"), [422, "invalid_input"]);
    expectProblem(await client.get("/v1/inventory/MUG?sku=OTHER"), [422, "invalid_input"]);
    expectProblem(await client.get("/v1/inventory/MUG?a[b]=1&a[b]=2"), [422, "invalid_input"]);
    expectProblem(await client.post(`${refresh}?refreshToken=${"x".repeat(30)}`), [422, "invalid_input"]);
  });

  test("a service that is away is worth another try", async () => {
    const answer = await client.get("/v1/products");

    expectProblem(answer, [503, "unavailable"]);
    expect(answer.headers.get("retry-after")).toBe("1");
    expect(answer.text).not.toMatch(/catalog/);
  });

  test("the codes of problems lead to pages", async () => {
    expect((await client.get("/problems/not_found")).body).toEqual({
      code: "not_found",
      status: 404,
      title: "Not found",
    });
  });
});
