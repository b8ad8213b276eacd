import fc from "fast-check";
import { postings, taxIn } from "../../services/payments/ledger.ts";

const bill = fc
  .tuple(fc.integer({ min: 1, max: 1_000_000_000_000 }), fc.double({ min: 0, max: 1, noNaN: true }))
  .map(([total, rate]) => ({ total, tax: Math.floor(total * rate) }));
/** Where a sum is cut into parts. */
const cuts = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 20 });

function partsOf(total: number, at: readonly number[]): { from: number; to: number }[] {
  const ends = [...new Set([...at.map((share) => Math.floor(total * share)), total])].toSorted((a, b) => a - b);
  return ends.map((to, index) => ({ from: ends[index - 1] ?? 0, to })).filter(({ from, to }) => to > from);
}

describe("the ledger", () => {
  test("however a sum is cut, every entry balances and the parts' taxes are the tax of the whole", () => {
    fc.assert(
      fc.property(bill, cuts, fc.constantFrom("capture" as const, "refund" as const), (bill, at, kind) => {
        const parts = partsOf(bill.total, at);
        const entries = parts.map((part) => postings(kind, part, bill));

        for (const lines of entries) {
          const debit = lines.reduce((sum, line) => sum + line.debit, 0);
          const credit = lines.reduce((sum, line) => sum + line.credit, 0);
          expect(debit).toBe(credit);
          expect(lines.length).toBeGreaterThanOrEqual(2);
          expect(lines.every((line) => line.debit >= 0 && line.credit >= 0)).toBe(true);
        }
        expect(parts.reduce((sum, part) => sum + taxIn(part, bill), 0)).toBe(bill.tax);
      }),
    );
  });

  test("what is refunded takes back exactly what its capture booked", () => {
    const sums = (lines: ReturnType<typeof postings>) =>
      Object.fromEntries(lines.map(({ account, debit, credit }) => [account, debit - credit]));
    const part = { from: 0, to: 9_999 };
    const bill = { total: 9_999, tax: 1_735 };

    expect(sums(postings("capture", part, bill))).toEqual({
      provider_receivable: 9_999,
      sales: -8_264,
      tax_payable: -1_735,
    });
    expect(sums(postings("refund", part, bill))).toEqual({
      refunds: 8_264,
      tax_payable: 1_735,
      provider_receivable: -9_999,
    });
  });

  test("a sum without tax has no line for it", () => {
    expect(postings("capture", { from: 0, to: 5 }, { total: 10, tax: 0 })).toEqual([
      { account: "provider_receivable", debit: 5, credit: 0 },
      { account: "sales", debit: 0, credit: 5 },
    ]);
  });
});
