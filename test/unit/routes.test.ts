import { contracts } from "../../services/contracts.ts";
import { byPrecision, mayUse, routesOf } from "../../services/gateway/routes.ts";
import type { Contract } from "../../services/shared/contract.ts";
import { Shape, Type } from "../../services/shared/schema.ts";

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

  test("nothing below /v1/admin is open to customers or guests", () => {
    const routes = routesOf(contracts as Record<string, Contract>);
    const admin = routes.filter(({ path }) => path.startsWith("/v1/admin"));

    expect(admin.length).toBeGreaterThan(5);
    expect(admin.filter(({ rest }) => mayUse(rest.access, "customer"))).toEqual([]);
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
