import type { IncomingMessage, ServerResponse } from "node:http";
import { isIP } from "node:net";
import { networkOf } from "../shared/address.ts";
import { Refusal } from "../shared/refusal.ts";
import { optionsAnswer, send } from "./answer.edge.ts";
import { attend, type House, refused } from "./door.ts";
import type { Metrics } from "./metrics.edge.ts";
import { type Page, pageAnswer } from "./pages.edge.ts";
import { type Answer, problem } from "./problem.ts";
import type { Route } from "./routes.ts";
import type { Guest, Visit } from "./visit.edge.ts";

/** What the router adds to a request. */
export interface Routed extends IncomingMessage {
  $ctx: { call(action: string, params: unknown, options: object): Promise<unknown> };
  $params: { params?: Record<string, string> };
}

const countedMethods = new Set(["GET", "HEAD", "POST", "PATCH", "DELETE", "OPTIONS"]);
/** In metrics, of a request whose client did not wait for the answer. */
const LEFT_EARLY = 499;

/** Sees every request first and last: gives it its identity, and sends exactly one answer. */
export class Reception {
  readonly #house: House;
  readonly #metrics: Metrics;
  /** The methods that a path understands. */
  readonly #methodsOf: (url: string) => string[];
  readonly #pages = new Map<Page, Answer>();
  readonly #visits = new Map<IncomingMessage, Visit>();
  #isClosing = false;

  constructor(house: House, metrics: Metrics, methodsOf: (url: string) => string[]) {
    this.#house = house;
    this.#metrics = metrics;
    this.#methodsOf = methodsOf;
  }

  /** From now on every answer is the last one of its connection. */
  close(): void {
    this.#isClosing = true;
  }

  /** Whether the request is to be routed; otherwise it is answered already. */
  arrive(request: IncomingMessage, response: ServerResponse): boolean {
    const visit = this.#visit(request, response);
    this.#visits.set(request, visit);
    this.#house.crowd.enter(visit.network);
    response.once("close", () => this.#leave(visit));
    // The router would take these for the id of its context, whatever they hold.
    request.headers["x-request-id"] = visit.requestId;
    delete request.headers["x-correlation-id"];

    if (request.httpVersion === "1.1" && request.headers.host === undefined)
      this.fail(request, new Refusal("malformed_request", "There is no Host header."));
    else if (request.method === "OPTIONS") this.goAstray(request);
    return !response.headersSent;
  }

  async serve(request: Routed, route: Route): Promise<void> {
    const visit = this.#visits.get(request);
    if (!visit) return;
    visit.label = route.path;
    const guest: Guest = Object.assign(visit, {
      route,
      path: request.$params.params ?? {},
      call: (params: unknown, options: object) => request.$ctx.call(route.action, params, options),
      query: [],
      params: {},
    });
    this.#answer(guest, await attend(guest, this.#house));
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

  #visit(request: IncomingMessage, response: ServerResponse): Visit {
    const { headers, socket, url: target = "/" } = request;
    const { world, settings } = this.#house;
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
    this.#visits.delete(request);
    this.#house.crowd.leave(network);
    const method = countedMethods.has(request.method ?? "") ? (request.method as string) : "other";
    const status = response.headersSent ? response.statusCode : LEFT_EARLY;
    this.#metrics.answered(method, label, status, (this.#house.world.now() - arrivedAt) / 1000);
  }
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
