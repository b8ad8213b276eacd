import type { Access, ActionContract, Contract, Rest } from "../shared/contract.ts";

export const methods = ["GET", "POST", "PATCH", "DELETE"] as const;
export type Method = (typeof methods)[number];

/** One door to one action, as its contract describes it. */
export interface Route {
  action: string;
  /** The service that owns it. */
  service: string;
  method: Method;
  /** As in the contract, such as `/v1/orders/:id`. Also the route's name in metrics. */
  path: string;
  /** The params that come with the path. */
  pathNames: readonly string[];
  rest: Rest;
  contract: ActionContract;
  /** The schema of each param, by its name. */
  params: Readonly<Record<string, ParamSchema>>;
  /** Behind this door the list is followed as it grows. */
  isStream?: true;
}

interface ParamSchema {
  type?: string;
  pattern?: string;
  [keyword: string]: unknown;
}

/** Every route of all contracts. What could never work does not start. */
export function routesOf(contracts: Readonly<Record<string, Contract>>): Route[] {
  const routes = Object.values(contracts).flatMap(({ name, actions }) =>
    Object.entries(actions).flatMap(([action, contract]) =>
      contract.rest ? [routeOf(name, action, contract, contract.rest)] : [],
    ),
  );
  refuseTwins(routes, ({ method, path }) => `route ${method} ${path.replace(/:\w+/g, ":")}`);
  refuseTwins(routes, ({ contract: { graph } }) =>
    typeof graph === "string" ? `field ${graph.replace("live ", "")}` : undefined,
  );
  return routes;
}

/** @throws where two have the same. */
function refuseTwins(routes: readonly Route[], what: (route: Route) => string | undefined): void {
  const known = new Map<string, Route>();
  for (const route of routes) {
    const name = what(route);
    const other = name && known.get(name);
    if (other) throw new Error(`${route.action} and ${other.action} have the same ${name}.`);
    if (name) known.set(name, route);
  }
}

/** The doors behind which lists are followed. What comes first, and how much at once, is not for the client to say. */
export const streamsOf = (routes: readonly Route[]): Route[] =>
  routes.flatMap((route) => {
    const path = route.rest.stream;
    if (!path) return [];
    const { limit, cursors, ...params } = route.params;
    const stream: Route = { ...route, path, params, isStream: true };
    if (route.method !== "GET" || !cursors || pathNamesOf(path).join() !== route.pathNames.join())
      throw new Error(
        `${route.action} cannot be followed at ${path}: it is not the same list with a cursor behind each item.`,
      );
    return [stream];
  });

/** Literal paths before patterns. */
export const byPrecision = (a: Route, b: Route): number =>
  a.pathNames.length - b.pathNames.length || a.path.localeCompare(b.path);

const pathNamesOf = (path: string): string[] => [...path.matchAll(/:(\w+)/g)].map(([, name = ""]) => name);

function routeOf(service: string, action: string, contract: ActionContract, rest: Rest): Route {
  const [method = "", path = ""] = rest.route.split(" ");
  const pathNames = pathNamesOf(path);
  const { properties: params = {} } = contract.params as { properties?: Route["params"] };
  const unknown = pathNames.find((name) => !(name in params));
  if (unknown) throw new Error(`${action} has :${unknown} in its route and not in its params.`);
  if (rest.cacheSeconds && rest.access !== "open")
    throw new Error(`${action} may be kept by shared caches, so its answer must not depend on who asks.`);
  return { action, service, method: method as Method, path, pathNames, rest, contract, params };
}

const ranks: Record<Access | "customer", number> = { open: 0, anyone: 0, customer: 1, user: 1, staff: 2, admin: 3 };

/** Whether somebody of this role, or of none, may use what asks for `access`. */
export const mayUse = (access: Access, role: "customer" | "staff" | "admin" | undefined): boolean =>
  ranks[role ?? "anyone"] >= ranks[access];

export const takesBody = (method: string): boolean => method === "POST" || method === "PATCH";

/** Whether a guest's token is good for it: only what belongs to an order can be a guest's. */
export const isForGuests = ({ rest, pathNames, params }: Route): boolean =>
  rest.access === "anyone" && pathNames.some((name) => /^\^(ord|pay)_/.test(params[name]?.pattern ?? ""));

/** Whether it answers a page of a list. */
export const isList = ({ contract }: Route): boolean => {
  const { properties = {} } = contract.result as { properties?: object };
  return "data" in properties && "nextCursor" in properties;
};
