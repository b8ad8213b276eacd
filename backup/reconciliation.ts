import { captured, type KeptPayment, refunded, statusOf } from "../services/payments/payment.ts";
import type { PaymentStatus } from "../services/payments/payments.contract.ts";
import { type Charge, joined, type ListedCharge } from "../services/payments/provider.ts";
import type { Money } from "../services/shared/schema.ts";

/** A payment as the backup has it, in little. */
export interface PaymentHere {
  orderId: string;
  email: string | null;
  amount: Money;
  status: PaymentStatus;
  captured: number;
  refunded: number;
  charge: Charge | null;
}
export interface OrderHere {
  number: string;
  status: string;
  /** Its process has not come to its end. */
  isUnderWay: boolean;
}

/** What the books of a backup say of money. */
export interface Books {
  payments: ReadonlyMap<string, PaymentHere>;
  orders: ReadonlyMap<string, OrderHere>;
  /** The orders that have an invoice, and the highest number. */
  invoiced: ReadonlySet<string>;
  lastInvoice: number;
}

export const paymentHere = (payment: KeptPayment): PaymentHere => ({
  orderId: payment.orderId,
  email: payment.bill?.email ?? null,
  amount: payment.amount,
  status: statusOf(payment),
  captured: captured(payment),
  refunded: refunded(payment),
  charge: payment.charge,
});

/** What is to be done about a difference, and whether the shop does it by itself when it opens. */
const kinds = {
  money_without_order: {
    byItself: false,
    advice: "Money was taken for an order that is not here. Refund it at the provider, or fulfil it by hand.",
  },
  reserved_without_order: {
    byItself: false,
    advice: "Money is reserved for an order that is not here, or may yet be. Cancel it at the provider.",
  },
  nothing_without_order: { byItself: true, advice: "Nothing: no money is held for an order that is not here." },
  given_back: {
    byItself: false,
    advice: "All of it was given back since. The shop learns that when it opens; cancel the order, or do not send it.",
  },
  moved_on: { byItself: true, advice: "Nothing: the shop asks the provider when it opens, and learns it." },
  not_there: {
    byItself: false,
    advice: "The provider does not have what the shop believes. Is this the record of the same provider?",
  },
} as const;
export type Kind = keyof typeof kinds;

export interface Side {
  status: string;
  captured: number;
  refunded: number;
}
export interface Difference {
  kind: Kind;
  paymentId: string;
  /** The provider's own name for it; null: it has none. */
  chargeId: string | null;
  orderId: string | null;
  orderNumber: string | null;
  email: string | null;
  amount: Money;
  here: Side | null;
  there: Side | null;
  at: string | null;
  byItself: boolean;
  advice: string;
}

export interface Reconciliation {
  /** The moment of the backup. */
  at: string;
  /** Null: the provider's record could not be read, and why. */
  compared: { payments: number; charges: number } | null;
  notCompared: string | null;
  differences: readonly Difference[];
  /** Orders that the shop takes up again when it opens. What became of them since, it does not know yet. */
  underWay: readonly { orderId: string; number: string; status: string }[];
  invoices: {
    /** The highest number that is here; 0: none. */
    last: number;
    /** No number above this one can have been given out; null where the provider could not be asked. */
    highestPossible: number | null;
    /** The first number that the shop will give. */
    next: number;
  };
}

const sideOf = ({ status, captured, refunds }: Charge): Side => ({
  status,
  captured,
  refunded: refunds.reduce((sum, { amount }) => sum + amount, 0),
});
const mayTakeMoney = ({ closed, status }: Charge) => !closed && status !== "captured";

function kindWithoutOrder(charge: ListedCharge): Kind {
  const { captured, refunded } = sideOf(charge);
  if (captured > refunded) return "money_without_order";
  return mayTakeMoney(charge) ? "reserved_without_order" : "nothing_without_order";
}

/** Undefined: both say the same. */
function kindOf(payment: PaymentHere, order: OrderHere | undefined, there: Charge | undefined): Kind | undefined {
  const known = payment.charge;
  if (!there) return known && known.status !== "declined" ? "not_there" : undefined;
  if (known && joined(there, known) !== there) return "not_there";
  if (known && joined(known, there) === known) return undefined;
  const { captured, refunded, status } = sideOf(there);
  const isGivenBack = status === "canceled" || (captured > 0 && captured === refunded);
  return isGivenBack && order?.status === "confirmed" ? "given_back" : "moved_on";
}

/** Compares the books of a backup with what the provider has by now, payment by payment. */
export function reconcile(
  at: string,
  books: Books,
  charges: readonly ListedCharge[],
  nextInvoice: number | undefined,
): Reconciliation {
  const left = new Map(books.payments);
  const differences: Difference[] = [];
  let uninvoiced = 0;
  for (const charge of charges) {
    const payment = left.get(charge.key);
    left.delete(charge.key);
    if (charge.captured > 0 && !books.invoiced.has(payment?.orderId ?? "")) uninvoiced++;
    const kind = payment ? kindOf(payment, books.orders.get(payment.orderId), charge) : kindWithoutOrder(charge);
    if (kind) differences.push(difference(kind, books, charge.key, payment, charge));
  }
  for (const [id, payment] of left) {
    const kind = kindOf(payment, undefined, undefined);
    if (kind) differences.push(difference(kind, books, id, payment, undefined));
  }
  return {
    ...unasked(at, books, nextInvoice),
    compared: { payments: books.payments.size, charges: charges.length },
    differences,
    invoices: invoicesOf(books, nextInvoice, books.lastInvoice + uninvoiced),
  };
}

/** What can be said where the provider could not be asked. */
export const unreconciled = (
  at: string,
  books: Books,
  nextInvoice: number | undefined,
  notCompared: string,
): Reconciliation => ({ ...unasked(at, books, nextInvoice), notCompared });

const unasked = (at: string, books: Books, nextInvoice: number | undefined): Reconciliation => ({
  at,
  compared: null,
  notCompared: null,
  differences: [],
  underWay: [...books.orders].flatMap(([orderId, { number, status, isUnderWay }]) =>
    isUnderWay ? [{ orderId, number, status }] : [],
  ),
  invoices: invoicesOf(books, nextInvoice, null),
});

const invoicesOf = ({ lastInvoice }: Books, nextInvoice: number | undefined, highestPossible: number | null) => ({
  last: lastInvoice,
  highestPossible,
  next: Math.max(nextInvoice ?? 0, lastInvoice + 1),
});

function difference(
  kind: Kind,
  { orders }: Books,
  paymentId: string,
  payment: PaymentHere | undefined,
  charge: ListedCharge | undefined,
): Difference {
  const orderId = payment?.orderId ?? charge?.orderId ?? null;
  const here = payment ? { status: payment.status, captured: payment.captured, refunded: payment.refunded } : null;
  return {
    kind,
    paymentId,
    chargeId: charge?.id ?? null,
    orderId,
    orderNumber: orders.get(orderId ?? "")?.number ?? null,
    email: payment?.email ?? charge?.email ?? null,
    amount: (charge ?? payment)?.amount as Money,
    here,
    there: charge ? sideOf(charge) : null,
    at: charge?.createdAt ?? null,
    ...kinds[kind],
  };
}

/** Whether there is anything that a person has to look at before the shop opens. */
export const isClean = ({ compared, differences, invoices }: Reconciliation): boolean =>
  compared !== null && differences.every(({ byItself }) => byItself) && (invoices.highestPossible ?? 0) < invoices.next;
