import type { IncomingMessage, ServerResponse } from "node:http";
import { isIP } from "node:net";
import { networkOf } from "../shared/address.ts";
import { Refusal } from "../shared/refusal.ts";
import { optionsAnswer, send, sendHead } from "./answer.edge.ts";
import { readBody } from "./body.edge.ts";
import { attend, type House, refused } from "./door.ts";
import type { Graph } from "./graph/graph.edge.ts";
import type { Metrics } from "./metrics.edge.ts";
import { explorerPage, type Page, pageAnswer } from "./pages.edge.ts";
import { type Answer, problem } from "./problem.ts";
import { Memory } from "./remembered.ts";
import { noRoom } from "./rooms.ts";
import type { Route } from "./routes.ts";
import type { Stream } from "./stream.edge.ts";
import type { Guest, Routed, Visit } from "./visit.edge.ts";

/** Where a request may go. */
export interface Ways {
  house: House;
  metrics: Metrics;
  /** The methods that a path understands. */
  methodsOf(url: string): string[];
  openGraph(): Promise<Graph>;
}

const countedMethods = new Set(["GET", "HEAD", "POST", "PATCH", "DELETE", "OPTIONS"]);
const personal = ["authorization", "x-guest-token", "if-match", "content-length", "transfer-encoding"];
/** In metrics, of a request whose client did not wait for the answer. */
const LEFT_EARLY = 499;
/** Those who are turned away are told different times, so that they do not all come again at once. */
const turnedAway = [1, 2, 3].map(noRoom);

/** Sees every request first and last: gives it its identity, and sends exactly one answer. */
export class Reception {
  readonly #house: House;
  readonly #metrics: Metrics;
  readonly #methodsOf: Ways["methodsOf"];
  readonly #openGraph: Ways["openGraph"];
  readonly #pages = new Map<Page, Answer>();
  readonly #visits = new Map<IncomingMessage, Visit>();
  readonly #memory = new Memory();
  #isClosing = false;
  /** Requests so far, but for those that ask how the shop is. */
  arrived = 0;

  constructor({ house, metrics, methodsOf, openGraph }: Ways) {
    this.#house = house;
    this.#metrics = metrics;
    this.#methodsOf = methodsOf;
    this.#openGraph = openGraph;
  }

  /** From now on every answer is the last one of its connection. */
  close(): void {
    this.#isClosing = true;
    this.#house.streams.close();
  }

  /** Whether the request is to be routed; otherwise it is answered already. */
  arrive(request: IncomingMessage, response: ServerResponse): boolean {
    const visit = this.#visit(request, response);
    if (visit.room) this.arrived++;
    if (this.#isTurnedAway(visit)) return false;
    this.#visits.set(request, visit);
    this.#house.crowd.enter(visit.network);
    response.once("close", () => this.#leave(visit));
    // The router would take these for the id of its context, whatever they hold.
    request.headers["x-request-id"] = visit.requestId;
    delete request.headers["x-correlation-id"];

    if (request.httpVersion === "1.1" && request.headers.host === undefined)
      this.fail(request, new Refusal("malformed_request", "There is no Host header."));
    else if (request.method === "OPTIONS") this.goAstray(request);
    else if (asksForAnybody(request)) this.#answerFromMemory(visit);
    return !response.headersSent;
  }

  async serve(request: Routed, route: Route): Promise<void> {
    const visit = this.#visits.get(request);
    if (!visit) return;
    visit.label = route.path;
    const guest: Guest = Object.assign(visit, {
      route,
      path: request.$params.params ?? {},
      key: request.headers["idempotency-key"],
      call: (params: unknown, options: object) => request.$ctx.call(route.action, params, options),
      query: [],
      params: {},
    });
    const answer = await attend(guest, this.#house);
    if (answer.follows) return this.#follow(answer, answer.follows);
    this.#answer(guest, answer);
    const { of: result } = answer;
    if (result && asksForAnybody(request)) this.#memory.put(request.url ?? "/", { route, result, answer });
  }

  /** With the head of its answer a stream is no request any more that somebody works on. */
  async #follow(answer: Answer, stream: Stream): Promise<void> {
    const { guest, stop } = stream;
    const { settings, streams } = this.#house;
    if (guest.response.destroyed) return stop.abort();
    sendHead(guest, answer, settings.corsOrigins);
    this.#leave(guest);
    if (guest.request.method === "HEAD") guest.response.end();
    else await streams.carry(stream);
  }

  /** The other door to the same actions. What it takes to open it is loaded when the first one comes. */
  async serveGraph(request: Routed): Promise<void> {
    const visit = this.#visits.get(request);
    if (!visit) return;
    const { crowd, limits } = this.#house;
    visit.label = "/graphql";
    if (isForReaders(request)) return this.show(request, explorerPage);
    crowd.refuse(visit.network);
    limits.hold({ method: "POST", path: visit.label }, visit);
    const answer = await this.#askGraph(request, visit);
    if (answer.follows) return this.#follow(answer, answer.follows);
    this.#answer(visit, answer);
  }

  async #askGraph(request: Routed, visit: Visit): Promise<Answer> {
    const { rooms, world } = this.#house;
    const body = request.method === "POST" ? await readBody(request, "application/json", world) : "";
    const { room } = visit;
    if (room) rooms.enter(room);
    try {
      return await (await this.#openGraph()).answer(request, visit, body);
    } finally {
      if (room) rooms.leave(room);
    }
  }

  async show(request: IncomingMessage, page: Page): Promise<void> {
    const visit = this.#visits.get(request);
    if (!visit) return;
    visit.label = page.path;
    this.#house.limits.hold({ method: "GET", path: page.path }, visit);
    const answer = this.#pages.get(page) ?? (await pageAnswer(page));
    this.#pages.set(page, answer);
    this.#answer(visit, answer);
  }

  /** For what has no route: the path may know other methods, or nothing at all. */
  goAstray(request: IncomingMessage): void {
    const visit = this.#visits.get(request);
    if (!visit) return;
    try {
      this.#answer(visit, this.#withoutRoute(visit));
    } catch (error) {
      this.fail(request, error);
    }
  }

  fail(request: IncomingMessage, error: unknown): void {
    const visit = this.#visits.get(request);
    if (visit) this.#answer(visit, refused(visit, this.#house, error));
  }

  /** What was answered before and is still true. Whoever asks too often is told so here as well. */
  #answerFromMemory(visit: Visit): void {
    const { request, network } = visit;
    const known = this.#memory.get(request.url ?? "/");
    if (!known) return;
    const { crowd, limits } = this.#house;
    visit.label = known.route.path;
    try {
      crowd.refuse(network);
      limits.hold(known.route, { network });
      this.#answer(visit, known.answer);
    } catch (error) {
      this.fail(request, error);
    }
  }

  /** Before anything is looked at that comes with the request: what this costs is taken from those who are inside. */
  #isTurnedAway(visit: Visit): boolean {
    const { rooms, settings, world } = this.#house;
    if (!visit.room || !settings.admission || rooms.admits(visit.room)) return false;
    const refusal = turnedAway[Math.floor(world.random() * turnedAway.length)] as Refusal;
    this.#answer(visit, problem(refusal, visit.requestId));
    this.#metrics.turnedAway(visit.room);
    return true;
  }

