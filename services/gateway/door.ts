import type { Caller, Meta, Role } from "../shared/identity.ts";
import { Refusal } from "../shared/refusal.ts";
import type { Settings } from "../shared/settings.ts";
import type { World } from "../shared/world.ts";
import { answerOf } from "./answer.edge.ts";
import { bearerToken, type Tokens } from "./bearer.edge.ts";
import { hasBody, readBody } from "./body.edge.ts";
import type { Crowd, Limits } from "./limits.ts";
import { type Once, type Ticket, ticketOf } from "./once.edge.ts";
import { paramsOf, parseJson, parseQuery } from "./params.ts";
import { type Answer, isAway, problem, refusalOf } from "./problem.ts";
import { noRoom, type Rooms } from "./rooms.ts";
import { mayUse, takesBody } from "./routes.ts";
import type { Streams } from "./stream.edge.ts";
import type { Guest, Visit } from "./visit.edge.ts";

/** What the steps need of the gateway. */
export interface House {
  settings: Settings;
  world: World;
  tokens: Tokens;
  limits: Limits;
  crowd: Crowd;
  rooms: Rooms;
  once: Once;
  streams: Streams;
  /** What role an account has by now; undefined for one that is disabled, or gone. */
  roleOf(userId: string): Promise<Role | undefined>;
  /** Writes down what nobody is told. */
  note(visit: Visit, error: unknown): void;
}

type Step = (guest: Guest, house: House) => Promise<void> | void;

/** What happens to every request, in this order, before the action is asked. Each step may refuse it. */
const requestSteps: readonly Step[] = [refuseCrowd, identify, holdToLimits, authorize, takeQuery, takeBody, takeParams];
/** The same for a field of GraphQL, whose request is inside already and has brought the params. */
const fieldSteps: readonly Step[] = [identify, holdToLimits, authorize, findRoom];

export const attend = (guest: Guest, house: House): Promise<Answer> => go(requestSteps, guest, house);
export const attendField = (guest: Guest, house: House): Promise<Answer> => go(fieldSteps, guest, house);

async function go(steps: readonly Step[], guest: Guest, house: House): Promise<Answer> {
  try {
    for (const step of steps) await step(guest, house);
    return await askInside(guest, house);
  } catch (error) {
    return refused(guest, house, error);
  }
}

export function refused(visit: Visit, house: House, error: unknown): Answer {
  house.note(visit, error);
  return problem(refusalOf(error), visit.requestId);
}

/** The gateway's own routes go free: probes tell how it stands. */
function refuseCrowd({ route, network }: Guest, { crowd }: House): void {
  if (route.service !== "gateway") crowd.refuse(network);
}

/** A bad token is refused even where none is needed: the client believes something that is wrong. */
async function identify(guest: Guest, house: House): Promise<void> {
  if (guest.route.rest.access === "open") return;
  const caller = await callerOf(guest, house);
  if (caller) guest.caller = caller;
}

/** Who sends a request. All fields of one are asked by the same. */
export function callerOf(visit: Visit, house: House): Promise<Caller | undefined> {
  const known = callers.get(visit.request) ?? verified(visit, house);
  callers.set(visit.request, known);
  return known;
}

const callers = new WeakMap<Visit["request"], Promise<Caller | undefined>>();

async function verified({ request, network }: Visit, { tokens, limits, roleOf }: House): Promise<Caller | undefined> {
  const { authorization } = request.headers;
  if (authorization === undefined) return undefined;
  const token = bearerToken(authorization);
  const known = tokens.known(token);
  if (!known) limits.holdStranger(network);
  return asOfNow(known ?? (await tokens.verify(token)), roleOf);
}

/**
 * A role that was taken away ends at once, and not with the token, ten minutes later: staff read what belongs to everybody.
 * While nobody can be asked, the token's word counts, so that the office works on.
 */
