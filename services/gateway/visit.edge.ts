import type { IncomingMessage, ServerResponse } from "node:http";
import type { Caller } from "../shared/identity.ts";
import type { Query } from "./params.ts";
import type { RoomName } from "./rooms.ts";
import type { Route } from "./routes.ts";

/** What the router adds to a request. */
export interface Routed extends IncomingMessage {
  $ctx: { call(action: string, params: unknown, options: object): Promise<unknown> };
  $params: { params?: Record<string, string> };
}

/** One request on its way through the gateway. */
export interface Visit {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  /** Goes with every line of the log, and back to the client. */
  readonly requestId: string;
  readonly traceparent?: string;
  readonly arrivedAt: number;
  /** Where it comes from, as far as our own proxies say so, and the network that counts as one with it. */
  readonly address: string;
  readonly network: string;
  /** The path, without the query and without a slash at its end. */
  readonly url: string;
  readonly rawQuery: string;
  /** Where it takes a place, if it needs one. */
  room: RoomName | undefined;
  /** What the route is called in metrics: its pattern. */
  label: string;
}

/** A visit that has found its route. Each step of the way adds what it has found out. */
export interface Guest extends Visit {
  readonly route: Route;
  /** The params of the path, decoded. */
  readonly path: Readonly<Record<string, string>>;
  /** The Idempotency-Key, if it is one. */
  readonly key: unknown;
  /** Asks the action of the route. */
  readonly call: (params: unknown, options: object) => Promise<unknown>;
  caller?: Caller;
  guestToken?: string;
  query: Query;
  body?: unknown;
  params: Record<string, unknown>;
}
