import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { realWorld } from "../../services/shared/world.ts";
import { until } from "../client.ts";
import { staff, till } from "../money.ts";
import { openShop, type Shop, type ShopOptions } from "../shop.ts";

const services: ShopOptions["services"] = ["payments", "sandbox"];

describe("a payment that is given up keeps no money", () => {
  let shop: Shop;
  beforeEach(async () => {
    shop = await openShop({ services });
  });
  afterEach(() => shop.close());

  test("before it began: none can begin any more", async () => {
    const { reverse, authorize, captureOrder, charges } = till(shop);

    expect(await reverse(1)).toBeNull();
    expect(await reverse(1)).toBeNull();
    await expect(authorize(1)).rejects.toMatchObject({ type: "invalid_state" });
    await expect(captureOrder(1)).rejects.toMatchObject({ type: "invalid_state" });
    expect(await charges()).toEqual([]);
  });

  test("in a race with its beginning", async () => {
    const { reverse, authorize, charges, get } = till(shop);
    const orders = Array.from({ length: 30 }, (_, n) => n);
    const begun = await Promise.all(
      orders.map(async (n) => {
        const [payment] = await Promise.allSettled([authorize(n), reverse(n), authorize(n), reverse(n)]);
        return payment;
      }),
    );

    for (const outcome of begun)
      if (outcome.status === "fulfilled") expect(await get(outcome.value.id)).toMatchObject({ status: "canceled" });
    expect((await charges()).filter(({ status }) => status !== "canceled")).toEqual([]);
  });

  test.each([
    ["tok_visa", "authorized"],
    ["tok_3ds", "requires_action"],
    ["tok_async", "awaiting"],
  ])("after %s was %s: the provider lets go of it, and stays so", async (token, status) => {
    const { reverse, authorize, charges, captureOrder } = till(shop);
    const { id } = await authorize(1, token);

    expect(await Promise.all([reverse(1), reverse(1)])).toMatchObject([{ status: "canceled" }, { status: "canceled" }]);
    expect(await reverse(1)).toMatchObject({ id, status: "canceled" });
    expect(await charges()).toMatchObject([{ status: "canceled", captured: 0 }]);
    expect(await authorize(1)).toMatchObject({ id, status: "canceled" });
    await expect(captureOrder(1)).rejects.toMatchObject({ type: "invalid_state" });
    expect(status).not.toBe("captured");
  });

  test("after it was taken: it is refunded once, however often it is asked", async () => {
    const { reverse, authorize, captureOrder, charges, ledger } = till(shop);
    await authorize(1);
    await captureOrder(1);
    await Promise.all([reverse(1), reverse(1), reverse(1)]);

    expect(await reverse(1)).toMatchObject({ status: "refunded", refunds: [{ status: "succeeded" }] });
    expect(await charges()).toMatchObject([{ captured: 10_000, refunded: 10_000 }]);
    expect((await ledger(1)).map(({ kind }) => kind)).toEqual(["refund", "capture"]);
  });

  test("while it is being taken", async () => {
    const { reverse, authorize, captureOrder, charges } = till(shop);
    const orders = Array.from({ length: 30 }, (_, n) => n);
    await Promise.all(orders.map((n) => authorize(n)));
    await Promise.all(orders.map((n) => Promise.allSettled([captureOrder(n), reverse(n)])));
    await Promise.all(orders.map((n) => reverse(n)));

    const left = await charges();
    expect(left).toHaveLength(30);
    expect(left.filter(({ captured, refunded, closed }) => captured !== refunded || !closed)).toEqual([]);
  });

  test("after a part of it was taken: the part is refunded, the rest let go", async () => {
    const { reverse, authorize, charges } = till(shop);
    const { id } = await authorize(1);
    await shop.call("payments.capture", { id, amount: 3_000 }, staff);

    expect(await reverse(1)).toMatchObject({ status: "refunded", captured: { amount: 3_000 } });
    expect(await charges()).toMatchObject([{ captured: 3_000, refunded: 3_000, closed: true }]);
  });

  test("a refund that the provider refuses is no success, and is tried anew", async () => {
    const { reverse, authorize, captureOrder, get } = till(shop);
    const { id } = await authorize(1, "tok_refund_fails");
    await captureOrder(1);

    await expect(reverse(1)).rejects.toMatchObject({ type: "payment_failed" });
    await expect(reverse(1)).rejects.toMatchObject({ type: "payment_failed" });
    expect(await get(id)).toMatchObject({
      status: "captured",
      refunded: { amount: 0 },
      refunds: [{ status: "failed" }, { status: "failed" }],
    });
  });

  test("staff can cancel what is reserved, and not what was taken", async () => {
    const { authorize, captureOrder, charges } = till(shop);
    const reserved = await authorize(1);
    const taken = await authorize(2);
    await captureOrder(2);
    const cancel = (id: string) => shop.call("payments.cancel", { id }, staff);

    expect(await cancel(reserved.id)).toMatchObject({ status: "canceled" });
    expect(await cancel(reserved.id)).toMatchObject({ status: "canceled" });
    await expect(cancel(taken.id)).rejects.toMatchObject({ type: "invalid_state" });
    await expect(cancel("pay_00000000000000000000000000")).rejects.toMatchObject({ type: "not_found" });
    expect((await charges()).map(({ status }) => status).toSorted()).toEqual(["canceled", "captured"]);
  });
});

describe("a request that reaches the provider after all was given up", () => {
  const dataDir = mkdtempSync(join(tmpdir(), "lonja-"));
  afterAll(() => rmSync(dataDir, { recursive: true, force: true }));

  test("gives the money back", async () => {
    const alone = await openShop({ services: ["payments"], dataDir });
    const { id } = await till(alone).authorize(1);
    await expect(till(alone).reverse(1)).rejects.toMatchObject({ type: "unavailable" });
    await alone.close();

    const shop = await openShop({
      services,
      dataDir,
      world: { ...realWorld, now: () => realWorld.now() + 60_000 },
    });
    const { get, charges, reverse } = till(shop);
    expect(await reverse(1)).toMatchObject({ id, status: "canceled" });
    expect(await charges()).toEqual([]);

    await shop.call("sandbox.authorize", { key: id, token: "tok_visa", amount: 10_000, currency: "EUR" });
    expect(await until(charges, ([charge]) => charge?.status === "canceled")).toMatchObject([{ status: "canceled" }]);
    expect(
      await until(
        () => get(id),
        ({ status }) => status === "canceled",
      ),
    ).toMatchObject({ status: "canceled" });
    await shop.close();
  });
});