  #visit(request: IncomingMessage, response: ServerResponse): Visit {
    const { headers, socket, url: target = "/" } = request;
    const { world, settings, rooms } = this.#house;
    const [, path = "/", rawQuery = ""] = /^([^?]*)\??(.*)$/s.exec(target) ?? [];
    const forwardedFor = headers["x-forwarded-for"] as string | undefined;
    const address = clientAddress(socket.remoteAddress, forwardedFor, settings.trustedProxies);
    return {
      request,
      response,
      requestId: isRequestId(headers["x-request-id"]) ? headers["x-request-id"] : world.id("req"),
      ...(isTraceparent(headers.traceparent) ? { traceparent: headers.traceparent } : {}),
      arrivedAt: world.now(),
      address,
      network: networkOf(address),
      url: path.length > 1 && path.endsWith("/") ? path.slice(0, -1) : path,
      rawQuery,
      room: rooms.roomFor(path, headers["idempotency-key"]),
      label: "unknown",
    };
  }

  #withoutRoute({ url, request, requestId }: Visit): Answer {
    const methods = this.#methodsOf(url).flatMap((method) => (method === "GET" ? ["GET", "HEAD"] : [method]));
    if (methods.length === 0) throw new Refusal("not_found", "There is nothing at this path.");
    const { origin } = request.headers;
    const isAllowed = origin !== undefined && this.#house.settings.corsOrigins.includes(origin);
    if (request.method === "OPTIONS") return optionsAnswer(methods, isAllowed);
    const { headers, ...answer } = problem(new Refusal("method_not_allowed"), requestId);
    return { ...answer, headers: { ...headers, allow: methods.join(", ") } };
  }

  #answer(visit: Visit, answer: Answer): void {
    send(visit, answer, this.#house.settings.corsOrigins, this.#isClosing);
  }

  #leave({ request, response, network, label, arrivedAt }: Visit): void {
    if (!this.#visits.delete(request)) return;
    this.#house.crowd.leave(network);
    const method = countedMethods.has(request.method ?? "") ? (request.method as string) : "other";
    const status = response.headersSent ? response.statusCode : LEFT_EARLY;
    this.#metrics.answered(method, label, status, (this.#house.world.now() - arrivedAt) / 1000);
  }
}

/** A browser that was led here, and has nothing to ask yet. */
const isForReaders = ({ method, url = "", headers }: IncomingMessage) =>
  method === "GET" && !url.includes("?") && (headers.accept ?? "").includes("text/html");

/** It says nothing of who asks, and nothing that the URL does not say. */
function asksForAnybody({ method, headers }: IncomingMessage): boolean {
  const isRead = method === "GET" || method === "HEAD";
  return isRead && !personal.some((name) => headers[name] !== undefined);
}

/**
 * Where a request comes from. `X-Forwarded-For` is written by whoever sends it, so of its entries only
 * those that our own proxies have added count: with n proxies, the n-th from the right.
 */
export function clientAddress(socket: string | undefined, forwardedFor: string | undefined, proxies: number): string {
  const entries = forwardedFor?.split(",").map((entry) => entry.trim()) ?? [];
  const named = proxies > 0 ? entries.at(-Math.min(proxies, entries.length || 1)) : undefined;
  const address = named && isIP(named) ? named : (socket ?? "unknown");
  return address.replace(/^::ffff:(?=\d+\.)/i, "").replace(/%.*$/, "");
}

/** A request id is taken over when it can be nothing else; every other one is replaced. */
export const isRequestId = (text: unknown): text is string => typeof text === "string" && /^[\w-]{8,64}$/.test(text);

/** Version, trace id, span id and flags as W3C has them; all zeros are no ids. */
export const isTraceparent = (text: unknown): text is string =>
  typeof text === "string" && /^00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$/.test(text);
