import { staff, till } from "../money.ts";
import { openShop, type Shop } from "../shop.ts";

describe("refunds and partial captures", () => {
  let shop: Shop;
  beforeEach(async () => {
    shop = await openShop({ services: ["payments", "sandbox"] });
  });
  afterEach(() => shop.close());

  const as = (requestKey: string) => ({ meta: { ...staff.meta, requestKey } });
  const refund = (id: string, amount?: number, options: object = staff) =>
    shop.call("payments.refund", { id, reason: "broken", ...(amount ? { amount } : {}) }, options);
  const capture = (id: string, amount?: number, options: object = staff) =>
    shop.call("payments.capture", { id, ...(amount ? { amount } : {}) }, options);
  const paid = async (n: number, token?: string) => {
    await till(shop).authorize(n, token);
    return (await till(shop).captureOrder(n)).id;
  };

  test("fifty refunds at once never pay back more than was taken", async () => {
    const { charges, ledger, get } = till(shop);
    const id = await paid(1);
    const outcomes = await Promise.allSettled(Array.from({ length: 50 }, () => refund(id, 300)));

    const refused = outcomes.filter((one) => one.status === "rejected");
    expect(refused).toHaveLength(17);
    expect(refused.every(({ reason }) => reason.type === "invalid_state")).toBe(true);
    expect(await get(id)).toMatchObject({ status: "partially_refunded", refunded: { amount: 9_900 } });
    expect(await charges()).toMatchObject([{ refunded: 9_900 }]);
    expect(await ledger(1)).toHaveLength(34);

    expect(await refund(id)).toMatchObject({ status: "refunded", refunded: { amount: 10_000 } });
    await expect(refund(id)).rejects.toMatchObject({ type: "invalid_state" });
  });

  test("the books of all the parts are the books of the whole", async () => {
    const { authorize, ledger } = till(shop);
    const { id } = await authorize(1, "tok_visa", 9_999);
    for (const amount of [1, 3_333, 17]) await capture(id, amount);
    await capture(id);
    for (const amount of [5_000, 1, 1]) await refund(id, amount);

    const sums: Record<string, number> = {};
    const count = async () => {
      for (const { account, debit, credit } of (await ledger(1)).flatMap(({ postings }) => postings))
        sums[account] = (sums[account] ?? 0) + debit - credit;
    };
    await refund(id);
    await count();
    expect(sums).toEqual({ provider_receivable: 0, sales: -8_264, tax_payable: 0, refunds: 8_264 });
  });

  test("the same request is the same refund", async () => {
    const id = await paid(1);
    const [first] = await Promise.all([refund(id, 400, as("a")), refund(id, 400, as("a"))]);
    const again = await refund(id, 400, as("a"));
    const other = await refund(id, 400, as("b"));

    expect(again.refunds).toEqual(first.refunds);
    expect(other.refunds).toHaveLength(2);
    expect(other.refunded.amount).toBe(800);
  });

  test("the same request is the same capture", async () => {
    const { authorize, charges } = till(shop);
    const { id } = await authorize(1);
    await Promise.all([capture(id, 400, as("a")), capture(id, 400, as("a"))]);
    await capture(id, 400, as("a"));
    expect(await capture(id, 400, as("b"))).toMatchObject({ status: "partially_captured", captured: { amount: 800 } });
    expect(await charges()).toMatchObject([{ captured: 800 }]);
  });

  test("a refund that the provider refuses leaves its amount free", async () => {
    const { get } = till(shop);
    const id = await paid(1, "tok_refund_fails");

    await expect(refund(id, 9_000, as("a"))).rejects.toMatchObject({ type: "payment_failed" });
    await expect(refund(id, 9_000, as("a"))).rejects.toMatchObject({ type: "payment_failed" });
    await expect(refund(id, 9_000, as("b"))).rejects.toMatchObject({ type: "payment_failed" });
    expect(await get(id)).toMatchObject({ status: "captured", refunds: [{ status: "failed" }, { status: "failed" }] });
  });

  test("captures in parts end at the amount, and the invoice is paid with the last", async () => {
    const { authorize, invoice, captureOrder } = till(shop);
    const { id } = await authorize(1);

    expect(await capture(id, 4_000)).toMatchObject({ status: "partially_captured", captured: { amount: 4_000 } });
    const issued = await invoice(1);
    expect(issued.status).toBe("issued");
    await expect(capture(id, 6_001)).rejects.toMatchObject({ type: "invalid_state" });
    expect(await refund(id, 1_000)).toMatchObject({ status: "partially_refunded" });
    expect(await captureOrder(1)).toMatchObject({ captured: { amount: 10_000 } });
    expect(await invoice(1)).toEqual({ ...issued, status: "paid" });
    await expect(capture(id, 1)).rejects.toMatchObject({ type: "invalid_state" });
  });

  test("a capture that is refused can be tried again by staff", async () => {
    const { id } = await till(shop).authorize(1, "tok_capture_fails");

    await expect(capture(id)).rejects.toMatchObject({ type: "payment_failed", message: "capture_refused" });
    await expect(capture(id, 10)).rejects.toMatchObject({ type: "payment_failed" });
  });

  test("nothing is taken of what is not reserved", async () => {
    const { id } = await till(shop).authorize(1, "tok_declined");

    await expect(capture(id)).rejects.toMatchObject({ type: "invalid_state" });
    await expect(refund(id)).rejects.toMatchObject({ type: "invalid_state" });
    await expect(capture("pay_00000000000000000000000000")).rejects.toMatchObject({ type: "not_found" });
    await expect(refund("pay_00000000000000000000000000")).rejects.toMatchObject({ type: "not_found" });
  });
});
