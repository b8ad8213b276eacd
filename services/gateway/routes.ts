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
  const shapes = new Map<string, Route>();
  for (const route of routes) {
    const shape = `${route.method} ${route.path.replace(/:\w+/g, ":")}`;
    const other = shapes.get(shape);
    if (other) throw new Error(`${route.action} and ${other.action} have the same route ${shape}.`);
    shapes.set(shape, route);
  }
  return routes;
}

/** Literal paths before patterns. */
export const byPrecision = (a: Route, b: Route): number =>
  a.pathNames.length - b.pathNames.length || a.path.localeCompare(b.path);

function routeOf(service: string, action: string, contract: ActionContract, rest: Rest): Route {
  const [method = "", path = ""] = rest.route.split(" ");
  const pathNames = [...path.matchAll(/:(\w+)/g)].map(([, name = ""]) => name);
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
