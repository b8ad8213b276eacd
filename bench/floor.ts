import { createServer } from "node:http";
import { fastify } from "fastify";
import { ServiceBroker } from "moleculer";
import ApiGateway from "moleculer-web";

/**
 * A server that answers a tiny JSON and does nothing else: what a request costs before a shop has done anything for it.
 *
 *   node bench/floor.ts <http | fastify | moleculer-web | nats-gateway | nats-action> <port> [NATS url]
 */
const [name = "", port = "0", nats = ""] = process.argv.slice(2);
const hello = { hello: "world" };

const gateway = {
  name: "gateway",
  mixins: [ApiGateway],
  settings: { port: Number(port), ip: "127.0.0.1", routes: [{ path: "/", aliases: { "GET /": "floor.hello" } }] },
};
const action = { name: "floor", actions: { hello: () => hello } };

/** Moleculer as it comes, without logs. */
async function broker(services: object[], transporter?: string): Promise<void> {
  const node = new ServiceBroker({
    nodeID: `${name}-${process.pid}`,
    logger: false,
    ...(transporter ? { transporter: { type: "NATS", options: { url: transporter } } } : {}),
  } as object);
  for (const service of services) node.createService(service as never);
  await node.start();
}

const floors: Record<string, () => Promise<unknown>> = {
  http: async () =>
    createServer((_request, response) => {
      response.setHeader("content-type", "application/json");
      response.end(JSON.stringify(hello));
    }).listen(Number(port), "127.0.0.1"),
  fastify: () => {
    const app = fastify();
    app.get("/", async () => hello);
    return app.listen({ port: Number(port), host: "127.0.0.1" });
  },
  "moleculer-web": () => broker([gateway, action]),
  "nats-gateway": () => broker([gateway], nats),
  "nats-action": () => broker([action], nats),
};

const start = floors[name];
if (!start) throw new Error(`there is no floor "${name}": it is one of ${Object.keys(floors).join(", ")}`);
await start();
