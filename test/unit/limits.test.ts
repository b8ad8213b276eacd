import { contracts } from "../../services/contracts.ts";
import { Buckets, Crowd, Limits, limits } from "../../services/gateway/limits.ts";
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
    const limitsOf = (wanted: string) => held.find(({ path }) => path === wanted)?.limits;
    for (const path of ["/v1/auth/login", "/v1/auth/register"]) expect(limitsOf(path)).toContain("sign-in");
    for (const path of ["/v1/auth/refresh", "/v1/auth/logout"]) expect(limitsOf(path)).toEqual(["all"]);
    expect(limitsOf("/v1/orders")).toContain("orders");
  });

  const order = { method: "POST", path: "/v1/orders" } as const;
  const refused = expect.objectContaining({ type: "too_many_requests" });

  test("a few hundred orders at once from one storefront are taken, thousands are not", () => {
    const doors = new Limits(true, () => 0);
    const buy = () => doors.hold(order, { network: "203.0.113.7" });
    for (let n = 0; n < 500; n++) buy();

    expect(buy).toThrow(refused);
    expect(() => doors.hold(order, { network: "203.0.113.8" })).not.toThrow();
  });

  test("a user counts as that user, from wherever; for signing in only the network counts", () => {
    const doors = new Limits(true, () => 0);
    for (let n = 0; n < 500; n++) doors.hold(order, { userId: "usr_1", network: `203.0.113.${n % 250}` });
    expect(() => doors.hold(order, { userId: "usr_1", network: "198.51.100.1" })).toThrow(refused);
    expect(() => doors.hold(order, { userId: "usr_2", network: "203.0.113.1" })).not.toThrow();

    const login = { method: "POST", path: "/v1/auth/login" } as const;
    for (let n = 0; n < 100; n++) doors.hold(login, { network: "203.0.113.7" });
    expect(() => doors.hold(login, { network: "203.0.113.7" })).toThrow(refused);
  });

  test("with limits off nobody is held up", () => {
    const doors = new Limits(false, () => 0);
    for (let n = 0; n < 10_000; n++) doors.hold(order, { network: "203.0.113.7" });
  });
});

describe("a crowd", () => {
  const enter = (crowd: Crowd, network: string, count: number) => {
    for (let n = 0; n < count; n++) crowd.enter(network);
  };

  test("of one network never fills the house", () => {
    const crowd = new Crowd(true);
    enter(crowd, "a", 600);
    crowd.enter("b");

    expect(() => crowd.refuse("a")).toThrow(expect.objectContaining({ type: "too_many_requests" }));
    expect(() => crowd.refuse("b")).not.toThrow();
    for (let n = 0; n < 200; n++) crowd.leave("a");
    expect(() => crowd.refuse("a")).not.toThrow();
  });

  test("of another kind has bounds of its own", () => {
    const crowd = new Crowd(true, { most: 3, mostOfOneNetwork: 1, what: "streams" });
    enter(crowd, "a", 1);
    expect(() => crowd.refuse("a")).not.toThrow();
    enter(crowd, "a", 1);
    expect(() => crowd.refuse("a")).toThrow("Too many streams at once.");
    enter(crowd, "b", 2);
    expect(() => crowd.refuse("c")).toThrow(expect.objectContaining({ type: "unavailable" }));
  });

  test("of many fills it, and who is refused is told when to come again", () => {
    const crowd = new Crowd(true);
    for (let n = 0; n <= 1_000; n++) crowd.enter(`network-${n}`);

    expect(() => crowd.refuse("network-1")).toThrow(
      expect.objectContaining({ type: "unavailable", data: { retryAfterSeconds: 1 } }),
    );
  });
});
