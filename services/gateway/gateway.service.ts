/*
 * The life of a request, file by file:
 *
 * visit.edge       what is known of a request, and what each step adds to it
 * reception.edge   sees it first: its id, where it comes from, how many are inside
 *   remembered     answers that are known to be still true, and are given again at once
 * router.edge      moleculer-web takes it to its route; routes.ts makes the table of them from the contracts
 * graph/           GraphQL: fields made of the contracts, each of which goes through the door by itself
 * door             the steps that every request goes through, in their order:
 *   rooms            whether there is room for it: at the very first, and again when it is worked on
 *   limits           how many at once, how many a second
 *   bearer.edge      whose token it is
 *   body.edge        the bytes of the body; params makes the action's params of path, query and body
 *   once.edge        the Idempotency-Key; seal.edge hides the answers that are kept for repeats
 * stream.edge      lists that are followed as they grow; follow asks for what comes, questions asks once for many
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
import { pulse } from "../shared/pulse.ts";
import { Refusal } from "../shared/refusal.ts";
import type { ServiceOf } from "../shared/typed.ts";
import { sleep } from "../shared/world.ts";
import { closeBroken } from "./answer.edge.ts";
import { Tokens } from "./bearer.edge.ts";
import { SLOWEST_BODY_MS } from "./body.edge.ts";
import type { House } from "./door.ts";
import type { Graph } from "./graph/graph.edge.ts";
import { lettersOf, ownerOf } from "./letters.ts";
import { Crowd, Limits } from "./limits.ts";
import { type Health, Metrics, type OutboxState, type WebhookState } from "./metrics.edge.ts";
import type { Json } from "./names.ts";
import { type Kept, Once } from "./once.edge.ts";
import { openapi } from "./openapi.ts";
import { pages } from "./pages.edge.ts";
import { isAway, loudnessOf } from "./problem.ts";
import { Reception } from "./reception.edge.ts";
import { Rooms } from "./rooms.ts";
import { type WebRouter, webRouter } from "./router.edge.ts";
import { methods, routesOf, streamsOf } from "./routes.ts";
import { Streams } from "./stream.edge.ts";

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
/** Whoever is signed in as staff waits so long for the news that they still are. */
const STANDING_MS = 1_000;
const MOST_CONNECTIONS = 10_000;
/** Connections that are not taken yet. Those of which the system lost sight would try again after a second or three. */
const MOST_WAITING_CONNECTIONS = 4_096;
const LONGEST_SILENCE_MS = 60_000;
/** A look at who has asked, every so often; when nobody has in so many looks, it is quiet. */
const LOOK_MS = 25;
const QUIET_LOOKS = 10;
/** Turns of the event loop in which nobody connects, after which nobody waits at the door. */
const QUIET_TURNS = 2;
/**
 * How long new clients are taken in once the door closes: in a cluster always, alone where it does not become quiet
 * before. A balancer that looks every second whether a gateway is ready, and believes it the second time, knows by then.
 */
const LAST_CALL_MS = 2_500;
/** On a machine that stalls a balancer looks later as well, but it is not waited for longer than this. */
const LATEST_CALL_MS = 4_000;
/** Then those who wait at the door are taken in, for no longer than this. */
const LONGEST_LULL_MS = 1_000;
/** Longer than a buyer is kept waiting, and shorter than a node has to stop. */
const LONGEST_DRAIN_MS = 8_300;

interface Gateway extends WebRouter {
  answers: Collection<Kept>;
  server: Server;
  crowd: Crowd;
  metrics: Metrics;
  description: Json;
  /** The node has been open: one that is not any more is about to stop. */
  hasOpened: boolean;
  drained: Promise<void> | undefined;
  graph: Promise<Graph> | undefined;

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
  health(): Promise<Health | undefined>;
  webhooks(): Promise<WebhookState | undefined>;
  /**
   * Lets those who are inside finish, and nobody in. Readiness says so first, and each answer that it is the last one
   * of its connection; once it is quiet no new connection is taken; once it is quiet again those that are left are closed.
   * In a cluster the first quiet is no sign, nor is it that nobody is connected: a balancer that has not looked yet may
   * still send somebody.
   */
  drain(): Promise<void>;
  letGuestsOut(): Promise<void>;
  /** Until a balancer has had its time, counted in looks of our own, or it is so late. */
  lastCall(untilMs: number): Promise<void>;
  /** Until nobody has asked for some looks, or nobody is connected, or it is so late. */
  quiet(untilMs: number): Promise<void>;
  /** Until nobody connects, or it is so late: they are taken in one a turn, and who waits when the door closes is reset. */
  lull(untilMs: number): Promise<void>;
  note: House["note"];
}

