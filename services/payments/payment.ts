import { sinceOf, type Waiting } from "../shared/auditing.ts";
import { lookAfterMs, pauseMs } from "../shared/pause.ts";
import { isRefusal, Refusal, type RefusalCode } from "../shared/refusal.ts";
import type { Money } from "../shared/schema.ts";
import type { Params } from "../shared/typed.ts";
import { postings } from "./ledger.ts";
import type {
  AuditedPayment,
  InvoiceContent,
  LedgerEntry,
  Payment,
  PaymentFact,
  PaymentStatus,
  Refund,
} from "./payments.contract.ts";
import { type Charge, joined } from "./provider.ts";

/**
 * What the shop wants of a payment, beside what it knows the provider to have. The wish is saved before the
 * provider is asked, and what is left to ask follows from the two: whoever finds the document goes on.
 */
export interface KeptPayment {
  /** Also the provider's key for the charge. */
  readonly id: string;
  readonly version: number;
  readonly orderId: string;
  readonly customerId: string | null;
  readonly provider: string;
  /** Kept until the provider has taken it. */
  readonly token: string | null;
  readonly amount: Money;
  /** Null: the payment was given up before it began. */
  readonly bill: InvoiceContent | null;
  /** What is to be taken in all; null while nothing is. */
  readonly toCapture: number | null;
  /** Why all of it is to be given back; null while it is not. */
  readonly reversed: string | null;
  readonly refunds: readonly Refund[];
  /** Requests of staff that were refused: a repeat that is late must not be carried out after all. */
  readonly refused?: readonly { requestKey: string; type: RefusalCode; detail: string }[];
  /** What the provider is known to have. Null: it has not answered yet. */
  readonly charge: Charge | null;
  /** The provider was asked after a charge that is not wanted any more, and has none. */
  readonly absent: boolean;
  /** Why the money could not be taken. */
  readonly failure: string | null;
  /** The journal of this payment, written together with what it tells of. */
  readonly entries: readonly LedgerEntry[];
  /** The order's process waits for what is going on, and asks again until it is answered: it needs no news of it. */
  readonly orderWaits: boolean;
  /** How often the reconciler has looked at it since the last news. */
  readonly looks: number;
  /** When the reconciler has to look at it. */
  readonly dueAt?: string | undefined;
  readonly createdAt: string;
  readonly updatedAt: string;
}

/** Whatever a decision needs of the world. */
export interface Moment {
  now: string;
  id: (prefix: "pay" | "ref" | "led") => string;
}

/** What is to be asked of the provider. */
export type Ask =
  | { what: "authorize" }
  | { what: "capture"; total: number }
  | { what: "cancel" }
  | { what: "refund"; refundKey: string; amount: number }
  | { what: "look" };

/** Longer than whoever asks the provider keeps trying: after that, he has died. */
const PATIENCE_MS = 10_000;
const FIRST_PAUSE_MS = 1_000;
const LONGEST_PAUSE_MS = 300_000;
const pauses = { firstMs: FIRST_PAUSE_MS, longestMs: LONGEST_PAUSE_MS };
/** For so long a request that was on its way when the payment was given up may still arrive at the provider. */
const LATE_MS = 900_000;
/** And so often it is looked for in any case: a clock that was slow makes what is new look old. */
const FEWEST_LOOKS = 10;
const MOST_REFUNDS = 100;
const MOST_REFUSED = 20;

/** What may be wished of a payment in which state. */
const wishes = {
  capture: ["authorized", "partially_captured", "partially_refunded", "failed"],
  cancel: ["awaiting", "requires_action", "authorized", "failed"],
  refund: ["partially_captured", "captured", "partially_refunded"],
} as const satisfies Record<string, readonly PaymentStatus[]>;

