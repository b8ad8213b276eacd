import { coresFor, forecast, type Stream } from "../../bench/forecast.ts";

const stream = (perSecond: number, costs: Record<string, number>): Stream => ({
  name: "get",
  perSecond,
  ms: new Map(Object.entries(costs)),
});

test("one queue is as theory has it: of an M/M/1 at half its load, half are answered within 2 ln 2 services", async () => {
  const { answers, busy } = await forecast([stream(50, { catalog: 10 })], new Map([["catalog", 1]]), {
    seconds: 2_000,
  });
  expect(busy.get("catalog")).toBeCloseTo(0.5, 1);
  expect(answers.get("get")?.p50Ms).toBeCloseTo(2 * Math.LN2 * 10, 0);
  expect(answers.get("get")?.p99Ms).toBeGreaterThan(80);
  expect(answers.get("get")?.p99Ms).toBeLessThan(105);
});

test("what is asked of several takes as long as all of them", async () => {
  const cores = new Map([
    ["gateway", 4],
    ["catalog", 4],
  ]);
  const { answers } = await forecast([stream(1, { gateway: 10, catalog: 30 })], cores, { seconds: 5_000 });
  expect(answers.get("get")?.p50Ms).toBeGreaterThan(30);
  expect(answers.get("get")?.p50Ms).toBeLessThan(45);
});

test("whoever is asked for more than there is of him is busy all the time, and all wait longer and longer", async () => {
  const { answers, busy } = await forecast([stream(200, { orders: 10 })], new Map([["orders", 1]]), { seconds: 20 });
  expect(busy.get("orders")).toBeGreaterThan(0.95);
  expect(answers.get("get")?.p99Ms).toBeGreaterThan(1_000);
});

test("nobody is given less than a core, and nobody is busier than he may be", () => {
  const cores = coresFor([stream(1_000, { gateway: 1.5, users: 0.001 })], 0.6);
  expect(Object.fromEntries(cores)).toEqual({ gateway: 3, users: 1 });
});
