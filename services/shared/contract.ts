import type { TSchema } from "typebox";
import type { RefusalCode } from "./refusal.ts";

/**
 * Who may use a route. `open`: who is asking makes no difference, so a token is not even looked at, and
 * one that has ended does not keep anybody from signing in. `anyone`: no token needed, though one is
 * looked at. `user`: signed in. Whose record it is, is decided by the service that owns it, not here.
 */
export type Access = "open" | "anyone" | "user" | "staff" | "admin";

/** The door through which the world reaches an action. */
export interface Rest {
  /** Method and path, such as `GET /v1/products/:idOrHandle`; path names are params. */
  route: `${"GET" | "POST" | "PATCH" | "DELETE"} /${string}`;
  access: Access;
  /** The status of success, where it is not 200. */
  status?: 201 | 202 | 204;
  /** With it, an answer whose `status` field is `pending` goes out as 202. */
  pendingIs202?: true;
  /** Clients have to send an Idempotency-Key. */
  keyRequired?: true;
  /**
   * The action keeps `meta.requestKey` with what it does: a repeat gets what the first one got, and one
   * with another `meta.bodyDigest` is refused. So the gateway need not write the request down before it asks.
   */
  knowsKeys?: true;
  /** Takes and gives something other than JSON. */
  takes?: "application/json" | "text/csv" | "raw";
  gives?: "text/html" | "text/plain" | "image/svg+xml" | "application/json";
  /** May be kept by shared caches for this long. Everything else is `no-store`. */
  cacheSeconds?: number;
  /**
   * The path at which a list, oldest first, can be followed as it grows, by server-sent events. The id of each is the
   * cursor behind it.
   */
  stream?: `/${string}`;
}

/**
 * The field of the GraphQL schema that asks this, or why there is none. `live`: it can be subscribed to as well, and
 * goes on with what was added to the list, or with the value as often as it is another one.
 */
export type Graph = `query ${string}` | `mutation ${string}` | `live query ${string}` | { not: string };

/** Whatever has no door to the world has a reason, and only other services can ask it. */
type Reach = { rest: Rest; graph: Graph; inside?: never } | { inside: string; rest?: never; graph?: never };

interface Promised {
  /** One line, for the reference. */
  summary: string;
  /** Units, side effects and what a second call with the same params does, where it is not obvious. */
  description?: string;
  params: TSchema;
  /** Params that work in a new shop with the demo catalogue. The reference shows them, to be tried out. */
  example?: Readonly<Record<string, unknown>>;
  result: TSchema;
  /** The refusals that are part of the answer; those that any route may give are added by the gateway. */
  refuses?: readonly RefusalCode[];
  /**
   * The param (a path such as `lines.0.sku`) by which calls go to one node of those that run the service, so that
   * changes of one document meet in one place and are decided together. Right answers do not depend on it.
   */
  meetBy?: string;
  /** How many calls of it a node has under way at most; any more are refused. `MOST_AT_ONCE` where nothing is said. */
  mostAtOnce?: number;
  /** How long a caller waits, where it is not the broker's `requestTimeout`. */
  timeoutMs?: number;
}

export type ActionContract = Promised & Reach;

export interface Contract {
  name: string;
  /** For the reference: what this service is about. */
  about: string;
  /** What others may ask. Keys are whole action names, so that one search finds contract and callers. */
  actions: Record<string, ActionContract>;
  /** The facts it tells, delivered at least once to every service that says it hears them. */
  tells?: Record<string, TSchema>;
  /** The facts of others (or its own) that it acts on. */
  hears?: readonly string[];
  /** Of these, the ones that may come in any order and at once. Else those of one document come one after the other. */
  hearsInAnyOrder?: readonly string[];
}

/** More than a node is ever asked for at once while all goes well: it keeps memory in bounds where all does not. */
export const MOST_AT_ONCE = 1_000;

/** The name of the strategy by which calls are sent where they meet (see `meetBy`). */
export const MEETING = "Meeting";

/** Keeps the exact type of a contract: the types of calls on both sides are read from it. */
export const contract = <const C extends Contract>(definition: C): C => definition;
