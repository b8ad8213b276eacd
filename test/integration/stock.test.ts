import type { Middleware } from "moleculer";
import type { Collection, Doc } from "../../mixins/store.mixin.ts";
import { realWorld } from "../../services/shared/world.ts";
import { until } from "../client.ts";
import { openShop, type Shop } from "../shop.ts";

const orderId = (n: number) => `ord_${String(n).padStart(26, "0")}`;
const soon = () => new Date(Date.now() + 60_000).toISOString();

describe("stock", () => {
  let shop: Shop;

  /** Movements are not put on record. */
  let isDeaf = false;
  let heard = 0;
  let hours = 0;

  beforeEach(async () => {
    isDeaf = false;
    hours = 0;
    const between = {
      localAction(next: (ctx: unknown) => Promise<unknown>, { name }: { name: string }) {
        if (name !== "inventory.hear") return next;
        return (ctx: unknown) => {
          heard++;
          return isDeaf ? Promise.reject(new Error("deaf")) : next(ctx);
        };
      },
    } as Middleware;
    const world = { ...realWorld, now: () => realWorld.now() + hours * 3_600_000 };
    shop = await openShop({ services: ["inventory"], between, world });
    await shop.call("inventory.open", {
      stock: [
        { sku: "MUG", onHand: 50 },
        { sku: "TRAY", onHand: 1 },
      ],
    });
  });
  afterEach(() => shop.close());

  const hold = (n: number, ...lines: { sku: string; quantity: number }[]) =>
    shop.call("inventory.hold", { orderId: orderId(n), lines, expiresAt: soon() });
  const commit = (n: number, ...lines: { sku: string; quantity: number }[]) =>
    shop.call("inventory.commit", { orderId: orderId(n), lines });
  const release = (n: number, ...lines: { sku: string; quantity: number }[]) =>
    shop.call("inventory.release", { orderId: orderId(n), lines });
  const level = (sku = "MUG") => shop.call("inventory.level", { sku });
  const mug = { sku: "MUG", quantity: 1 };
  const collection = (name: "stock" | "movements") =>
    (shop.broker.getLocalService("inventory") as unknown as Record<string, Collection<Doc>>)[name] as Collection<Doc>;

  test("200 buyers at once get exactly the 50 units that there are", async () => {
    const outcomes = await Promise.allSettled(Array.from({ length: 200 }, (_, n) => hold(n, mug)));

    expect(outcomes.filter((one) => one.status === "fulfilled")).toHaveLength(50);
    const refused = outcomes.find((one) => one.status === "rejected");
    expect(refused?.reason).toMatchObject({
      type: "insufficient_stock",
      code: 409,
      data: { errors: [{ sku: "MUG", requested: 1, available: 0 }] },
    });
    expect(await level()).toMatchObject({ onHand: 50, held: 50, available: 0 });
  });

  test("sales that are decided together are put on record together: a rush leaves nothing behind that grows", async () => {
    const orders = Array.from({ length: 40 }, (_, n) => n);
    await Promise.all(orders.map((n) => hold(n, mug)));
    heard = 0;
    await Promise.all(orders.map((n) => commit(n, mug)));

    const sold = () => collection("movements").count({ sku: "MUG" });
    expect(await until(sold, (count) => count === 41)).toBe(41);
    expect(heard).toBeLessThan(5);
  });

  test("an order that asks twice holds and takes once", async () => {
    await Promise.all([hold(1, mug), hold(1, mug), hold(1, mug)]);
    expect(await level()).toMatchObject({ onHand: 50, held: 1 });

    await Promise.all([commit(1, mug), commit(1, mug)]);
    await commit(1, mug);
    expect(await level()).toMatchObject({ onHand: 49, held: 0 });
  });

  test("all lines or none", async () => {
    await expect(hold(1, mug, { sku: "TRAY", quantity: 2 })).rejects.toMatchObject({ type: "insufficient_stock" });
    expect(await level()).toMatchObject({ held: 0, available: 50 });
  });

  test("equal SKUs in one order are summed first", async () => {
    await expect(hold(1, { sku: "TRAY", quantity: 1 }, { sku: "TRAY", quantity: 1 })).rejects.toMatchObject({
      type: "insufficient_stock",
      data: { errors: [{ sku: "TRAY", requested: 2, available: 1 }] },
    });
  });

  test("what was sold comes back once, however often it is released", async () => {
    await hold(1, mug);
    await commit(1, mug);
    await Promise.all([release(1, mug), release(1, mug)]);
    await release(1, mug);

    expect(await level()).toMatchObject({ onHand: 50, held: 0 });
    await expect(commit(1, mug)).rejects.toMatchObject({ type: "invalid_state" });
  });

  test("an order that was released cannot hold again", async () => {
    await release(1, mug);

    await expect(hold(1, mug)).rejects.toMatchObject({ type: "invalid_state" });
    expect(await level()).toMatchObject({ held: 0 });
  });

  test("where another node takes the last of one SKU, what was held of the others is given back", async () => {
    const { adapter } = collection("stock");
    const replace = adapter.replace.bind(adapter);
    adapter.replace = async (record, version) => {
      const tray = record._id === "TRAY" ? await adapter.findById("TRAY") : null;
      if (tray?.onHand === 1) await replace({ ...tray, onHand: 0, version: tray.version + 1 }, tray.version);
      return replace(record, version);
    };
    await expect(hold(1, mug, { sku: "TRAY", quantity: 1 })).rejects.toMatchObject({ type: "insufficient_stock" });

    expect(await level("MUG")).toMatchObject({ onHand: 50, held: 0 });
    await expect(hold(1, mug)).rejects.toMatchObject({ type: "invalid_state" });
  });

  test("a release that is repeated just as the return is put on record returns nothing twice", async () => {
    await hold(1, mug);
    await commit(1, mug);
    const sales = () => collection("movements").count({ orderId: orderId(1) });
    expect(await until(sales, (count) => count === 1)).toBe(1);
    isDeaf = true;
    await release(1, mug);
    hours++;
    const { adapter } = collection("movements");
    const find = adapter.find.bind(adapter);
    adapter.find = async (filters) => {
      const found = await find(filters);
      adapter.find = find;
      isDeaf = false;
      const { outbox = [] } = (await collection("stock").adapter.findById("MUG")) ?? {};
      for (const { to: _to, tries: _tries, error: _error, away: _away, againAt: _again, ...fact } of outbox)
        await shop.call("inventory.hear", { ...fact, subject: "MUG" });
      return found;
    };
    await release(1, mug);

    expect(await level()).toMatchObject({ onHand: 50, held: 0 });
  });

  test("operator objects, extra fields and __proto__ are refused", async () => {
    const hostile = [
      { sku: { $ne: null } },
      { sku: "MUG", extra: 1 },
      JSON.parse('{"sku":"MUG","__proto__":{"admin":true}}'),
    ];
    for (const params of hostile) {
      await expect(shop.call("inventory.level", params)).rejects.toMatchObject({ type: "invalid_input", code: 422 });
    }
  });

  test("a request for an adjustment that was told no is told no again, and changes nothing when there is enough", async () => {
    const adjust = (delta: number, requestKey: string) =>
      shop.call("inventory.adjust", { sku: "TRAY", delta, reason: "counted" }, { meta: { requestKey } });
    const no = { type: "insufficient_stock", message: "Only 1 of TRAY can be taken away." };
    await expect(adjust(-2, "a")).rejects.toMatchObject(no);
    expect(await adjust(5, "b")).toMatchObject({ onHand: 6 });
    await expect(adjust(-2, "a")).rejects.toMatchObject(no);
    expect(await shop.call("inventory.level", { sku: "TRAY" })).toMatchObject({ onHand: 6 });
  });
});
