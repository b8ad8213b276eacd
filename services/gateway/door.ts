import type { Meta } from "../shared/identity.ts";
import { Refusal } from "../shared/refusal.ts";
import type { Settings } from "../shared/settings.ts";
import type { World } from "../shared/world.ts";
import { networkOf } from "./address.ts";
import { type Answer, answerOf } from "./answer.ts";
import { bearerToken, type Tokens } from "./bearer.edge.ts";
import { hasBody, readBody } from "./body.edge.ts";
import { canonical, parseJson } from "./json.ts";
import { type Buckets, type Limit, limits, tokenLimit } from "./limits.ts";
import type { Once, Ticket } from "./once.ts";
import { paramsOf, parseQuery } from "./params.ts";
import { isOurFault, problem, refusalOf } from "./problem.ts";
import { mayUse, takesBody } from "./routes.ts";
import { digest, requestKey, sealOf } from "./seal.edge.ts";
import type { Guest, Visit } from "./visit.ts";

/** What the steps need of the gateway. */
export interface House {
  settings: Settings;
  world: World;
  tokens: Tokens;
  buckets: Buckets;
  once: Once;
  /** How many requests are inside. */
  inFlight(): number;
  /** Writes down what nobody is told. */
  note(visit: Visit, error: unknown): void;
}

type Step = (guest: Guest, house: House) => Promise<void> | void;

/** What happens to every request, in this order, before the action is asked. Each step may refuse it. */
const steps: readonly Step[] = [refuseCrowd, identify, holdToLimits, authorize, takeQuery, takeBody, takeParams];

export async function attend(guest: Guest, house: House): Promise<Answer> {
  try {
    for (const step of steps) await step(guest, house);
    return await askOnce(guest, house);
  } catch (error) {
    return refused(guest, house, error);
  }
}

export function refused(visit: Visit, house: House, error: unknown): Answer {
  const refusal = refusalOf(error);
  if (isOurFault(refusal)) house.note(visit, error);
  return problem(refusal, visit.requestId);
}

const MOST_IN_FLIGHT = 1000;

/** Better some are told to come back than all wait. Probes are let in: they tell how it stands. */
function refuseCrowd({ route }: Guest, { inFlight }: House): void {
  if (inFlight() > MOST_IN_FLIGHT && route.service !== "gateway")
    throw new Refusal("unavailable", "Too many requests are being served.", { retryAfterSeconds: 1 });
}

/** A bad token is refused even where none is needed: the client believes something that is wrong. */
async function identify(guest: Guest, { tokens, buckets, settings, world }: House): Promise<void> {
  const { authorization } = guest.request.headers;
  if (authorization === undefined) return;
  const token = bearerToken(authorization);
  const known = tokens.known(token);
  if (!known && settings.rateLimit) take(buckets, tokenLimit, networkOf(guest.address), world);
  guest.caller = known ?? (await tokens.verify(token));
}

function holdToLimits({ route, caller, address }: Guest, { buckets, settings, world }: House): void {
  if (!settings.rateLimit) return;
  for (const limit of limits)
    if (limit.holds(route)) take(buckets, limit, whoIs(limit, caller?.userId, address), world);
}

const whoIs = ({ per }: Limit, userId: string | undefined, address: string) =>
  (per === "caller" && userId) || networkOf(address);

function take(buckets: Buckets, limit: Pick<Limit, "name" | "perSecond" | "burst">, who: string, world: World): void {
  const seconds = buckets.take(`${limit.name} ${who}`, limit, world.now());
  if (seconds > 0) throw new Refusal("too_many_requests", undefined, { retryAfterSeconds: seconds });
}

function authorize({ route, caller }: Guest): void {
  if (mayUse(route.rest.access, caller?.role)) return;
  throw new Refusal(caller ? "forbidden" : "unauthenticated");
}

/** A guest's token may come with the query, as a link in a mail has it, and is no param of the action. */
function takeQuery(guest: Guest): void {
  const query = parseQuery(guest.rawQuery);
  const isToken = (name: string) => name === "token" && !("token" in guest.route.params);
  const token = guest.request.headers["x-guest-token"] ?? query.find(([name]) => isToken(name))?.[1];
  if (typeof token === "string" && /^[\w.~-]{1,300}$/.test(token)) guest.guestToken = token;
  guest.query = query.filter(([name]) => !isToken(name));
}

async function takeBody(guest: Guest, { world }: House): Promise<void> {
  const { route, request } = guest;
  if (!takesBody(route.method)) {
    if (hasBody(request)) throw new Refusal("malformed_request", `${route.method} takes no body.`);
    return;
  }
  const takes = route.rest.takes ?? "application/json";
  const text = await readBody(request, takes, world);
  guest.body = takes === "application/json" ? parseJson(text || "{}") : text;
}

function takeParams(guest: Guest): void {
  const { route, path, query, body, request } = guest;
  const header = (name: string) => request.headers[name] as string | undefined;
  guest.params = paramsOf(route, {
    path,
    query,
    body,
    ifMatch: header("if-match"),
    signature: header("x-signature") ?? header("stripe-signature"),
  });
}

async function askOnce(guest: Guest, house: House): Promise<Answer> {
  const ticket = ticketOf(guest);
  if (!ticket) return ask(guest);
  const act = () => ask(guest, ticket.id).catch((error) => refused(guest, house, error));
  const { answer, replayed } = await house.once.run(ticket, act);
  return replayed ? { ...answer, headers: { ...answer.headers, "idempotent-replayed": "true" } } : answer;
}

async function ask({ route, params, call, caller, guestToken, address, traceparent }: Guest, requestKey?: string) {
  const meta: Meta = {
    clientAddress: address,
    ...(caller ? { caller } : {}),
    ...(guestToken ? { guestToken } : {}),
    ...(requestKey ? { requestKey } : {}),
    ...(traceparent ? { traceparent } : {}),
  };
  const { timeoutMs } = route.contract;
  return answerOf(route, await call(params, { meta, ...(timeoutMs ? { timeout: timeoutMs } : {}) }));
}

/** By what a repeat of this request is known, if its sender wants it to be. */
function ticketOf(guest: Guest): Ticket | undefined {
  const { route, path, request, body } = guest;
  const key = request.headers["idempotency-key"];
  if (route.method !== "POST") return undefined;
  if (key === undefined) {
    if (route.rest.keyRequired) throw new Refusal("idempotency_key_required");
    return undefined;
  }
  if (typeof key !== "string" || !/^[\x21-\x7e]{1,255}$/.test(key)) {
    const errors = [{ path: "Idempotency-Key", message: "must be 1 to 255 visible ASCII characters" }];
    throw new Refusal("invalid_input", undefined, { errors });
  }
  const scope = scopeOf(guest);
  const seal = sealOf(key, scope);
  const id = requestKey([scope, route.method, route.path, canonical(path), key]);
  return { id, seal, bodyDigest: digest(seal, canonical(body)) };
}

/** Whose key it is: a user's, else a guest's, who is known by e-mail or cart, else by where they are. */
function scopeOf({ caller, body, route, path, address }: Guest): string {
  if (caller) return `user ${caller.userId}`;
  const email = (body as { email?: unknown } | undefined)?.email;
  if (typeof email === "string") return `guest ${email.toLowerCase()}`;
  if (route.path.startsWith("/v1/carts/:")) return `cart ${path.id}`;
  return `address ${address}`;
}
