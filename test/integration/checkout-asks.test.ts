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

  test("a refund that the provider refuses is not asked for without a pause, and the timeline says so", async () => {
    const { id } = await during(place("tok_refund_fails"));
    expect(await during(shop.call("orders.cancel", { id }, staff))).toMatchObject({ status: "canceled" });
    await world.run(5_000);
    expect(times("payments.reverse")).toBeLessThanOrEqual(8);
    expect(times("payments.reverse")).toBeGreaterThan(2);
    const { data } = await during(shop.call("orders.events", { id }, staff));
    expect(data.at(-1)).toMatchObject({ type: "payment_not_reversed", detail: "The provider has refused the refund." });
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
