import { canonical } from "../shared/canonical.ts";
import { captured, type KeptPayment, statusOf } from "./payment.ts";
import type { AuditedInvoice, Invoice } from "./payments.contract.ts";

/** An invoice as it is kept. Its status may change, what it says may not. */
export type KeptInvoice = Invoice & { version: number };
type Content = Omit<Invoice, "status" | "contentHash">;

/** What an invoice will say, but for its number. */
export type Draft = Pick<Invoice, "orderId" | "paymentId" | "currency" | "bill" | "status">;

/** Undefined while nothing of the order's money was taken. */
export function draftOf({ bill, ...rest }: KeptPayment): Draft | undefined {
  const payment = { bill, ...rest };
  if (!bill || payment.charge?.status !== "captured") return undefined;
  const { id: paymentId, orderId, amount } = payment;
  return { orderId, paymentId, currency: amount.currency, bill, status: isPaid(payment) ? "paid" : "issued" };
}

const isPaid = (payment: KeptPayment) =>
  statusOf(payment) !== "partially_captured" && captured(payment) === payment.amount.amount;

export function issued(
  { status, ...said }: Draft,
  sequence: number,
  { id, now, digest }: { id: string; now: string; digest: (text: string) => string },
): Invoice {
  const content: Content = { id, number: numberOf(sequence), sequence, issuedAt: now, ...said };
  return { ...content, status, contentHash: digest(canonical(content)) };
}

/** What the hash of an invoice is made of. */
export const contentOf = ({ status, contentHash, ...content }: Invoice): Content => content;

export const invoiceView = ({ version, ...invoice }: KeptInvoice): Invoice => invoice;

export const auditedInvoice = (invoice: Invoice, digest: (text: string) => string): AuditedInvoice => {
  const { id, orderId, paymentId, number, status, bill, contentHash } = invoice;
  const isGenuine = digest(canonical(contentOf(invoice))) === contentHash;
  return { id, orderId, paymentId, number, status, total: bill.totals.total, isGenuine };
};

const numberOf = (sequence: number): string => `INV-${String(sequence).padStart(6, "0")}`;
