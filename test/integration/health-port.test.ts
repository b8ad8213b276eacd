import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openHealth } from "../../health.ts";
import type { ServiceName } from "../../services/contracts.ts";
import { startShop } from "../process.ts";
import { freePort } from "../servers/server.ts";
import { openShop } from "../shop.ts";

describe("a node on its health port", () => {
  /** No gateway, and so not what the description of the API is about. */
  const ask = async (port: number, path: string, method = "GET") =>
    (await fetch(`http://127.0.0.1:${port}${path}`, { method })).status;
  const statusOf = async (port: number) => [await ask(port, "/health/live"), await ask(port, "/health/ready")];
  const openNode = async (services: ServiceName[]) => {
    const shop = await openShop({ services });
    const healthPort = await freePort();
    const server = await openHealth(shop.broker, { ...shop.settings, healthPort });
    const close = async () => {
      server?.closeAllConnections();
      server?.close();
      await shop.close();
    };
    return { shop, healthPort, close };
  };

  test("without a gateway is alive and ready, and has nothing else to say there", async () => {
    const { healthPort, close } = await openNode(["inventory"]);
    expect(await statusOf(healthPort)).toEqual([200, 200]);
    for (const path of ["/", "/metrics", "/health/ready/", "/__proto__", "/v1/products"])
      expect(await ask(healthPort, path)).toBe(404);
    expect(await ask(healthPort, "/health/ready", "POST")).toBe(404);
    await close();
  });

  test("is not ready while one of its services is away", async () => {
    const { shop, healthPort, close } = await openNode(["inventory", "users"]);
    await shop.broker.destroyService("users");
    expect(await statusOf(healthPort)).toEqual([200, 503]);
    await close();
  });

  test("is not ready while its gateway is not", async () => {
    const { shop, healthPort, close } = await openNode(["gateway", "users"]);
    expect(await statusOf(healthPort)).toEqual([200, 200]);
    const gateway = shop.broker.getLocalService("gateway") as unknown as { drain(): Promise<void> };
    await gateway.drain();
    expect(await statusOf(healthPort)).toEqual([200, 503]);
    await close();
  });

  test("alive but no longer ready from the moment on that it stops", async () => {
    const { shop, healthPort, close } = await openNode(["inventory"]);
    let lastDone = () => {};
    const last = new Promise<void>((resolve) => {
      lastDone = resolve;
    });
    shop.broker.createService({ name: "slow", stopped: () => last });
    await shop.broker.waitForServices("slow");
    const stopped = shop.broker.stop();
    expect(await statusOf(healthPort)).toEqual([200, 503]);
    lastDone();
    await stopped;
    await close();
  });

  test("answers as soon as it is started as operators do, and says which port it cannot have", async () => {
    const folder = mkdtempSync(join(tmpdir(), "lonja-health-"));
    const taken = createServer().listen(0, "127.0.0.1");
    await once(taken, "listening");
    const { port } = taken.address() as AddressInfo;
    const refused = await startShop(folder, { HEALTH_PORT: String(port) });
    const healthPort = String(await freePort());
    const shop = await startShop(folder, { HEALTH_PORT: healthPort });
    const answer = await statusOf(Number(healthPort));
    const code = await shop.stop();
    taken.close();
    rmSync(folder, { recursive: true, force: true });

    expect(refused.child.exitCode).toBe(1);
    expect(refused.output()).toMatch(
      new RegExp(`^HOST=127\\.0\\.0\\.1 with HEALTH_PORT=${port} cannot be used: .+\\.\n$`),
    );
    expect([answer, code]).toEqual([[200, 200], 0]);
  });
});
