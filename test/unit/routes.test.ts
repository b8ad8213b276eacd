import { contracts } from "../../services/contracts.ts";
import { byPrecision, mayUse, routesOf, streamsOf } from "../../services/gateway/routes.ts";
import type { Contract } from "../../services/shared/contract.ts";
import { paging, Shape, Type } from "../../services/shared/schema.ts";
import { lists } from "../lists.ts";

const contractWith = (...routes: string[]) => ({
  some: {
    name: "some",
    about: "",
    actions: Object.fromEntries(
      routes.map((route, n) => [
        `some.a${n}`,
        {
          summary: "",
          params: Shape({ id: Type.String() }),
          result: Type.Null(),
          rest: { route, access: "anyone" },
        },
      ]),
    ),
  } as unknown as Contract,
});

describe("routes", () => {
  test("every action with a door has exactly one, under its own method and path", () => {
    const routes = routesOf(contracts as Record<string, Contract>);
    const doors = Object.values<Contract>(contracts).flatMap(({ actions }) =>
      Object.values(actions).flatMap(({ rest }) => rest?.route ?? []),
    );

    expect(routes.map(({ method, path }) => `${method} ${path}`)).toEqual(doors);
    expect(new Set(doors).size).toBe(doors.length);
  });

  test("there are lists, and one that is not in pages is none of them", () => {
    expect(lists.length).toBeGreaterThan(10);
    expect(lists.map(({ action }) => action)).toContain("orders.events");
    expect(lists.map(({ action }) => action)).not.toContain("orders.get");
  });

  test.each(lists)("$method $path can be asked for the cursor behind each item", ({ params, contract }) => {
    const { properties, required } = contract.result as unknown as { properties: object; required: string[] };

    expect(params).toMatchObject(paging);
    expect(properties).toMatchObject({ cursors: { type: "array", items: { type: "string" } } });
    expect(required.toSorted()).toEqual(["data", "nextCursor"]);
  });

  test("nothing below /v1/admin is open to customers or guests", () => {
    const routes = routesOf(contracts as Record<string, Contract>);
    const admin = routes.filter(({ path }) => path.startsWith("/v1/admin"));

    expect(admin.length).toBeGreaterThan(5);
    expect(admin.filter(({ rest }) => mayUse(rest.access, "customer"))).toEqual([]);
  });

  test("two actions that want to be the same field of GraphQL do not start", () => {
    const { some } = contractWith("GET /v1/a/:id", "GET /v1/b/:id");
    const actions = Object.entries(some.actions).map(([name, action]) => [name, { ...action, graph: "query thing" }]);
    const both = { some: { ...some, actions: Object.fromEntries(actions) } };
    expect(() => routesOf(both)).toThrow("some.a1 and some.a0 have the same field query thing.");
  });

  test("two actions behind one door do not start", () => {
    expect(() => routesOf(contractWith("GET /v1/a/:id", "GET /v1/a/:other"))).toThrow(/:other in its route/);
    expect(() => routesOf(contractWith("GET /v1/a/:id", "GET /v1/a/:id"))).toThrow(/same route GET \/v1\/a\/:/);
  });

  test("what depends on who asks is not kept by shared caches", () => {
    const contract = contractWith("GET /v1/a/:id");
    Object.assign(contract.some.actions["some.a0"]?.rest ?? {}, { cacheSeconds: 60 });

    expect(() => routesOf(contract)).toThrow(/shared caches/);
  });

  test("a list is followed under the same ids and by the same people, and what it cannot be followed at does not start", () => {
    const routes = routesOf(contracts as Record<string, Contract>);
    const streams = streamsOf(routes);
    expect(streams.map(({ action, path }) => [action, path])).toEqual([
      ["orders.events", "/v1/orders/:id/stream"],
      ["notifications.events", "/v1/admin/events/stream"],
    ]);
    for (const { action, rest, params } of streams) {
      expect(rest.access).toBe(routes.find((route) => route.action === action)?.rest.access);
      expect(Object.keys(params)).not.toContain("limit");
    }
    const [events] = routes.filter(({ rest }) => rest.stream);
    if (!events) throw new Error("nothing can be followed");
    expect(() => streamsOf([{ ...events, rest: { ...events.rest, stream: "/v1/orders/stream" } }])).toThrow("followed");
    expect(() => streamsOf([{ ...events, params: {} }])).toThrow("followed");
  });

  test("a literal path goes before a pattern", () => {
    const routes = routesOf(contractWith("GET /v1/a/:id", "GET /v1/a/b")).toSorted(byPrecision);

    expect(routes.map(({ path }) => path)).toEqual(["/v1/a/b", "/v1/a/:id"]);
  });

  test.each([
    ["open", [true, true, true, true]],
    ["anyone", [true, true, true, true]],
    ["user", [false, true, true, true]],
    ["staff", [false, false, true, true]],
    ["admin", [false, false, false, true]],
  ] as const)("%s", (access, allowed) => {
    expect(
      [undefined, "customer" as const, "staff" as const, "admin" as const].map((role) => mayUse(access, role)),
    ).toEqual(allowed);
  });
});
