import { sinceOf, type Waiting } from "../shared/auditing.ts";
import { Refusal, type RefusalCode, type RefusalData } from "../shared/refusal.ts";
import type { Money } from "../shared/schema.ts";
import type { AuditedOrder, Order, OrderStatus, PlaceOrder, TimelineEntry } from "./orders.contract.ts";
import type { Process } from "./process.ts";
import { type PricedLine, totalsOf } from "./totals.ts";

/** An order as it is kept: what clients see, and what drives it. */
export interface KeptOrder extends Order {
  process: Process;
  timeline: readonly TimelineEntry[];
  /** Equal for every repeat of the request that placed it. */
  requestKey?: string | undefined;
  /** Equal for every repeat, too: another body under the same key is another request. */
  bodyDigest?: string | undefined;
  /** The provider's token; kept only until the payment is settled. */
  paymentToken?: string | undefined;
  /** Why the checkout ended without an order, as the buyer is told. */
  refusal?: { type: RefusalCode; detail: string; data?: RefusalData | undefined } | undefined;
  /** The payment's version that `paymentStatus` comes from. */
  paymentVersion: number;
  /** When somebody else has to take the order up, if nobody has moved it on. */
  dueAt?: string | undefined;
}

/** Which status may follow which. Everything else is a bug, not a wish. */
const nextStatuses: Readonly<Record<OrderStatus, readonly OrderStatus[]>> = {
  pending: ["requires_action", "confirmed", "canceled", "expired"],
  requires_action: ["pending", "confirmed", "canceled", "expired"],
  confirmed: ["completed", "canceled"],
  completed: [],
  canceled: [],
  expired: [],
};

export function withStatus<O extends Pick<KeptOrder, "status">>(order: O, status: OrderStatus): O {
  if (order.status === status) return order;
  if (!nextStatuses[order.status].includes(status))
    throw new Error(`an order that is ${order.status} cannot become ${status}`);
  return { ...order, status };
}

export function noted<O extends Pick<KeptOrder, "timeline" | "updatedAt">>(
  order: O,
  at: string,
  type: string,
  detail?: string,
): O {
  return { ...order, updatedAt: at, timeline: [...order.timeline, { at, type, ...(detail ? { detail } : {}) }] };
}

export interface Draft {
  id: string;
  number: string;
  customerId: string | null;
  requestKey: string | undefined;
  bodyDigest?: string | undefined;
  now: string;
  lineIds: readonly string[];
}

/** A new order, before anything has been asked of anybody. */
export function draftOrder(
  asked: PlaceOrder,
  lines: readonly PricedLine[],
  currency: string,
  draft: Draft,
): Omit<KeptOrder, "version" | "process" | "dueAt"> {
  const { id, number, customerId, requestKey, bodyDigest, now, lineIds } = draft;
  return {
    id,
    number,
    status: "pending",
    paymentStatus: "not_paid",
    fulfillmentStatus: "not_fulfilled",
    currency,
    lines: lines.map((line, index) => ({ id: lineIds[index] ?? `line_${id.slice(4)}${index}`, ...line })),
    totals: totalsOf(lines, currency),
    email: asked.email,
    customerId,
    shippingAddress: asked.shippingAddress,
    billingAddress: asked.billingAddress ?? asked.shippingAddress,
    payment: null,
    cancelReason: null,
    createdAt: now,
    updatedAt: now,
    timeline: [{ at: now, type: "placed" }],
    paymentToken: asked.payment.token,
    paymentVersion: 0,
    requestKey,
    bodyDigest,
  };
}

/** What clients see of an order. */
export function orderView(order: KeptOrder): Order {
  const { process, timeline, requestKey, bodyDigest, paymentToken, refusal, paymentVersion, dueAt, ...view } = order;
  return view;
}

export const audited = (
  { id, status, paymentStatus, currency, ...order }: KeptOrder,
  waiting: readonly Waiting[] = [],
): AuditedOrder => ({
  id,
  status,
  paymentStatus,
  currency,
  lines: order.lines.map(({ sku, quantity, unitPrice, total }) => ({ sku, quantity, unitPrice, total })),
  totals: order.totals,
  paymentId: order.payment?.id ?? null,
  process: {
    phase: order.process.phase,
    step: order.process.step,
    tries: order.process.tries,
    deadlineAt: order.process.deadlineAt,
  },
  dueAt: order.dueAt ?? null,
  tellsSince: sinceOf(waiting),
});

/** The order that this request has placed before. */
export function sameRequest(order: KeptOrder, bodyDigest: string | undefined): KeptOrder {
  if (order.bodyDigest !== bodyDigest) throw new Refusal("idempotency_key_reused");
  return order;
}

/** The refusal that a checkout ended with, to be told to the buyer. */
export function refusalOf({ refusal }: KeptOrder): Refusal | undefined {
  return refusal && new Refusal(refusal.type, refusal.detail, refusal.data);
}

const letters = "23456789ABCDEFGHJKMNPQRSTVWXYZ";

/** A number to be read out over the telephone: eight letters and digits that do not look alike. */
export function numberFrom(bytes: Uint8Array): string {
  const signs = [...bytes.subarray(0, 8)].map((byte) => letters[byte % letters.length]);
  return `${signs.slice(0, 4).join("")}-${signs.slice(4).join("")}`;
}

export const isFree = ({ totals }: { totals: { total: Money } }): boolean => totals.total.amount === 0;
