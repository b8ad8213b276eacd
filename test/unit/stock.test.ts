import fc from "fast-check";
import {
  adjust,
  available,
  commit,
  emptyShelf,
  expire,
  heldUnits,
  holdAll,
  letGo,
  type Past,
  refreshed,
  refusedAdjustment,
  release,
  type Stock,
  unitsBySku,
} from "../../services/inventory/stock.ts";

const nothing: Past = { sold: false, returned: false };
const moment = (now = "2026-01-01T12:00:00.000Z") => ({ now, movementId: () => "mov_00000000000000000000000000" });
const later = "2026-01-01T13:00:00.000Z";
const shelf = (units: number): Stock =>
  adjust({ ...emptyShelf("MUG"), version: 1 }, { delta: units, reason: "delivery", actorId: null }, moment());
const hold = (stock: Stock, orderId: string, units: number, past = nothing): Stock =>
  holdAll(
    new Map([["MUG", stock]]),
    { orderId, wanted: new Map([["MUG", units]]), expiresAt: later, ask: "ask" },
    () => past,
  )[0] ?? stock;

describe("holding stock", () => {
  test("takes the units from what others can have", () => {
    expect(available(hold(shelf(5), "ord_a", 2))).toBe(3);
  });

  test("refuses more than is left, and says how much is", () => {
    const oneLeft = hold(shelf(5), "ord_a", 4);
    expect(() => hold(oneLeft, "ord_b", 2)).toThrow(
      expect.objectContaining({
        type: "insufficient_stock",
        data: { errors: [expect.objectContaining({ sku: "MUG", requested: 2, available: 1 })] },
      }),
    );
  });

  test("changes nothing when an order asks a second time", () => {
    const once = hold(shelf(5), "ord_a", 2);
    expect(hold(once, "ord_a", 2)).toBe(once);
  });

  test("counts a SKU that stands on two lines once, in full", () => {
    expect([
      ...unitsBySku([
        { sku: "MUG", quantity: 2 },
        { sku: "MUG", quantity: 1 },
      ]),
    ]).toEqual([["MUG", 3]]);
  });

  test("a late repeat of a sale that is long on record holds nothing", () => {
    const stock = shelf(5);
    expect(hold(stock, "ord_a", 2, { sold: true, returned: false })).toBe(stock);
    expect(commit(stock, "ord_a", { sold: true, returned: false }, moment())).toBe(stock);
  });

  test("a hold that has expired cannot be taken any more", () => {
    const expired = expire(hold(shelf(5), "ord_a", 2), later);
    expect(available(expired)).toBe(5);
    expect(() => commit(expired, "ord_a", nothing, moment())).toThrow(
      expect.objectContaining({ type: "invalid_state" }),
    );
  });

  test("nobody takes from the shelf what an order holds", () => {
    const held = hold(shelf(5), "ord_a", 4);
    expect(() => adjust(held, { delta: -2, reason: "broken", actorId: null }, moment())).toThrow(
      expect.objectContaining({ type: "insufficient_stock" }),
    );
  });

  test("an earlier question that comes away with nothing does not let go of what a later one counts on", () => {
    const wanted = new Map([["MUG", 1]]);
    const asked = (stock: Stock, ask: string) =>
      holdAll(new Map([["MUG", stock]]), { orderId: "ord_1", wanted, expiresAt: later, ask }, () => nothing)[0] ??
      stock;
    const first = asked(shelf(5), "first");
    expect(asked(first, "first")).toBe(first);
    const second = asked(first, "second");
    expect(heldUnits(second)).toBe(1);
    expect(letGo([second], "ord_1", "first", later)).toEqual([]);
    expect(letGo([second], "ord_1", "second", later).map(heldUnits)).toEqual([0]);
  });

  test("an adjustment that was refused stays so, also where its repeat arrives when there is enough", () => {
    const asked = { delta: -3, reason: "broken", actorId: null };
    const refused = adjust(shelf(2), asked, moment(), "key");
    expect(refused.onHand).toBe(2);
    expect(refusedAdjustment(refused, "key")).toMatchObject({
      type: "insufficient_stock",
      message: "Only 2 of MUG can be taken away.",
      data: { errors: [{ sku: "MUG", requested: 3, available: 2 }] },
    });
    const more = adjust(refused, { delta: 9, reason: "delivery", actorId: null }, moment(), "another key");
    expect(refusedAdjustment(more, "another key")).toBeUndefined();
    expect(adjust(more, asked, moment(), "key")).toBe(more);
    expect(refusedAdjustment(more, "key")).toMatchObject({ message: "Only 2 of MUG can be taken away." });
  });

  test("an adjustment that is repeated under the same key counts once", () => {
    const once = adjust(shelf(5), { delta: 3, reason: "found", actorId: null }, moment(), "key");
    expect(adjust(once, { delta: 3, reason: "found", actorId: null }, moment(), "key")).toBe(once);
  });
});

