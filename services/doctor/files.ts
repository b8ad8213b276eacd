import type { AuditedMovement, AuditedStock } from "../inventory/inventory.contract.ts";
import type { AuditedMail } from "../notifications/notifications.contract.ts";
import type { AuditedOrder } from "../orders/orders.contract.ts";
import type { AuditedEntry, AuditedInvoice, AuditedNumber, AuditedPayment } from "../payments/payments.contract.ts";
import type { AuditedCharge } from "../sandbox/sandbox.contract.ts";
import type { DeadLetter } from "../shared/delivery.ts";

/** Where records come from. A check is not made while something that it needs cannot be had. */
export type Source = "orders" | "payments" | "ledger" | "invoices" | "charges" | "stock" | "movements" | "mails";

/** All that anybody has written down under the id of one order. Without the order, others speak of what is not there. */
export interface OrderFile {
  key: string;
  order: AuditedOrder | undefined;
  payments: AuditedPayment[];
  ledger: AuditedEntry[];
  invoices: AuditedInvoice[];
  movements: AuditedMovement[];
  mails: AuditedMail[];
  /** The provider's, under the keys of these payments. */
  charges: AuditedCharge[];
}

/** One SKU. */
export interface StockFile {
  key: string;
  stock: AuditedStock | undefined;
  /** The stock as it was before the movements were read. */
  counted: AuditedStock | undefined;
  /** The sum of the movements up to the version of `counted`, and how many there are at all. */
  moved: number;
  movements: number;
  /** What `counted` has told of, and what was not met on record: units by movements. */
  told: Map<string, number>;
  /** The orders that hold something of it, by their ids. */
  holders: ReadonlyMap<string, AuditedOrder>;
}

/** A charge in the provider's record. */
export interface ChargeFile {
  key: string;
  charge: AuditedCharge;
  payment: AuditedPayment | undefined;
}

/** An invoice in the row of the numbers, and the number whose turn it is. */
export interface NumberFile {
  key: string;
  invoice: AuditedNumber;
  due: number;
}

/** What one service has still to tell. */
export interface OutboxFile {
  key: string;
  /** Why it could not be asked. */
  away: string | undefined;
  waiting: number;
  oldestAt: string | undefined;
  deadLetters: number;
  /** The first of them. */
  letters: DeadLetter[];
}
