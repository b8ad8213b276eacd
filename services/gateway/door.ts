import type { Meta } from "../shared/identity.ts";
import { Refusal } from "../shared/refusal.ts";
import type { Settings } from "../shared/settings.ts";
import type { World } from "../shared/world.ts";
import { answerOf } from "./answer.edge.ts";
import { bearerToken, type Tokens } from "./bearer.edge.ts";
import { hasBody, readBody } from "./body.edge.ts";
import type { Crowd, Limits } from "./limits.ts";
import { type Once, type Ticket, ticketOf } from "./once.edge.ts";
import { paramsOf, parseJson, parseQuery } from "./params.ts";
import { type Answer, problem, refusalOf } from "./problem.ts";
import { mayUse, takesBody } from "./routes.ts";
import type { Guest, Visit } from "./visit.edge.ts";

/** What the steps need of the gateway. */
export interface House {
  settings: Settings;
  world: World;
  tokens: Tokens;
  limits: Limits;
  crowd: Crowd;
  once: Once;
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
  house.note(visit, error);
  return problem(refusalOf(error), visit.requestId);
}

/** The gateway's own routes go free: probes tell how it stands. */
function refuseCrowd({ route, network }: Guest, { crowd }: House): void {
  if (route.service !== "gateway") crowd.refuse(network);
}

/** A bad token is refused even where none is needed: the client believes something that is wrong. */
async function identify(guest: Guest, { tokens, limits }: House): Promise<void> {
  const { authorization } = guest.request.headers;
  if (authorization === undefined || guest.route.rest.access === "open") return;
  const token = bearerToken(authorization);
  const known = tokens.known(token);
  if (!known) limits.holdStranger(guest.network);
  guest.caller = known ?? (await tokens.verify(token));
}

function holdToLimits({ route, caller, network }: Guest, { limits }: House): void {
  limits.hold(route, { userId: caller?.userId, network });
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

async function askOnce(guest: Guest, house: House): Promise<Answer> {
  const ticket = ticketOf(guest);
  if (!ticket) return ask(guest);
  const act = () => ask(guest, ticket).catch((error) => refused(guest, house, error));
  const { answer, replayed } = await house.once.run(ticket, act);
  return replayed ? { ...answer, headers: { ...answer.headers, "idempotent-replayed": "true" } } : answer;
}

async function ask(guest: Guest, ticket?: Ticket): Promise<Answer> {
  const { route, params, call, caller, guestToken, address, traceparent } = guest;
  const meta: Meta = {
    clientAddress: address,
    ...(caller ? { caller } : {}),
    ...(guestToken ? { guestToken } : {}),
    ...(ticket ? { requestKey: ticket.id, bodyDigest: ticket.bodyDigest } : {}),
    ...(traceparent ? { traceparent } : {}),
  };
  const { timeoutMs } = route.contract;
  return answerOf(route, await call(params, { meta, ...(timeoutMs ? { timeout: timeoutMs } : {}) }));
}
