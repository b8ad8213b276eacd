import type { StoredRecord } from "../mixins/store.ts";
import { Reader, recordsIn } from "../moving/format.ts";
import type { Progress } from "../moving/progress.ts";
import type { Source } from "../moving/unpack.ts";
import type { KeptPayment } from "../services/payments/payment.ts";
import { type Books, type OrderHere, type PaymentHere, paymentHere } from "./reconciliation.ts";

/** Reads a backup to its end, and keeps what its books say of money. */
export async function booksIn(source: Source, progress: Progress): Promise<Books> {
  const payments = new Map<string, PaymentHere>();
  const orders = new Map<string, OrderHere>();
  const invoiced = new Set<string>();
  let lastInvoice = 0;
  const take: Record<string, (record: StoredRecord) => void> = {
    "payments.payments": ({ _id: id, ...record }) =>
      void payments.set(id, paymentHere({ id, ...record } as unknown as KeptPayment)),
    "orders.orders": ({ _id: id, number, status, dueAt }) =>
      void orders.set(id, { number: String(number), status: String(status), isUnderWay: dueAt !== undefined }),
    "payments.invoices": ({ orderId, sequence }) => {
      invoiced.add(String(orderId));
      lastInvoice = Math.max(lastInvoice, Number(sequence));
    },
    // Restored before, and nothing sold since.
    "payments.gaps": ({ to }) => {
      lastInvoice = Math.max(lastInvoice, Number(to));
    },
  };
  const reader = new Reader();
  for await (const text of source.lines()) {
    const said = reader.take(text);
    if (said && "collections" in said) progress.begin("Checking the backup", recordsIn(said));
    else if (said) {
      take[said.collection]?.(said.record);
      progress.advance(1);
    }
  }
  reader.finish();
  return { payments, orders, invoiced, lastInvoice };
}
