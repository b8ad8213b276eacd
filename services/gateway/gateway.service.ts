/*
 * The life of a request, file by file:
 *
 * visit.edge       what is known of a request, and what each step adds to it
 * reception.edge   sees it first: its id, where it comes from, how many are inside
 * router.edge      moleculer-web takes it to its route; routes.ts makes the table of them from the contracts
 * door             the steps that every request goes through, in their order:
 *   limits           how many at once, how many a second
 *   bearer.edge      whose token it is
 *   body.edge        the bytes of the body; params makes the action's params of path, query and body
 *   once.edge        the Idempotency-Key; seal.edge hides the answers that are kept for repeats
 * problem          what a refusal looks like, and what is said of a failure: nothing
 * answer.edge      what a result looks like; headers, CORS, ETag, and off it goes
 *
 * Beside that: pages.edge (what the gateway shows itself, such as /docs), openapi (the description, derived
 * from the contracts), metrics.edge, and letters (the dead letters of all services as one list).
 */

import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { createRequire } from "node:module";
import { Server as NetServer } from "node:net";
import { promisify } from "node:util";
import { due } from "../../mixins/due.mixin.ts";
import { type Collection, collectionOptions, store } from "../../mixins/store.mixin.ts";
import { contracts, type ServiceName } from "../contracts.ts";
import type { Contract } from "../shared/contract.ts";
import { Refusal } from "../shared/refusal.ts";
import type { ServiceOf } from "../shared/typed.ts";
import { sleep } from "../shared/world.ts";
import { closeBroken } from "./answer.edge.ts";
import { Tokens } from "./bearer.edge.ts";
import { SLOWEST_BODY_MS } from "./body.edge.ts";
import type { House } from "./door.ts";
import { lettersOf, ownerOf } from "./letters.ts";
import { Crowd, Limits } from "./limits.ts";
import { Metrics, type OutboxState } from "./metrics.edge.ts";
import { type Kept, Once } from "./once.edge.ts";
import { type Json, openapi } from "./openapi.ts";
import { pages } from "./pages.edge.ts";
import { isAway, loudnessOf } from "./problem.ts";
import { Reception } from "./reception.edge.ts";
import { type WebRouter, webRouter } from "./router.edge.ts";
import { methods, routesOf } from "./routes.ts";

const answers = collectionOptions<Kept>({ fields: ["dueAt"], indexes: [["dueAt"]] });

const map: Readonly<Record<string, Contract>> = contracts;
const routes = routesOf(map);
const { version } = createRequire(import.meta.url)("../../package.json") as { version: string };
const others = (Object.keys(contracts) as ServiceName[]).filter((name) => name !== "gateway");

/** Node's own limits: a connection that has not said what it wants by then is cut off. Hosts are looked at by us. */
const serverLimits = {
  maxHeaderSize: 16 * 1024,
  headersTimeout: 10_000,
  requestTimeout: SLOWEST_BODY_MS,
  connectionsCheckingInterval: 1_000,
  keepAliveTimeout: 65_000,
  requireHostHeader: false,
};
const MOST_CONNECTIONS = 10_000;
const LONGEST_SILENCE_MS = 60_000;
/** How long clients that are connected have to hear that the door closes, and then to ask for the last time. */
const LAST_CALL_MS = 250;
/** With all else that a node has to end it stays below ten seconds, after which nobody has patience. An order takes eight. */
const LONGEST_DRAIN_MS = 8_500;

interface Gateway extends WebRouter {
  answers: Collection<Kept>;
  server: Server;
  crowd: Crowd;
  metrics: Metrics;
  description: Json;
  drained: Promise<void> | undefined;

  /** The services that were there before, here or on another node. */
  met: Set<ServiceName>;

  /** The services that requests are for: all of them in a cluster, those of this node where there is none. */
  needed(): ServiceName[];
  /**
   * The services without which nobody is to come in. In a cluster one that goes away takes only its own
   * requests with it, and all at once are away for a gateway that is cut off.
   */
  missing(): ServiceName[];
  isUp(service: ServiceName): boolean;
  outboxes(): Promise<OutboxState[]>;
  /**
   * Lets those who are inside finish, and nobody in. Readiness says so first; then no new connection is
   * taken; then those that there are hear, with their next answer, that it is the last one.
   */
  drain(): Promise<void>;
  letGuestsOut(): Promise<void>;
  note: House["note"];
}

