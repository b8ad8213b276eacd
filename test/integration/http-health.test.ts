import { Agent, request, type Server } from "node:http";
import type { Socket } from "node:net";
import type { ServiceSchema } from "moleculer";
import type { Reception } from "../../services/gateway/reception.edge.ts";
import { Client, until } from "../client.ts";
import { openShop } from "../shop.ts";

interface Gateway {
  reception: Reception;
  server: Server;
}

describe("health", () => {
  test("alive at once, ready when every service that this node is to run is there", async () => {
    const shop = await openShop({ services: ["gateway", "inventory", "users"] });
    const client = new Client(shop.url);
    const ready = await client.get("/health/ready");
    await shop.broker.destroyService("inventory");
    const [live, unready] = [await client.get("/health/live"), await client.get("/health/ready")];
    await shop.close();

    expect(ready.body).toEqual({ status: "ok", services: { inventory: "up", users: "up" } });
    expect(live.body).toEqual({ status: "ok" });
    expect([unready.status, unready.headers.get("retry-after")]).toEqual([503, "1"]);
    expect(unready.body.errors).toEqual([{ path: "inventory", message: "is away" }]);
  });

  test("however often somebody has asked in vain, it is ready as soon as it is", async () => {
    const shop = await openShop({ services: ["gateway", "inventory"] });
    const client = new Client(shop.url);
    await shop.broker.destroyService("inventory");
    const asked = await Promise.all(Array.from({ length: 50 }, () => client.get("/health/ready")));
    const { default: inventory } = await import("../../services/inventory/inventory.service.ts");
    shop.broker.createService(inventory as unknown as ServiceSchema);
    await shop.broker.waitForServices("inventory");
    const ready = await client.get("/health/ready");
    await shop.close();

    expect(asked.every(({ body }) => body.errors[0].path === "inventory")).toBe(true);
    expect(ready.status).toBe(200);
  });

  test("metrics count requests by route, never by address", async () => {
    const shop = await openShop({ services: ["gateway", "inventory"] });
    const client = new Client(shop.url);
    for (let n = 0; n < 30; n++) await client.get(`/v1/inventory/SKU-${n}`);
    for (let n = 0; n < 30; n++) await client.get(`/secret-${n}`);
    await client.send("PROPFIND", "/v1/inventory/MUG");
    const { text, headers } = await client.get("/metrics");
    await shop.close();

    expect(headers.get("content-type")).toBe("text/plain; charset=utf-8");
    expect(text).toContain('http_requests_total{method="GET",route="/v1/inventory/:sku",status="404"} 30');
    expect(text).toContain('http_requests_total{method="GET",route="unknown",status="404"} 30');
    expect(text).toContain('http_requests_total{method="other",route="unknown",status="405"} 1');
    expect(text).toContain('http_request_duration_seconds_count{method="GET",route="/v1/inventory/:sku"} 30');
    expect(text).toContain("http_requests_in_flight 1");
    expect(text).toContain('lonja_outbox_waiting{service="inventory"} 0');
    expect(text).toContain('lonja_outbox_lag_seconds{service="inventory"} 0');
    expect(text).toContain('lonja_dead_letters{service="inventory"} 0');
    expect(text).toMatch(/^lonja_calls_total \d+$/m);
    expect(text).toMatch(/^process_cpu_seconds_total [\d.e-]+$/m);
    expect(text).not.toMatch(/SKU-|secret/);
  });
});

describe("stopping", () => {
  const get = (url: string, path: string, agent: Agent) =>
    new Promise<{ status: number | undefined; connection: string | undefined }>((resolve, reject) => {
      request(`${url}${path}`, { agent }, (answer) => {
        answer.resume();
        answer.on("end", () => resolve({ status: answer.statusCode, connection: answer.headers.connection }));
      })
        .on("error", reject)
        .end();
    });

  test("nobody who was let in is cut off, however busy it is; nobody is heard without an answer", async () => {
    const shop = await openShop({ services: ["gateway", "inventory"] });
    const { reception, server } = shop.broker.getLocalService("gateway") as unknown as Gateway;
    const letIn: Socket[] = [];
    server.on("connection", (socket) => letIn.push(socket));
    const agent = new Agent({ keepAlive: true, maxSockets: 16 });
    let answers = 0;
    const askOnAndOn = async () => {
      for (;;) {
        const outcome = await get(shop.url, "/v1/inventory/MUG", agent).catch(({ code }) => ({ status: code }));
        if (outcome.status !== 404) return outcome.status;
        answers++;
      }
    };
    const clients = Array.from({ length: 16 }, askOnAndOn);
    await until(
      async () => answers,
      (some) => some > 100,
    );
    await shop.broker.stop();
    const last = await Promise.all(clients);
    agent.destroy();

    // Whoever the system has connected while the door was closing is reset by it, and has not been heard.
    for (const code of last) expect(["ECONNREFUSED", "ECONNRESET"]).toContain(code);
    expect(answers).toBe(reception.arrived);
    expect(letIn.filter(({ bytesWritten }) => bytesWritten === 0)).toEqual([]);
  });

  test("who is inside is answered, who is connected is told, and then the door is shut", async () => {
    const shop = await openShop({ services: ["gateway", "inventory", "users"] });
    const agent = new Agent({ keepAlive: true });
    const slow = new Client(shop.url).post("/v1/auth/register", {
      email: "ada@example.com",
      password: "seven salty sardines",
    });
    expect((await get(shop.url, "/health/live", agent)).connection).toBe("keep-alive");

    const stopped = shop.broker.stop();
    const last = await until(
      () => get(shop.url, "/health/ready", agent),
      ({ connection }) => connection === "close",
    );
    await stopped;

    expect(last).toEqual({ status: 503, connection: "close" });
    expect((await slow).status).toBe(201);
    await expect(get(shop.url, "/health/live", agent)).rejects.toThrow(/ECONNREFUSED/);
    agent.destroy();
  });
});
