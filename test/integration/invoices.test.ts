import { createHash } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Collection } from "../../mixins/store.mixin.ts";
import { contentOf, type Draft, type KeptInvoice } from "../../services/payments/invoice.ts";
import { type Gap, Invoicing } from "../../services/payments/invoicing.edge.ts";
import { canonical } from "../../services/shared/canonical.ts";
import { realWorld } from "../../services/shared/world.ts";
import { asked, orderId, staff, till } from "../money.ts";
import { openShop, type Shop, type ShopOptions } from "../shop.ts";

const services: ShopOptions["services"] = ["payments", "sandbox"];
const range = (n: number, from = 0) => Array.from({ length: n }, (_, index) => from + index);

async function sequences({ call }: Shop): Promise<number[]> {
  const found: number[] = [];
  let cursor: string | null | undefined;
  do {
    const page = await call("payments.invoices", { limit: 100, ...(cursor ? { cursor } : {}) }, staff);
    found.push(...page.data.map(({ sequence }) => sequence));
    cursor = page.nextCursor;
  } while (cursor);
  return found.reverse();
}

describe("invoices are numbered without a gap", () => {
  const dataDir = mkdtempSync(join(tmpdir(), "lonja-"));
  afterAll(() => rmSync(dataDir, { recursive: true, force: true }));

  test("by a hundred captures at once, before and after the shop was closed", async () => {
    for (const round of [0, 1]) {
      const shop = await openShop({ services, dataDir });
      const { authorize, captureOrder, invoice } = till(shop);
      const orders = range(100, round * 100);
      await Promise.all(orders.map((n) => authorize(n)));
      await Promise.all(orders.flatMap((n) => [captureOrder(n), captureOrder(n)]));

      expect(await sequences(shop)).toEqual(range((round + 1) * 100, 1));
      const numbers = await Promise.all(orders.map(async (n) => (await invoice(n)).number));
      expect(new Set(numbers).size).toBe(100);
      await shop.close();
    }
  });

  test("by several nodes that number at once, also for the same orders", async () => {
    const shop = await openShop({ services });
    const { invoices, gaps } = shop.broker.getLocalService("payments") as unknown as {
      invoices: Collection<KeptInvoice>;
      gaps: Collection<Gap>;
    };
    const nodes = range(4).map(() => new Invoicing(invoices, gaps, realWorld));
    const draft = (n: number): Draft => {
      const { orderId, bill } = asked(n, "tok_visa");
      return { orderId, bill, currency: "EUR", status: "paid", paymentId: `pay_${orderId.slice(4)}` };
    };
    const issued = await Promise.all(
      range(60).flatMap((n) => [0, 1].map((twice) => nodes[(n + twice) % 4]?.issue(draft(n)))),
    );

    expect(await sequences(shop)).toEqual(range(60, 1));
    expect(new Set(issued.map((invoice) => invoice?.id)).size).toBe(60);
    await shop.close();
  });
});

describe("an invoice", () => {
  let shop: Shop;
  beforeEach(async () => {
    shop = await openShop({ services });
  });
  afterEach(() => shop.close());

  test("says what the order's bill said, and its hash is of what it says", async () => {
    const { authorize, captureOrder, invoice } = till(shop);
    const payment = await authorize(1);
    await captureOrder(1);
    const issued = await invoice(1);

    expect(issued).toMatchObject({
      number: "INV-000001",
      status: "paid",
      orderId: orderId(1),
      paymentId: payment.id,
      currency: "EUR",
      bill: asked(1, "tok_visa").bill,
    });
    const content = canonical(contentOf(issued));
    expect(issued.contentHash).toBe(createHash("sha256").update(content).digest("hex"));
  });

  test("does not exist before money was taken", async () => {
    await till(shop).authorize(1);
    await expect(till(shop).invoice(1)).rejects.toMatchObject({ type: "not_found" });
  });
});