export default {
  name: "gateway",
  mixins: [
    webRouter([...routes, ...streamsOf(routes)], pages),
    due<Kept, Gateway>("answers", function (kept) {
      return this.answers.remove(kept.id);
    }),
    store({ answers }),
  ],

  actions: {
    live: () => ({ status: "ok" as const }),

    ready() {
      this.hasOpened ||= this.broker.started;
      const isStopping = this.drained !== undefined || (this.hasOpened && !this.broker.started);
      const missing = this.missing().map((path) => ({ path, message: "is away" }));
      const errors = isStopping ? [...missing, { path: "gateway", message: "is stopping" }] : missing;
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
      return lettersOf(others, ctx.params, (service, params) =>
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
        const { oldestAt, ...counts } = await this.broker.call(`${service}.outbox`, {}, { timeout: 1_000 });
        const lagMs = oldestAt ? this.world.now() - Date.parse(oldestAt) : 0;
        return { ...counts, lagSeconds: Math.max(0, lagMs) / 1_000, service };
      });
      return (await Promise.allSettled(asked)).flatMap((one) => (one.status === "fulfilled" ? [one.value] : []));
    },

    async health() {
      const latest = await this.broker.call("doctor.latest", {}, { timeout: 1_000 }).catch(() => null);
      return latest ?? undefined;
    },

    async webhooks() {
      return this.broker.call("notifications.webhookBacklog", {}, { timeout: 1_000 }).catch(() => undefined);
    },

    drain() {
      this.drained ??= this.letGuestsOut();
      return this.drained;
    },

    async letGuestsOut() {
      const { server, reception, world } = this;
      if (!server.listening) return;
      const since = world.now();
      reception.close();
      if (this.shop.transporter) await this.lastCall(since + LATEST_CALL_MS);
      else await this.quiet(since + LAST_CALL_MS);
      await this.lull(world.now() + LONGEST_LULL_MS);
      const closed = once(server, "close");
      // An HTTP server's own close cuts off who is connected and about to ask: here only the listening ends.
      NetServer.prototype.close.call(server);
      await this.quiet(since + LONGEST_DRAIN_MS);
      server.closeAllConnections();
      server.close();
      await closed;
    },

    async lastCall(untilMs) {
      const { world } = this;
      for (let left = LAST_CALL_MS / LOOK_MS; left > 0 && world.now() < untilMs; left--) await sleep(world, LOOK_MS);
    },

    async quiet(untilMs) {
      const { server, reception, crowd, world } = this;
      const connections = promisify(server.getConnections.bind(server));
      let quiet = 0;
      do {
        const { arrived } = reception;
        await sleep(world, LOOK_MS);
        // On a machine that stalls, the timer comes before those who have connected and asked meanwhile.
        for (const _ of ["connected", "asked"]) await new Promise<void>((heard) => world.soon(heard));
        quiet = crowd.size === 0 && reception.arrived === arrived ? quiet + 1 : 0;
      } while (quiet < QUIET_LOOKS && world.now() < untilMs && (await connections()) > 0);
    },

    async lull(untilMs) {
      const { server, world } = this;
      let quiet = 0;
      const newcomer = () => void (quiet = 0);
      server.on("connection", newcomer);
      while (quiet++ < QUIET_TURNS && world.now() < untilMs) await new Promise<void>((heard) => world.soon(heard));
      server.off("connection", newcomer);
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
    this.hasOpened = false;
    this.crowd = new Crowd(settings.rateLimit);
    const surroundings = {
      settings,
      world,
      limits: new Limits(settings.rateLimit, () => world.now()),
      crowd: this.crowd,
      rooms: new Rooms(pulse),
      once: new Once(() => this.answers, world, {
        self: broker.nodeID,
        isThere: (id) => broker.registry.getNodeList({ onlyAvailable: true }).some((node) => node.id === id),
      }),
      tokens: new Tokens({ world, issuer: settings.namespace, fetchKeys: () => broker.call("users.keys", {}) }),
      roleOf: async (id) => (await broker.call("users.standing", { id }, { timeout: STANDING_MS })).role,
      note: (visit, error) => this.note(visit, error),
    } satisfies Omit<House, "streams">;
    const streams = new Streams(surroundings, {
      ended: (why) => this.metrics.streamEnded(why),
      failed: (error) => this.logger.error("Streams could not be looked after:", error.stack),
    });
    const house: House = { ...surroundings, streams };
    this.metrics = new Metrics({
      figures,
      inFlight: () => this.crowd.size,
      streams: () => streams.size,
      outboxes: () => this.outboxes(),
      health: () => this.health(),
      webhooks: () => this.webhooks(),
    });
    this.reception = new Reception({
      house,
      metrics: this.metrics,
      methodsOf: (url) => methods.filter((method) => this.resolveAlias(url, method) !== false),
      openGraph: () => {
        this.graph ??= graphOf(house, (error) => this.logger.error("GraphQL:", error)).catch((error) => {
          this.graph = undefined;
          throw error;
        });
        return this.graph;
      },
    });
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
    this.server.listen({ port: this.shop.port, host: this.shop.host, backlog: MOST_WAITING_CONNECTIONS });
    await once(this.server, "listening");
    this.server.on("error", (error) => this.logger.error("The server failed:", error.message));
  },

  stopped() {
    return this.drain();
  },
} satisfies ServiceOf<"gateway", Gateway>;

/** It takes a fifth of a second and twenty megabytes, so it is there when somebody wants it. */
async function graphOf(house: House, complain: (error: unknown) => void): Promise<Graph> {
  const [{ Graph }, { graphSchema }] = await Promise.all([
    import("./graph/graph.edge.ts"),
    import("./graph/schema.edge.ts"),
  ]);
  return new Graph(graphSchema(routes, map), house, complain);
}

function unlessAway(error: unknown): undefined {
  if (!isAway(error)) throw error;
}
