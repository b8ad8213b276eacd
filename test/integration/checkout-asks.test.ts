import type { Context, Middleware } from "moleculer";
import { address } from "../client.ts";
import { staff } from "../money.ts";
import { openShop, type Shop } from "../shop.ts";
import { VirtualWorld } from "../virtual-world.ts";

const services = ["catalog", "inventory", "orders", "payments", "sandbox"] as const;

describe("what the checkout asks of others", () => {
  let world: VirtualWorld;
  let shop: Shop;
  let asked: string[];
  /** Actions that do not answer, and those that have not even said so yet. */
  let silent: RegExp;
  let hanging: RegExp;

  const between = {
    localAction:
      (next: (ctx: unknown) => Promise<unknown>, { name }: { name: string }) =>
      (ctx: Context) => {
        asked.push(name);
        if (hanging.test(name)) return new Promise(() => {});
        return silent.test(name) ? Promise.reject(new Error("no answer")) : next(ctx);
      },
  } as unknown as Middleware;
  const times = (name: string) => asked.filter((one) => one === name).length;

  const during = <T>(work: Promise<T>) => world.during(work);

  beforeEach(async () => {
    world = new VirtualWorld(5);
    asked = [];
    silent = hanging = /^$/;
    shop = await during(openShop({ services: [...services], world, between }));
    const variants = [{ sku: "MUG", price: { amount: 1900, currency: "EUR" } }];
    await during(shop.call("catalog.create", { title: "Mug", status: "active", variants }, staff));
    await during(shop.call("inventory.open", { stock: [{ sku: "MUG", onHand: 9 }] }));
    asked = [];
  });
  afterEach(() => during(shop.close()));

  const place = (token = "tok_visa", key = "a-key") =>
    shop.call(
      "orders.place",
      { email: "a@b.co", lines: [{ sku: "MUG", quantity: 1 }], shippingAddress: address, payment: { token } },
      { meta: { requestKey: key } },
    );
  const find = async () => (await shop.call("orders.search", {}, staff)).data[0];

  test("is asked once each, however often the buyer asks", async () => {
    const orders = await during(Promise.all([place(), place(), place(), place(), place()]));
    expect(new Set(orders.map(({ id }) => id)).size).toBe(1);
    for (const name of ["inventory.hold", "payments.authorize", "inventory.commit", "payments.captureOrder"])
      expect([name, times(name)]).toEqual([name, 1]);
  });

  test("what does not answer is asked at growing distances, by one node at a time, and the order goes on after it", async () => {
    silent = /inventory\.hold/;
    expect(await during(place())).toMatchObject({ status: "pending" });
    await world.run(4_000);
    expect(times("inventory.hold")).toBeLessThanOrEqual(7);
    silent = /^$/;
    await world.run(20_000);
    expect(await find()).toMatchObject({ status: "confirmed" });
    expect(times("payments.authorize")).toBe(1);
  });

  test("what was sold out a moment ago is looked at before it is held; once there is more, it is sold", async () => {
    const buy = (quantity: number, key: string) => {
      const lines = [{ sku: "MUG", quantity }];
      const order = { email: "a@b.co", lines, shippingAddress: address, payment: { token: "tok_visa" } };
      return during(shop.call("orders.place", order, { meta: { requestKey: key } }));
    };
    const short = { type: "insufficient_stock", code: 409 };
    const refused = async (key: string) =>
      expect(await buy(20, key).catch((error) => error)).toMatchObject({
        ...short,
        data: { errors: [{ path: "lines", sku: "MUG", requested: 20, available: 9 }] },
      });
    await refused("first");
    expect([times("inventory.check"), times("inventory.hold")]).toEqual([0, 1]);
    await refused("second");
    await refused("second");
    expect([times("inventory.check"), times("inventory.hold")]).toEqual([2, 1]);
    const { data } = await during(shop.call("orders.search", { status: "canceled" }, staff));
    expect(data).toHaveLength(2);

    await during(shop.call("inventory.adjust", { sku: "MUG", delta: 11, reason: "delivery" }, staff));
    // Whoever was told no is told the same again.
    expect(await buy(20, "second").catch((error) => error)).toMatchObject(short);
    expect(await buy(20, "third")).toMatchObject({ status: "confirmed" });
    expect(await during(shop.call("inventory.level", { sku: "MUG" }, staff))).toMatchObject({ onHand: 0, held: 0 });
  });

  test("an order that was given up is refused for good, and another key buys", async () => {
    silent = /inventory\.hold/;
    expect(await during(place())).toMatchObject({ status: "pending" });
    await world.run(180_000);
    silent = /^$/;
    await world.run(120_000);
    await expect(during(place())).rejects.toMatchObject({ type: "invalid_state", code: 409 });
    expect(await during(place("tok_visa", "another-key"))).toMatchObject({ status: "confirmed" });
    expect(await during(shop.call("inventory.level", { sku: "MUG" }, staff))).toMatchObject({ onHand: 8, held: 0 });
  });

  test("a refund that the provider refuses is shown to staff at once, keeps no stock, and is not asked for without end", async () => {
    const { id, payment } = await during(place("tok_refund_fails"));
    const canceled = await during(shop.call("orders.cancel", { id }, staff));
    expect(canceled).toMatchObject({ status: "canceled", paymentStatus: "captured", attention: "refund_refused" });
    expect(await during(shop.call("inventory.level", { sku: "MUG" }, staff))).toMatchObject({ onHand: 9, held: 0 });
    const { data: shown } = await during(shop.call("orders.search", { attention: "refund_refused" }, staff));
    expect(shown.map((order) => order.id)).toEqual([id]);
    expect(times("payments.reverse")).toBe(1);

    for (let hours = 0; hours < 24; hours++) {
      world.leap(3_600_000);
      await world.run(2_000);
    }
    expect(times("payments.reverse")).toBe(8);
    const { data } = await during(shop.call("orders.events", { id }, staff));
    const refused = { detail: "The provider has refused the refund." };
    expect(data.at(-1)).toMatchObject({ type: "refund_given_up", ...refused });
    expect(data).toContainEqual(expect.objectContaining({ type: "payment_not_reversed", ...refused }));
    const { refunds } = await during(shop.call("payments.get", { id: payment?.id ?? "" }, staff));
    expect(refunds).toHaveLength(8);
  });

  test.each(["inventory.hold", "payments.authorize"])(
    "a buyer is told where they stand while %s hangs",
    async (name) => {
      hanging = new RegExp(`^${name}$`);
      expect(await during(place())).toMatchObject({ status: "pending" });
      hanging = /^$/;
      await world.run(20_000);
      expect(await find()).toMatchObject({ status: "confirmed" });
    },
  );

  test("a payment that is canceled by staff takes its order with it, and the stock is free again", async () => {
    await during(shop.close());
    shop = await during(openShop({ services: [...services], world, between, env: { PAYMENT_CAPTURE: "manual" } }));
    const variants = [{ sku: "MUG", price: { amount: 1900, currency: "EUR" } }];
    await during(shop.call("catalog.create", { title: "Mug", status: "active", variants }, staff));
    await during(shop.call("inventory.open", { stock: [{ sku: "MUG", onHand: 9 }] }));

    const { id, status, payment } = await during(place());
    expect(status).toBe("confirmed");
    await during(shop.call("payments.cancel", { id: payment?.id ?? "" }, staff));
    await world.run(1_000);
    expect(await find()).toMatchObject({ id, status: "canceled", paymentStatus: "canceled" });
    expect(await during(shop.call("inventory.level", { sku: "MUG" }, staff))).toMatchObject({ onHand: 9, held: 0 });
  });

  test("a payment that came through while nobody heard of it is found out by looking", async () => {
    silent = /sandbox\.(authorize|lookUp)/;
    const order = await during(place());
    expect(order).toMatchObject({ status: "pending" });
    await world.run(2_000);
    silent = /orders\.hear/;
    await world.run(150_000);
    expect(await find()).toMatchObject({ id: order.id, status: "confirmed", paymentStatus: "captured" });
    expect(await during(shop.call("sandbox.charges", {}, staff))).toMatchObject({ data: [{ captured: 1900 }] });
  });
});
