import { planOf } from "../../cluster/plan.ts";

const madeUp = { secret: "made up for the occasion", ports: [7701, 7702] };
const postgres = "postgres://db/shop";
const plan = (given: Record<string, string> = {}, ...args: string[]) => planOf(args, given, madeUp);
const envOf = (name: string, ...asked: Parameters<typeof plan>) =>
  plan(...asked).parts.find((part) => part.name === name)?.env;

describe("the plan of a local cluster", () => {
  test("where nothing is said: a process of each service with a file of its own, that meet over TCP", () => {
    const { parts, urls } = plan();
    expect(new Set(parts.map(({ env }) => env.SERVICES)).size).toBe(parts.length);
    const { orders, inventory } = Object.fromEntries(parts.map(({ service, env }) => [service, env]));
    expect([orders?.ORDERS_STORE, inventory?.INVENTORY_STORE]).toEqual(["sqlite:orders.db", "sqlite:inventory.db"]);
    expect(orders).toMatchObject({
      TRANSPORTER: "tcp://127.0.0.1:7701,127.0.0.1:7702",
      BUS_SECRET: madeUp.secret,
      DATA_DIR: "./data/cluster",
    });
    expect(urls).toEqual(["http://127.0.0.1:3000"]);
  });

  test("several of a service, and of gateways the next ports", () => {
    const { parts, urls } = plan({ STORE: postgres, PORT: "4000" }, "--scale", "inventory=3,gateway=2");
    expect(parts.filter(({ service }) => service === "inventory").map(({ name }) => name)).toEqual([
      "inventory-1",
      "inventory-2",
      "inventory-3",
    ]);
    expect(urls).toEqual(["http://127.0.0.1:4000", "http://127.0.0.1:4001"]);
    expect(envOf("orders-2", { STORE: postgres }, "--scale=orders=2")?.ORDERS_STORE).toBe(postgres);
  });

  test("a bus, a secret and stores that are given, in files too, are left to the nodes", () => {
    const given = { TRANSPORTER_FILE: "/bus", BUS_SECRET_FILE: "/secret", STORE_FILE: "/store" };
    const { parts, invitation } = plan(given, "--scale", "orders=2");
    expect(invitation).toBeUndefined();
    for (const name of ["TRANSPORTER", "BUS_SECRET", "ORDERS_STORE"])
      expect(parts.filter(({ env }) => name in env)).toEqual([]);
  });

  test("an address of IPv6 is one that can be asked", () => {
    const { urls } = plan({ HOST: "::1" });
    expect(urls.map((url) => new URL(url).host)).toEqual(["[::1]:3000"]);
  });

  test.each<[Record<string, string>, string[], RegExp]>([
    [{}, ["--scale", "inventory=2"], /^inventory=2 cannot be used with SQLite/],
    [{ STORE: "sqlite:shop.db" }, [], /cannot both use sqlite:shop\.db/],
    [{ STORE: postgres }, ["--scale", "inventory=0"], /^--scale inventory=0 cannot be used/],
    [{ STORE: postgres }, ["--scale", "inventory=21"], /^--scale inventory=21 cannot be used/],
    [{ STORE: postgres }, ["--scale", "toString=2"], /^--scale toString=2 cannot be used/],
    [{ STORE: postgres }, ["--scale"], /^--scale {2}cannot be used/],
    [{}, ["--more"], /^--more is not known here/],
    [{ PORT: "65530" }, [], /^PORT=65530 cannot be used/],
  ])("%j %j is refused in one line", (given, args, why) => {
    expect(() => plan(given, ...args)).toThrow(
      expect.objectContaining({ name: "UnusablePlan", message: expect.stringMatching(why) }),
    );
  });
});
