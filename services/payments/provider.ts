import type { AuditedCharge } from "../sandbox/sandbox.contract.ts";
import type { Audit } from "../shared/auditing.ts";
import { isRefusal, type Refusal } from "../shared/refusal.ts";
import type { Money, Page } from "../shared/schema.ts";
import type { NextAction } from "./payments.contract.ts";

/**
 * What a provider has of a payment. Every field moves in one direction only, `status` down this list:
 * so news may come late, twice and in any order.
 */
export interface Charge {
  status: (typeof chargeStatuses)[number];
  /** In minor units, like everything here. */
  captured: number;
  /** Nothing more can be taken of it. */
  closed: boolean;
  refunds: readonly { key: string; amount: number }[];
  failure: string | null;
  nextAction: NextAction | null;
}
export const chargeStatuses = [
  "processing",
  "requires_action",
  "authorized",
  "declined",
  "canceled",
  "captured",
] as const;

/** A charge in a provider's list. */
export interface ListedCharge extends Charge {
  /** The provider's own name for it. */
  id: string;
  /** The shop's: the id of the payment. */
  key: string;
  amount: Money;
  createdAt: string;
  /** What the shop has said of it. Null: nothing. */
  orderId: string | null;
  email: string | null;
}

/**
 * A payment provider as the shop sees it. Charges are known by the shop's own key, refunds likewise: asking
 * again with the same key does nothing a second time. A refusal is the provider's no; after any other
 * error, a time-out above all, nobody knows what has happened until it is looked up.
 */
export interface Provider {
  /** `about` is for people, who may have to find the order of a charge one day that the shop does not know any more. */
  authorize(asked: {
    key: string;
    token: string;
    amount: Money;
    about: { orderId: string; email: string } | undefined;
  }): Promise<Charge>;
  /** Takes money until `total` is taken in all. */
  capture(asked: { key: string; total: number }): Promise<Charge>;
  /** Lets go of what is reserved and not captured. */
  cancel(asked: { key: string }): Promise<Charge>;
  refund(asked: { key: string; refundKey: string; amount: number }): Promise<Charge>;
  lookUp(asked: { key: string }): Promise<Charge | null>;
  /** All that it has of this shop, newest first. */
  charges(): AsyncIterable<ListedCharge>;
  /** The provider's own record, to be compared: all charges a page at a time, or those of these keys. */
  record(asked: Audit): Promise<Page<AuditedCharge>>;
  /**
   * The key of the charge that a webhook is about, null when it is about something else.
   *
   * @throws Refusal `invalid_signature`
   */
  readWebhook(body: string, signature: string, nowMs: number): Promise<string | null>;
}

/** Whether the provider has said no, as opposed to nothing. */
export const isNo = (error: unknown): error is Refusal =>
  isRefusal(error) && error.code < 500 && error.type !== "too_many_requests";

/** What is known of a charge after news of it. The same object given back means that there was no news. */
export function joined(known: Charge | null, news: Charge): Charge {
  if (!known) return news;
  const later = chargeStatuses.indexOf(news.status) > chargeStatuses.indexOf(known.status) ? news : known;
  const keys = new Set(known.refunds.map(({ key }) => key));
  const refunds = news.refunds.filter(({ key }) => !keys.has(key));
  if (later === known && news.captured <= known.captured && known.closed >= news.closed && refunds.length === 0)
    return known;
  return {
    ...later,
    captured: Math.max(known.captured, news.captured),
    closed: known.closed || news.closed,
    refunds: [...known.refunds, ...refunds],
  };
}
