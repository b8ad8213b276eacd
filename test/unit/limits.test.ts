import { contracts } from "../../services/contracts.ts";
import { Buckets, limits } from "../../services/gateway/limits.ts";
import { routesOf } from "../../services/gateway/routes.ts";
import type { Contract } from "../../services/shared/contract.ts";

const limit = { perSecond: 2, burst: 4 };
const takeMany = (buckets: Buckets, key: string, count: number, now: number) =>
  Array.from({ length: count }, () => buckets.take(key, limit, now));

describe("limits", () => {
  test("a burst, then as many as flow in", () => {
    const buckets = new Buckets();

    expect(takeMany(buckets, "a", 5, 0)).toEqual([0, 0, 0, 0, 1]);
    expect(takeMany(buckets, "a", 3, 1_000)).toEqual([0, 0, 1]);
    expect(takeMany(buckets, "a", 5, 60_000)).toEqual([0, 0, 0, 0, 1]);
  });

  test("asking in vain does not make the wait longer", () => {
    const buckets = new Buckets();
    takeMany(buckets, "a", 1_000, 0);

    expect(buckets.take("a", limit, 500)).toBe(0);
  });

  test("everybody has a bucket of their own", () => {
    const buckets = new Buckets();
    takeMany(buckets, "a", 10, 0);

    expect(buckets.take("b", limit, 0)).toBe(0);
  });

  test("a clock that is set back gives nothing away and locks nobody out", () => {
    const buckets = new Buckets();
    takeMany(buckets, "a", 5, 10_000);

    expect(buckets.take("a", limit, 0)).toBe(1);
    expect(buckets.take("a", limit, 500)).toBe(0);
  });

  test("a crowd of strangers takes no memory: the longest away is forgotten", () => {
    const buckets = new Buckets(2);
    takeMany(buckets, "a", 5, 0);
    takeMany(buckets, "b", 5, 0);
    expect(buckets.take("a", limit, 0)).toBe(1);
    buckets.take("c", limit, 0);

    expect(buckets.take("a", limit, 0)).toBe(1);
    expect(buckets.take("b", limit, 0)).toBe(0);
  });

  test("every route but the probes is held to some limit, signing in to the strictest", () => {
    const held = routesOf(contracts as Record<string, Contract>).map((route) => ({
      path: route.path,
      limits: limits.filter((one) => one.holds(route)).map(({ name }) => name),
    }));

    expect(held.filter((one) => one.limits.length === 0).map(({ path }) => path)).toEqual(
      held.map(({ path }) => path).filter((path) => /^\/health/.test(path)),
    );
    expect(held.find(({ path }) => path === "/v1/auth/login")?.limits).toContain("sign-in");
    expect(held.find(({ path }) => path === "/v1/orders")?.limits).toContain("orders");
  });
});
