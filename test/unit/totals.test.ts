import fc from "fast-check";
import { priceLines, totalsOf } from "../../services/orders/totals.ts";

const eur = (amount: number) => ({ amount, currency: "EUR" });
const offer = (sku: string, amount: number) => ({
  sku,
  productId: "prod_0000000000",
  variantId: "var_0000000000",
  title: sku,
  unitPrice: eur(amount),
});

describe("totals", () => {
  test("a line costs its quantity times its price", () => {
    const [line] = priceLines([{ sku: "MUG", quantity: 3 }], [offer("MUG", 1999)]);
    expect(line).toEqual({ sku: "MUG", title: "MUG", quantity: 3, unitPrice: eur(1999), total: eur(5997) });
  });

  test("what cannot be bought is named, each place of it", () => {
    expect(() =>
      priceLines(
        [
          { sku: "A", quantity: 1 },
          { sku: "MUG", quantity: 1 },
          { sku: "B", quantity: 1 },
        ],
        [offer("MUG", 1)],
      ),
    ).toThrow(
      expect.objectContaining({
        type: "invalid_input",
        data: {
          errors: [expect.objectContaining({ path: "lines/0/sku" }), expect.objectContaining({ path: "lines/2/sku" })],
        },
      }),
    );
  });

  test("an order that costs more than can be counted exactly is refused", () => {
    const lines = priceLines([{ sku: "MUG", quantity: 10_000 }], [offer("MUG", 1_000_000_000)]);
    expect(() => totalsOf(lines, "EUR")).toThrow(expect.objectContaining({ type: "invalid_input" }));
  });

  test("add up to the cent, whole and never negative, for any lines and extras", () => {
    const line = fc.record({
      quantity: fc.integer({ min: 1, max: 10_000 }),
      amount: fc.integer({ min: 0, max: 100_000 }),
    });
    const extra = fc.integer({ min: 0, max: 10_000_000 });
    fc.assert(
      fc.property(
        fc.array(line, { minLength: 1, maxLength: 50 }),
        extra,
        extra,
        extra,
        (lines, discount, shipping, tax) => {
          const priced = lines.map(({ quantity, amount }) => ({ total: eur(quantity * amount) }));
          const totals = totalsOf(priced, "EUR", { discount, shipping, tax });
          const exact = priced.reduce((sum, { total }) => sum + BigInt(total.amount), 0n);
          expect(BigInt(totals.subtotal.amount)).toBe(exact);
          expect(totals.total.amount).toBe(
            totals.subtotal.amount - totals.discount.amount + totals.shipping.amount + totals.tax.amount,
          );
          expect(totals.total.amount).toBeGreaterThanOrEqual(0);
          expect(totals.discount.amount).toBeLessThanOrEqual(totals.subtotal.amount);
          for (const { amount, currency } of Object.values(totals)) {
            expect(Number.isSafeInteger(amount)).toBe(true);
            expect(currency).toBe("EUR");
          }
        },
      ),
    );
  });
});