describe("stock, whatever is done to it in whatever order", () => {
  const orderId = fc.constantFrom("ord_a", "ord_b", "ord_c");
  const command = fc.oneof(
    fc.record({ kind: fc.constant("hold" as const), orderId, units: fc.integer({ min: 1, max: 6 }) }),
    fc.record({ kind: fc.constant("commit" as const), orderId }),
    fc.record({ kind: fc.constant("release" as const), orderId }),
    fc.record({
      kind: fc.constant("adjust" as const),
      delta: fc.integer({ min: -5, max: 8 }).filter((delta) => delta !== 0),
    }),
    fc.record({ kind: fc.constant("expire" as const) }),
    fc.record({ kind: fc.constant("round" as const) }),
  );

  test("is never oversold, and what is on hand is the sum of its movements", () => {
    fc.assert(
      fc.property(fc.array(command, { maxLength: 60 }), (commands) => {
        let stock: Stock = { ...emptyShelf("MUG"), version: 1 };
        const moved: { delta: number; orderId: string | null; kind: string }[] = [];
        const wanted = new Map<string, number>();
        const past = (id: string): Past => ({
          sold: moved.some((one) => one.orderId === id && one.kind === "sold"),
          returned: moved.some((one) => one.orderId === id && one.kind === "returned"),
        });
        const now = moment();
        const run = {
          hold: ({ orderId = "", units = 0 }) => {
            const sum = wanted.get(orderId) ?? units;
            stock = hold(stock, orderId, sum, past(orderId));
            wanted.set(orderId, sum);
          },
          commit: ({ orderId = "" }) => {
            stock = commit(stock, orderId, past(orderId), now);
          },
          release: ({ orderId = "" }) => {
            stock = release(stock, orderId, wanted.get(orderId) ?? 1, past(orderId), now);
          },
          adjust: ({ delta = 0 }) => {
            stock = adjust(stock, { delta, reason: "test", actorId: null }, now);
          },
          expire: () => {
            stock = expire(stock, later);
          },
          round: () => {
            moved.push(...stock.moved);
            stock = refreshed(stock, later, new Set(moved.flatMap(({ orderId }) => orderId ?? [])));
          },
        };
        for (const { kind, ...params } of commands) {
          try {
            (run[kind] as (params: object) => void)(params);
          } catch (error) {
            expect(error).toMatchObject({ name: "Refusal" });
          }
          const all = [...moved, ...stock.moved];
          expect(stock.onHand).toBe(all.reduce((sum, { delta }) => sum + delta, 0));
          expect(available(stock)).toBeGreaterThanOrEqual(0);
          expect(heldUnits(stock)).toBeGreaterThanOrEqual(0);
          for (const id of ["ord_a", "ord_b", "ord_c"]) {
            const of = (kind: string) => all.filter((one) => one.orderId === id && one.kind === kind).length;
            expect(of("sold")).toBeLessThanOrEqual(1);
            expect(of("returned")).toBeLessThanOrEqual(of("sold"));
          }
        }
      }),
      { numRuns: 500 },
    );
  });
});