export function begin(
  { orderId, customerId, amount, token, bill }: Params<"payments.authorize">,
  provider: string,
  moment: Moment,
): Omit<KeptPayment, "version"> {
  const { amount: total, currency } = bill.totals.total;
  if (total !== amount.amount || currency !== amount.currency)
    throw new Refusal("invalid_input", undefined, {
      errors: [{ path: "amount", message: "is not what the bill says" }],
    });
  return due({ ...blank(orderId, provider, moment), customerId, amount, token, bill, version: 0 }, moment.now);
}

/** Takes the place of a payment that must never begin. */
export const neverToBegin = (
  orderId: string,
  reason: string,
  provider: string,
  currency: string,
  moment: Moment,
): Omit<KeptPayment, "version"> => ({
  ...blank(orderId, provider, moment),
  amount: { amount: 0, currency },
  reversed: reason,
  absent: true,
});

const blank = (orderId: string, provider: string, { now, id }: Moment) => ({
  id: id("pay"),
  orderId,
  provider,
  customerId: null,
  token: null,
  bill: null,
  toCapture: null,
  reversed: null,
  refunds: [],
  charge: null,
  absent: false,
  failure: null,
  entries: [],
  orderWaits: true,
  looks: 0,
  createdAt: now,
  updatedAt: now,
});

export const neverBegan = (payment: KeptPayment): boolean => payment.bill === null;

const sum = (refunds: readonly Refund[]) => refunds.reduce((total, { amount }) => total + amount.amount, 0);
export const refunded = ({ refunds }: KeptPayment): number =>
  sum(refunds.filter(({ status }) => status === "succeeded"));
export const captured = ({ charge }: KeptPayment): number => charge?.captured ?? 0;
/** What was captured and is neither refunded nor about to be. */
export const refundable = (payment: KeptPayment): number =>
  captured(payment) - sum(payment.refunds.filter(({ status }) => status !== "failed"));

export function statusOf(payment: KeptPayment): PaymentStatus {
  const { charge, reversed, absent, failure, amount } = payment;
  if (charge?.status === "captured") {
    const back = refunded(payment);
    if (back > 0) return back < charge.captured ? "partially_refunded" : "refunded";
    return charge.captured < amount.amount ? "partially_captured" : "captured";
  }
  if (reversed !== null && (charge ? charge.status === "canceled" : absent)) return "canceled";
  if (failure !== null || charge?.status === "declined") return "failed";
  return charge && charge.status !== "processing" ? charge.status : "awaiting";
}

/** What is left to ask of the provider, one thing after the other. */
export function nextAsk(payment: KeptPayment): Ask | undefined {
  const { charge, reversed, toCapture } = payment;
  if (!charge) return reversed === null ? { what: "authorize" } : payment.absent ? undefined : { what: "look" };
  if (reversed !== null && !charge.closed) return { what: "cancel" };
  if (toCapture !== null && !charge.closed && (charge.status === "authorized" || charge.captured < toCapture))
    return { what: "capture", total: toCapture };
  const refund = payment.refunds.find(({ status }) => status === "pending");
  return refund && { what: "refund", refundKey: refund.id, amount: refund.amount.amount };
}

/**
 * Decides on a request of staff so that its repeats are answered alike: what was refused stays refused, whatever has
 * become of the payment since. `refusalOf` says whether it was.
 */
export function decidedOnce(
  payment: KeptPayment,
  requestKey: string | undefined,
  decide: (payment: KeptPayment) => KeptPayment,
): KeptPayment {
  if (requestKey === undefined) return decide(payment);
  if (refusalOf(payment, requestKey)) return payment;
  try {
    return decide(payment);
  } catch (error) {
    if (!isRefusal(error)) throw error;
    const { type, message: detail } = error;
    return { ...payment, refused: [...(payment.refused ?? []), { requestKey, type, detail }].slice(-MOST_REFUSED) };
  }
}

export function refusalOf({ refused = [] }: KeptPayment, requestKey: string | undefined): Refusal | undefined {
  const known = refused.find((one) => one.requestKey === requestKey);
  return known && new Refusal(known.type, known.detail);
}

