import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { ServiceBroker } from "moleculer";
import { contracts, type ServiceName } from "./services/contracts.ts";
import type { Settings } from "./services/shared/settings.ts";

/**
 * How whoever runs containers learns how this node is, on a port of its own: a node without a gateway has no
 * other. `/health/live` says that it answers, `/health/ready` that it is to be counted on: not while it starts
 * or stops, nor while it is cut off from all the others. A gateway is ready when its own door is.
 */
export async function openHealth(broker: ServiceBroker, settings: Settings): Promise<Server | undefined> {
  const { healthPort, host } = settings;
  if (healthPort === 0) return undefined;
  const isReady = readinessOf(broker, settings);
  const server = createServer(async ({ method, url }, response) => {
    const answers: Record<string, () => boolean | Promise<boolean>> = {
      "/health/live": () => true,
      "/health/ready": isReady,
    };
    const answer = method === "GET" || method === "HEAD" ? answers[url ?? ""] : undefined;
    const [status, word] = !answer ? [404, "unknown"] : (await answer()) ? [200, "ok"] : [503, "unavailable"];
    response.writeHead(status, { "content-type": "application/json", "cache-control": "no-store" });
    response.end(JSON.stringify({ status: word }));
  });
  server.listen(healthPort, host);
  await once(server, "listening");
  // A node lives for its services, not for being asked how it is.
  return server.unref();
}

function readinessOf(broker: ServiceBroker, { services, transporter }: Settings): () => Promise<boolean> {
  const elsewhere = (Object.keys(contracts) as ServiceName[]).filter((name) => !services.includes(name));
  let hasMetOthers = false;
  const isCutOff = (there: Set<string>) => {
    const seesOthers = elsewhere.some((name) => there.has(name));
    hasMetOthers ||= seesOthers;
    return hasMetOthers && !seesOthers;
  };
  return async () => {
    if (!broker.started || broker.stopping) return false;
    const there = new Set(broker.registry.getServiceList({ onlyAvailable: true }).map(({ name }) => name));
    if (!services.every((name) => there.has(name))) return false;
    // Not every transporter says that its server has gone, but then nobody is heard of any more.
    if (transporter && (!broker.transit?.connected || isCutOff(there))) return false;
    const isOpen = () =>
      broker.call("gateway.ready").then(
        () => true,
        () => false,
      );
    return !services.includes("gateway") || isOpen();
  };
}
