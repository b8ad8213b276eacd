import { kinds, kindsFor } from "../../chaos/faults.ts";
import { Points, pointOf } from "../../chaos/inside/points.ts";
import { intentionOf, opened } from "../../chaos/intentions.ts";
import { type Purchase, unkept } from "../../chaos/notes.ts";
import { commandOf, optionsOf } from "../../chaos/options.ts";
import { planOf } from "../../chaos/plan.ts";
import type { Charge } from "../../services/sandbox/sandbox.contract.ts";
import { anOrder } from "../an-order.ts";

const options = (words: string) => optionsOf(words.split(" ").filter(Boolean), 7);

describe("what is planned", () => {
  test("is the same for the same seed, and another for another", () => {
    const plan = planOf(options("--minutes 5 --seed 3"));
    expect(planOf(options("--minutes 5 --seed 3"))).toEqual(plan);
    expect(planOf(options("--minutes 5 --seed 4"))).not.toEqual(plan);
    expect(plan.length).toBeGreaterThan(50);
  });

  test("begins as a shorter run of the same seed does", () => {
    const short = planOf(options("--minutes 1 --seed 3"));
    expect(planOf(options("--minutes 5 --seed 3")).slice(0, short.length)).toEqual(short);
  });

  test("has every kind of fault in ten minutes, and some that overlap", () => {
    for (const store of ["sqlite", "postgres", "mongodb"]) {
      const asked = options(`--seed 3 --store ${store}`);
      const plan = planOf(asked);
      expect(new Set(plan.map(({ kind }) => kind))).toEqual(new Set(kindsFor(asked)));
      const overlapping = plan.filter(
        ({ atMs, forMs }, n) => (plan[n + 1]?.atMs ?? Number.POSITIVE_INFINITY) < atMs + forMs,
      );
      expect(overlapping.length).toBeGreaterThan(0);
    }
  });

  test("has only what was asked for, and nothing that this shop does not have", () => {
    const families = new Set(planOf(options("--only kill,nats")).map(({ kind }) => kinds[kind].family));
    expect(families).toEqual(new Set(["kill", "nats"]));
    expect(planOf(options("--only nats --store sqlite"))).toEqual([]);
  });

  test("buyers want the same under the same seed, and no two purchases share key or address", () => {
    const wanted = (seed: number) =>
      [0, 1, 2].flatMap((buyer) => Array.from({ length: 30 }, (_, n) => intentionOf(seed, buyer, n)));
    expect(wanted(5)).toEqual(wanted(5));
    expect(wanted(5)).not.toEqual(wanted(6));
    expect(new Set(wanted(5).map(({ key }) => key)).size).toBe(90);
    expect(new Set(wanted(5).map(({ email }) => email)).size).toBe(90);
    for (const { sku } of wanted(5).flatMap(({ lines }) => lines)) expect(opened).toHaveProperty([sku]);
  });
});

describe("what is asked for", () => {
  test("is repeated by the command that the run ends with", () => {
    const asked = options("--minutes 2.5 --store mongodb --pace 1 --only kill,db --report /tmp/x");
    const [, words = ""] = commandOf(asked).split("-- ", 2);
    expect(optionsOf(commandOf(asked).slice("npm run chaos -- ".length).split(" "), 99)).toEqual(asked);
    expect(words).not.toBe("");
  });

  test.each([
    ["--store oracle", /--store oracle cannot be used: it is one of sqlite, postgres, mongodb/],
    ["--minutes soon", /--minutes soon cannot be used: it is a number from/],
    ["--nodes 1.5", /--nodes 1.5 cannot be used/],
    ["--only floods", /--only floods cannot be used: it is a comma list of kill, term/],
    ["--hours 3", /npm run chaos -- /],
  ])("%s is refused with a line that says what could be", (words, said) => {
    expect(() => options(words)).toThrow(said);
  });
});

describe("points", () => {
  test("are numbered as they are passed, and a node dies at the one that it was told, that time", () => {
    const deaths: string[] = [];
    const points = new Points((signal) => deaths.push(signal));
    points.record();
    points.arm({ point: "a.save:before", nth: 2, signal: "SIGKILL" });
    for (const point of ["a.save:before", "b:asked", "a.save:before", "a.save:before"]) {
      points.pass(point);
      if (point === "b:asked") expect(deaths).toEqual([]);
    }
    expect(deaths).toEqual(["SIGKILL"]);
    expect(points.passed()).toEqual(["a.save:before:1", "b:asked:1", "a.save:before:2", "a.save:before:3"]);
    expect(pointOf("a.save:before:2")).toEqual({ point: "a.save:before", nth: 2 });
  });
});

describe("what buyers were told is compared with what is written down", () => {
  const order = anOrder({ email: "buyer-1@example.com", payment: { id: "pay_1" } });
  const charge = { key: "pay_1", captured: 3800, refunded: 0 } as Charge;
  const books = { orders: [order], charges: [charge], orderOf: new Map([["pay_1", order.id]]) };
  const intention = { ...intentionOf(1, 0, 0), key: "key-1", email: order.email };
  const told = (what: Purchase["told"][number]["what"], status: number, body: unknown) => ({
    at: "2026-01-01T12:00:00.000Z",
    what,
    status,
    text: typeof body === "string" ? body : JSON.stringify(body),
  });
  const placed = told("place", 201, order);
  const noted = (...all: Purchase["told"]): Purchase[] => [{ intention, told: all, orderId: order.id }];

  test("nothing is wrong where all is as it was said", () => {
    expect(unkept(noted(placed, told("repeat", 201, order)), books)).toEqual([]);
  });

  test("an order that was promised and is not there", () => {
    expect(unkept(noted(placed), { ...books, orders: [] }).join()).toMatch(/is confirmed, and it is not there/);
  });

  test("an order that went back from what it was", () => {
    const back = { ...books, orders: [{ ...order, status: "pending" as const }] };
    expect(unkept(noted(placed), back).join()).toMatch(/is confirmed, and it is pending/);
  });

  test("an order that was canceled, and nobody had asked for that", () => {
    const canceled = { ...books, orders: [{ ...order, status: "canceled" as const }] };
    expect(unkept(noted(placed), canceled).join()).toMatch(/is confirmed, and it is canceled/);
    const asked = noted(placed, told("cancel", 200, { ...order, status: "canceled" }));
    const paidBack = { ...canceled, charges: [{ ...charge, refunded: 3800 }] };
    expect(unkept(asked, paidBack)).toEqual([]);
    expect(unkept(asked, canceled).join()).toMatch(/has paid 3800 for/);
  });

  test("a key with two orders, or with two answers", () => {
    const other = { ...order, id: "ord_2" };
    expect(unkept(noted(placed), { ...books, orders: [order, other] }).join()).toMatch(/has 2 orders/);
    expect(unkept(noted(placed, told("repeat", 201, other)), books).join()).toMatch(/was told 201 .* and then 201/);
  });

  test("a purchase that was refused and yet took place, or took money", () => {
    const refused = noted(told("place", 409, { code: "insufficient_stock" }));
    expect(unkept(refused, books).join()).toMatch(/was refused with 409 insufficient_stock, and \w+ is confirmed/);
    const canceled = [{ ...order, status: "canceled" as const }];
    const given = { ...books, orders: canceled, charges: [{ ...charge, refunded: 3800 }] };
    expect(unkept(refused, given).join()).toMatch(/not enough, and 3800 were taken \(3800 given back\)/);
  });

  test("an order that nobody has placed", () => {
    expect(unkept([], books).join()).toMatch(/was ordered by nobody/);
  });
});