export default {
  name: "gateway",
  mixins: [
    webRouter(routes, pages),
    due<Kept, Gateway>("answers", function (kept) {
      return this.answers.remove(kept.id);
    }),
    store({ answers }),
  ],

  actions: {
    live: () => ({ status: "ok" as const }),

    ready() {
      const missing = this.missing().map((path) => ({ path, message: "is away" }));
      const errors = this.drained ? [...missing, { path: "gateway", message: "is stopping" }] : missing;
      if (errors.length) throw new Refusal("unavailable", undefined, { errors, retryAfterSeconds: 1 });
      const states = this.needed().map((name) => [name, this.isUp(name) ? "up" : "away"] as const);
      return { status: "ok" as const, services: Object.fromEntries(states) };
    },

    metrics() {
      return this.metrics.text();
    },

    openapi() {
      return this.description;
    },

    deadLetters(ctx) {
      const { limit = 20, cursor } = ctx.params;
      return lettersOf(others, { limit, cursor }, (service, params) =>
        ctx.call(`${service as ServiceName}.deadLetters`, params).catch(unlessAway),
      );
    },

    async replay(ctx) {
      const owner = others.find((name) => name === ownerOf(ctx.params.id));
      if (!owner) throw new Refusal("not_found", "There is no such dead letter.");
      return ctx.call(`${owner}.replay`, ctx.params);
    },
  },

  methods: {
    needed() {
      return this.shop.transporter ? others : others.filter((name) => this.shop.services.includes(name));
    },

    missing() {
      const needed = this.needed();
      const away = needed.filter((name) => !this.isUp(name));
      for (const name of needed) if (!away.includes(name)) this.met.add(name);
      if (!this.shop.transporter || away.length === needed.length) return away;
      return away.filter((name) => !this.met.has(name));
    },

    isUp(service) {
      return this.broker.registry.getServiceList({ onlyAvailable: true }).some(({ name }) => name === service);
    },

    async outboxes() {
      const asked = others.map(async (service) => {
        const state = await this.broker.call(`${service}.outbox`, {}, { timeout: 1_000 });
        return { ...state, service };
      });
      return (await Promise.allSettled(asked)).flatMap((one) => (one.status === "fulfilled" ? [one.value] : []));
    },

    drain() {
      this.drained ??= this.letGuestsOut();
      return this.drained;
    },

    async letGuestsOut() {
      const { server, reception, crowd, world } = this;
      if (!server.listening) return;
      const lastCall = async () => {
        if ((await promisify(server.getConnections.bind(server))()) > 0) await sleep(world, LAST_CALL_MS);
      };
      await lastCall();
      const closed = once(server, "close");
      // An HTTP server's own close cuts off who is connected and about to ask: here only the listening ends.
      NetServer.prototype.close.call(server);
      reception.close();
      await lastCall();
      const until = world.now() + LONGEST_DRAIN_MS;
      while (crowd.size > 0 && world.now() < until) await sleep(world, 20);
      server.closeAllConnections();
      server.close();
      await closed;
    },

    note({ requestId, request, label }, error) {
      const loudness = loudnessOf(error);
      const { stack, message } = error instanceof Error ? error : new Error(String(error));
      this.logger[loudness](`${requestId} ${request.method} ${label}:`, loudness === "error" ? stack : message);
    },
  },

  created() {
    const { world, shop: settings, figures, broker } = this;
    this.met = new Set();
    this.crowd = new Crowd(settings.rateLimit);
    const house: House = {
      settings,
      world,
      limits: new Limits(settings.rateLimit, () => world.now()),
      crowd: this.crowd,
      once: new Once(() => this.answers, world, {
        self: broker.nodeID,
        isThere: (id) => broker.registry.getNodeList({ onlyAvailable: true }).some((node) => node.id === id),
      }),
      tokens: new Tokens({ world, issuer: settings.namespace, fetchKeys: () => broker.call("users.keys", {}) }),
      note: (visit, error) => this.note(visit, error),
    };
    this.metrics = new Metrics({ figures, inFlight: () => this.crowd.size, outboxes: () => this.outboxes() });
    this.reception = new Reception(house, this.metrics, (url) =>
      methods.filter((method) => this.resolveAlias(url, method) !== false),
    );
    this.description = openapi(map, routes, version);

    const handle = (request: IncomingMessage, response: ServerResponse) => {
      if (this.reception.arrive(request, response)) this.httpHandler(request, response);
    };
    this.server = createServer(serverLimits, handle)
      .on("checkExpectation", handle)
      .on("clientError", (error, socket) => closeBroken(error, socket, world.id("req")))
      .setTimeout(LONGEST_SILENCE_MS);
    this.server.maxConnections = MOST_CONNECTIONS;
  },

  async started() {
    this.server.listen(this.shop.port, this.shop.host);
    await once(this.server, "listening");
    this.server.on("error", (error) => this.logger.error("The server failed:", error.message));
  },

  stopped() {
    return this.drain();
  },
} satisfies ServiceOf<"gateway", Gateway>;

function unlessAway(error: unknown): undefined {
  if (!isAway(error)) throw error;
}