/** Takes `amount` more, or all that is left. */
export function capture(payment: KeptPayment, amount: number | undefined, moment: Moment): KeptPayment {
  allow(payment, "capture");
  const before = payment.toCapture ?? 0;
  const left = payment.amount.amount - before;
  if (amount === undefined && payment.toCapture !== null && left === 0) return payment;
  if (payment.reversed !== null || payment.charge?.closed || (amount ?? left) > left)
    throw new Refusal("invalid_state", `${payment.charge?.closed ? 0 : left} can still be captured.`);
  return due({ ...payment, toCapture: before + (amount ?? left), failure: null, orderWaits: false }, moment.now);
}

/** Takes all of it, once, for the order. What could not be taken before is not tried again. */
export function captureAll(payment: KeptPayment, moment: Moment): KeptPayment {
  if (payment.toCapture === payment.amount.amount || statusOf(payment) === "failed") return payment;
  return { ...capture(payment, undefined, moment), orderWaits: true };
}

/** Gives back what is reserved, as long as nothing is taken. */
export function cancel(payment: KeptPayment, moment: Moment): KeptPayment {
  if (statusOf(payment) === "canceled") return payment;
  allow(payment, "cancel");
  if (payment.toCapture !== null || payment.charge?.closed)
    throw new Refusal("invalid_state", "There is nothing reserved that could be given back.");
  return { ...reverse(payment, "canceled", moment), orderWaits: false };
}

/** Gives everything back, for the order: what is reserved, what is captured, and what may still come. */
export function reverse(payment: KeptPayment, reason: string, moment: Moment): KeptPayment {
  if (payment.reversed !== null && refundable(payment) === 0) return payment;
  const toCapture = captured(payment) || null;
  const wish = { ...payment, reversed: payment.reversed ?? reason, toCapture, orderWaits: true };
  return due(owing(wish, moment), moment.now);
}

/** Sets money aside to be paid back. A refund of the same id is the same refund. */
export function refund(
  payment: KeptPayment,
  { id, amount, reason }: { id: string; amount: number | undefined; reason: string },
  moment: Moment,
): KeptPayment {
  if (payment.refunds.some((one) => one.id === id)) return payment;
  allow(payment, "refund");
  const left = refundable(payment);
  if (left === 0 || (amount ?? left) > left || payment.refunds.length >= MOST_REFUNDS)
    throw new Refusal("invalid_state", `${left} can still be refunded.`);
  return due(withRefund({ ...payment, orderWaits: false }, { id, amount: amount ?? left, reason }, moment), moment.now);
}

/** Takes in what the provider has of it; null where the provider knows nothing. */
export function learn(payment: KeptPayment, news: Charge | null, moment: Moment): KeptPayment {
  if (!news) {
    const givenUp = payment.reversed !== null && !payment.charge && !payment.absent;
    return givenUp ? due({ ...payment, absent: true }, moment.now) : payment;
  }
  const charge = joined(payment.charge, news);
  if (charge === payment.charge) return payment;
  const toCapture = Math.max(payment.toCapture ?? 0, charge.captured) || payment.toCapture;
  const seen = withRefundsFoundOut({ ...payment, charge, toCapture, token: null }, moment);
  const known = withRefundsDone(withCaptured(seen, captured(payment), moment), moment);
  const closedEarly = charge.closed && known.toCapture !== null && known.toCapture > charge.captured;
  const settled = closedEarly ? uncaptured(known, charge.failure ?? "closed_by_provider") : known;
  const owed = settled.reversed !== null && charge.captured > captured(payment);
  return due(owed ? owing(settled, moment) : settled, moment.now);
}

