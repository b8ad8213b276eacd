import type { IncomingMessage, ServerResponse } from "node:http";
import type { Caller } from "../shared/identity.ts";
import type { Query } from "./params.ts";
import type { Route } from "./routes.ts";

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
  /** What the route is called in metrics: its pattern. */
  label: string;
}

/** A visit that has found its route. Each step of the way adds what it has found out. */
export interface Guest extends Visit {
  readonly route: Route;
  /** The params of the path, decoded. */
  readonly path: Readonly<Record<string, string>>;
  /** Asks the action of the route. */
  readonly call: (params: unknown, options: object) => Promise<unknown>;
  caller?: Caller;
  guestToken?: string;
  query: Query;
  body?: unknown;
  params: Record<string, unknown>;
}