export async function asOfNow(caller: Caller, roleOf: House["roleOf"]): Promise<Caller> {
  if (caller.role === "customer") return caller;
  const role = await roleOf(caller.userId).catch((error) => {
    if (!isAway(error)) throw error;
    return caller.role;
  });
  if (!role) throw new Refusal("invalid_token");
  return { ...caller, role };
}

function holdToLimits({ route, caller, network }: Guest, { limits }: House): void {
  limits.hold(route, { userId: caller?.userId, network });
}

/** A field takes a place where a request for the same thing would: see `rooms.ts`. */
function findRoom(guest: Guest, { rooms, settings }: House): void {
  guest.room = rooms.roomFor(guest.route.path, guest.key);
  if (guest.room && settings.admission && !rooms.admits(guest.room)) throw noRoom(1);
}

function authorize({ route, caller }: Guest): void {
  if (mayUse(route.rest.access, caller?.role)) return;
  throw new Refusal(caller ? "forbidden" : "unauthenticated");
}

/** A guest's token may come with the query, as a link in a mail has it, and is no param of the action. */
function takeQuery(guest: Guest): void {
  const query = parseQuery(guest.rawQuery);
  const isToken = (name: string) => name === "token" && !("token" in guest.route.params);
  const token = guestTokenIn(guest.request.headers["x-guest-token"] ?? query.find(([name]) => isToken(name))?.[1]);
  if (token) guest.guestToken = token;
  guest.query = query.filter(([name]) => !isToken(name));
}

/** What cannot be one is none. */
export const guestTokenIn = (token: unknown): string | undefined =>
  typeof token === "string" && /^[\w.~-]{1,300}$/.test(token) ? token : undefined;

async function takeBody(guest: Guest, { world }: House): Promise<void> {
  const { route, request } = guest;
  if (!takesBody(route.method)) {
    if (hasBody(request)) throw new Refusal("malformed_request", `${route.method} takes no body.`);
    return;
  }
  const takes = route.rest.takes ?? "application/json";
  const text = await readBody(request, takes, world);
  if (takes === "text/csv" && !text) throw new Refusal("malformed_request", "There is no body.");
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

async function askInside(guest: Guest, house: House): Promise<Answer> {
  const { room } = guest;
  if (!room) return askOnce(guest, house);
  house.rooms.enter(room);
  try {
    return await askOnce(guest, house);
  } finally {
    house.rooms.leave(room);
  }
}

async function askOnce(guest: Guest, house: House): Promise<Answer> {
  if (guest.route.isStream) return house.streams.begin(guest);
  const ticket = ticketOf(guest);
  if (!ticket) return ask(guest);
  const key = String(guest.key);
  const act = () => {
    if (ticket.knowsKeys) house.rooms.begin(key);
    return ask(guest, ticket).catch((error) => refused(guest, house, error));
  };
  const { answer, replayed } = await house.once.run(ticket, act);
  if (!guest.response.destroyed) house.rooms.answered(key, answer.status);
  return replayed ? { ...answer, headers: { ...answer.headers, "idempotent-replayed": "true" } } : answer;
}

async function ask(guest: Guest, ticket?: Ticket): Promise<Answer> {
  const { route, params, call } = guest;
  const meta = { ...metaOf(guest), ...(ticket ? { requestKey: ticket.id, bodyDigest: ticket.bodyDigest } : {}) };
  const { timeoutMs } = route.contract;
  return answerOf(route, await call(params, { meta, ...(timeoutMs ? { timeout: timeoutMs } : {}) }));
}

/** What services are told of whoever asks. */
export const metaOf = ({
  address,
  traceparent,
  caller,
  guestToken,
}: Visit & Pick<Guest, "caller" | "guestToken">): Meta => ({
  clientAddress: address,
  ...(caller ? { caller } : {}),
  ...(guestToken ? { guestToken } : {}),
  ...(traceparent ? { traceparent } : {}),
});