/** Takes in the provider's no, unless something else is to be asked by now. */
export function refused(payment: KeptPayment, ask: Ask, why: string, moment: Moment): KeptPayment {
  if (JSON.stringify(nextAsk(payment)) !== JSON.stringify(ask)) return payment;
  if (ask.what === "authorize") return learn(payment, declined(why), moment);
  if (ask.what === "capture") return due(uncaptured(payment, why), moment.now);
  if (ask.what === "refund") {
    const refunds = payment.refunds.map((one) =>
      one.id === ask.refundKey ? { ...one, status: "failed" as const } : one,
    );
    return due({ ...payment, refunds }, moment.now);
  }
  return payment;
}

/** The reconciler takes it up and comes again later, after longer and longer pauses, while there is cause. */
export function takenUp(payment: KeptPayment, now: string, random: number): KeptPayment {
  const { looks: tries, updatedAt } = payment;
  const waitedMs = Date.parse(now) - Date.parse(updatedAt);
  const asksMs = nextAsk(payment) && pauseMs({ tries, waitedMs }, pauses, random);
  const looksMs = mayMoveByItself(payment, now) ? lookAfterMs({ looks: tries, waitedMs }, LONGEST_PAUSE_MS) : undefined;
  const againMs = asksMs ?? looksMs;
  return {
    ...payment,
    orderWaits: false,
    looks: tries + 1,
    dueAt: againMs === undefined ? undefined : later(now, againMs),
  };
}

/** The reconciler has to look at it at once. */
export const hurried = (payment: KeptPayment, now: string): KeptPayment => ({
  ...payment,
  orderWaits: false,
  dueAt: now,
});

export function paymentView(payment: KeptPayment): Payment {
  const { id, version, orderId, provider, amount, refunds, charge, createdAt, updatedAt } = payment;
  const status = statusOf(payment);
  return {
    id,
    orderId,
    status,
    provider,
    amount,
    captured: money(captured(payment), amount.currency),
    refunded: money(refunded(payment), amount.currency),
    refunds: [...refunds],
    failure: payment.failure ?? charge?.failure ?? null,
    nextAction: status === "requires_action" ? (charge?.nextAction ?? null) : null,
    createdAt,
    updatedAt,
    version,
  };
}

export function audited(payment: KeptPayment, waiting: readonly Waiting[] = []): AuditedPayment {
  const { id, orderId, amount, charge, failure, reversed, entries, looks, dueAt = null } = payment;
  return {
    id,
    orderId,
    status: statusOf(payment),
    amount,
    hasBegun: !neverBegan(payment),
    captured: captured(payment),
    refunded: refunded(payment),
    failure,
    isReversed: reversed !== null,
    chargeStatus: charge?.status ?? null,
    entries: entries.map(({ id }) => id),
    asks: nextAsk(payment)?.what ?? null,
    looks,
    dueAt,
    tellsSince: sinceOf(waiting),
  };
}

/** What the order is told after a change; undefined when it does not concern it, or waits for the answer. */
export const changedFact = (before: KeptPayment | null, after: KeptPayment): PaymentFact | undefined =>
  after.orderWaits ? undefined : movedFact(before, after);

/** What everybody else is told, whoever waits. */
export function movedFact(before: KeptPayment | null, after: KeptPayment): PaymentFact | undefined {
  if (!before) return undefined;
  const same =
    statusOf(before) === statusOf(after) &&
    captured(before) === captured(after) &&
    refunded(before) === refunded(after);
  if (same) return undefined;
  const {
    id: paymentId,
    orderId,
    status,
    amount,
    captured: taken,
    refunded: back,
    version,
    failure,
  } = paymentView(after);
  return { paymentId, orderId, status, amount, captured: taken, refunded: back, version, failure };
}

const money = (amount: number, currency: string): Money => ({ amount, currency });
const later = (now: string, ms: number) => new Date(Date.parse(now) + ms).toISOString();

function allow(payment: KeptPayment, wish: keyof typeof wishes): void {
  const status = statusOf(payment);
  const states: readonly PaymentStatus[] = wishes[wish];
  if (!states.includes(status))
    throw new Refusal("invalid_state", `A payment that is ${status} has nothing to ${wish}.`);
}

