import type { AuditedEntry, LedgerEntry } from "./payments.contract.ts";

type Account = LedgerEntry["postings"][number]["account"];

/** A part of a sum of money that runs from one amount to a higher one. */
interface Part {
  from: number;
  to: number;
}

/**
 * The tax in a part of a sum. Each part gets what the parts up to its end get together, less what those up to
 * its beginning got: however the sum is cut, the parts' taxes add up to the tax of the whole.
 */
export function taxIn({ from, to }: Part, { total, tax }: { total: number; tax: number }): number {
  const upTo = (amount: number) => Number((BigInt(amount) * BigInt(tax)) / BigInt(total));
  return upTo(to) - upTo(from);
}

/** The postings of money that came or went. What is debited equals what is credited. */
export function postings(
  kind: LedgerEntry["kind"],
  part: Part,
  bill: { total: number; tax: number },
): LedgerEntry["postings"] {
  const gross = part.to - part.from;
  const tax = taxIn(part, bill);
  const lines: [Account, debit: number, credit: number][] =
    kind === "capture"
      ? [
          ["provider_receivable", gross, 0],
          ["sales", 0, gross - tax],
          ["tax_payable", 0, tax],
        ]
      : [
          ["refunds", gross - tax, 0],
          ["tax_payable", tax, 0],
          ["provider_receivable", 0, gross],
        ];
  return lines.flatMap(([account, debit, credit]) => (debit + credit > 0 ? [{ account, debit, credit }] : []));
}

export function auditedEntry({ id, orderId, paymentId, kind, currency, postings }: LedgerEntry): AuditedEntry {
  const sum = (side: "debit" | "credit") => postings.reduce((total, posting) => total + posting[side], 0);
  return { id, orderId, paymentId, kind, currency, debit: sum("debit"), credit: sum("credit") };
}
