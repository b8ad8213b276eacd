import { contracts } from "../../services/contracts.ts";
import type { Json } from "../../services/gateway/names.ts";
import { routesOf } from "../../services/gateway/routes.ts";
import type { Contract } from "../../services/shared/contract.ts";
import { adminOf, Client, until } from "../client.ts";
import { describedApi } from "../description.ts";
import { openShop, type Shop } from "../shop.ts";

describe("the reference", () => {
  let shop: Shop;
  let client: Client;

  beforeAll(async () => {
    shop = await openShop({ services: ["gateway"] });
    client = new Client(shop.url);
  });
  afterAll(() => shop.close());

  test("the root shows newcomers where to go", async () => {
    const { body } = await client.get("/");

    for (const path of [body.docs, body.openapi]) expect((await client.get(path)).status).toBe(200);
  });

  test("the description is given whole and can be kept", async () => {
    const { body, headers } = await client.get("/openapi.json");
    const again = await client.get("/openapi.json", { "if-none-match": headers.get("etag") ?? "" });

    expect(body).toMatchObject({ openapi: "3.1.0", info: { title: "Lonja", version: expect.any(String) } });
    expect(body.paths["/v1/orders"].post.operationId).toBe("orders.place");
    expect(again.status).toBe(304);
  });

  test("every answer that a test gets is held to what the shop itself gives as its description", async () => {
    const { body } = await client.get("/openapi.json");
    const { version, ...info } = describedApi.info as Json;

    expect({ ...body, info: { ...body.info, version } }).toEqual({ ...describedApi, info: { ...info, version } });
    const wrong = { status: 200, headers: new Headers(), text: "{}" };
    const asked = { method: "GET", path: "/v1/products" };
    await expect(Client.onReply(asked, { ...wrong, body: {} })).rejects.toThrow(/not answered as .openapi\.json says/);
  });

  test.each([
    ["/docs/", '"/openapi.json"'],
    ["/docs/graphql", '"/graphql"'],
  ])("%s loads nothing from elsewhere, and all that it loads is there and allowed", async (page, asked) => {
    const { text, headers } = await client.get(page);
    const loaded = [...text.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, path = ""]) => path);
    const policy = headers.get("content-security-policy") ?? "";

    expect(loaded.length).toBeGreaterThan(3);
    expect(loaded.every((path) => path.startsWith("/docs/"))).toBe(true);
    for (const path of loaded) expect((await client.get(path)).status).toBe(200);
    expect(text).not.toMatch(/<script>|style=|\son\w+=/);
    expect(policy).toMatch(/script-src 'self'(;|$)/);
    expect((await client.get(loaded.at(-1) ?? "")).text).toContain(asked);
  });

  test("a browser that was led to GraphQL itself is shown where to try it out", async () => {
    const shown = await client.get("/graphql", { accept: "text/html,application/xhtml+xml,*/*;q=0.8" });
    expect(shown.text).toBe((await client.get("/docs/graphql")).text);
  });

  test("types of files are told, so that nothing has to be guessed", async () => {
    const typeOf = async (path: string) => (await client.get(path)).headers.get("content-type");

    expect(await typeOf("/docs")).toBe("text/html; charset=utf-8");
    expect(await typeOf("/docs/swagger-ui.js")).toBe("text/javascript; charset=utf-8");
    expect(await typeOf("/docs/swagger-ui.css")).toBe("text/css; charset=utf-8");
    expect(await typeOf("/docs/favicon.png")).toBe("image/png");
  });
});

test("whoever tries the examples of the reference in a new shop is not disappointed", async () => {
  const shop = await openShop({ env: { DEMO: "on" } });
  const admin = await adminOf(shop.url);
  await until(
    () => admin.get("/v1/inventory/MUG-SALT"),
    ({ status }) => status === 200,
  );
  const statuses: Record<string, number> = {};
  for (const { action, method, path, pathNames, contract } of routesOf(contracts as Record<string, Contract>)) {
    if (!contract.example) continue;
    const body = Object.fromEntries(Object.entries(contract.example).filter(([name]) => !pathNames.includes(name)));
    const filled = path.replace(/:(\w+)/g, (_all, name: string) => String(contract.example?.[name]));
    const headers = method === "POST" ? { "idempotency-key": `try-${action}` } : {};
    statuses[action] = (await admin.send(method, filled, method === "POST" ? body : undefined, headers)).status;
  }
  await shop.close();

  expect(Object.values(statuses).length).toBeGreaterThan(5);
  expect(Object.entries(statuses).filter(([, status]) => status >= 300)).toEqual([]);
});