/** The buyer, the bank, or a request that is late may change it without anybody asking. */
function mayMoveByItself(payment: KeptPayment, now: string): boolean {
  if (payment.absent)
    return !neverBegan(payment) && (now < later(payment.updatedAt, LATE_MS) || payment.looks < FEWEST_LOOKS);
  return payment.charge?.status === "processing" || payment.charge?.status === "requires_action";
}

/** A change was made: says when the reconciler has to look, if nobody else brings it to its end. */
function due(payment: KeptPayment, now: string): KeptPayment {
  const waitMs = nextAsk(payment) ? PATIENCE_MS : mayMoveByItself(payment, now) ? FIRST_PAUSE_MS : undefined;
  return { ...payment, looks: 0, updatedAt: now, dueAt: waitMs === undefined ? undefined : later(now, waitMs) };
}

const uncaptured = (payment: KeptPayment, failure: string): KeptPayment => ({
  ...payment,
  toCapture: captured(payment) || null,
  failure,
});

const declined = (failure: string): Charge => ({
  status: "declined",
  captured: 0,
  closed: true,
  refunds: [],
  failure,
  nextAction: null,
});

function withRefund(
  payment: KeptPayment,
  { id, amount, reason }: { id: string; amount: number; reason: string },
  { now }: Moment,
): KeptPayment {
  const refund = {
    id,
    amount: money(amount, payment.amount.currency),
    reason,
    status: "pending" as const,
    createdAt: now,
  };
  return { ...payment, refunds: [...payment.refunds, refund] };
}

/** All that is captured and not yet on its way back is to be paid back. */
function owing(payment: KeptPayment, moment: Moment): KeptPayment {
  const amount = refundable(payment);
  const reason = payment.reversed ?? "";
  return amount > 0 ? withRefund(payment, { id: moment.id("ref"), amount, reason }, moment) : payment;
}

function withCaptured(payment: KeptPayment, before: number, moment: Moment): KeptPayment {
  return booked(payment, "capture", { from: before, to: captured(payment) }, moment);
}

/** What was paid back and is not known here: by the same shop, before it was restored to an earlier moment. */
function withRefundsFoundOut(payment: KeptPayment, { now }: Moment): KeptPayment {
  const known = new Set(payment.refunds.map(({ id }) => id));
  const found = (payment.charge?.refunds ?? [])
    .filter(({ key }) => !known.has(key))
    .map(({ key: id, amount }) => ({
      id,
      amount: money(amount, payment.amount.currency),
      reason: "the provider has paid it",
      status: "pending" as const,
      createdAt: now,
    }));
  return found.length > 0 ? { ...payment, refunds: [...payment.refunds, ...found] } : payment;
}

/** Notes the refunds that the provider has paid out, each with its entry. */
function withRefundsDone(payment: KeptPayment, moment: Moment): KeptPayment {
  const paid = new Set(payment.charge?.refunds.map(({ key }) => key));
  let known = payment;
  for (const refund of payment.refunds) {
    if (refund.status === "succeeded" || !paid.has(refund.id)) continue;
    const refunds = known.refunds.map((one) => (one === refund ? { ...one, status: "succeeded" as const } : one));
    const next: KeptPayment = { ...known, refunds };
    known = booked(next, "refund", { from: refunded(known), to: refunded(next) }, moment);
  }
  return known;
}

function booked(
  payment: KeptPayment,
  kind: LedgerEntry["kind"],
  part: { from: number; to: number },
  { now: at, id }: Moment,
): KeptPayment {
  const { bill, orderId, amount } = payment;
  if (part.to === part.from || !bill) return payment;
  const { total, tax } = bill.totals;
  const entry: LedgerEntry = {
    id: id("led"),
    paymentId: payment.id,
    orderId,
    kind,
    currency: amount.currency,
    postings: postings(kind, part, { total: total.amount, tax: tax.amount }),
    at,
  };
  return { ...payment, entries: [...payment.entries, entry] };
}
