import { Refusal } from "../shared/refusal.ts";
import type { Params } from "../shared/typed.ts";
import type { AuditedCharge, Charge } from "./sandbox.contract.ts";

/** A charge in the provider's books. */
export interface KeptCharge extends Charge {
  version: number;
  /** When the bank will have answered. */
  dueAt?: string | undefined;
}

interface Behaviour {
  status: Charge["status"];
  failure?: string;
  /** The money is taken, the answer is lost. */
  losesAnswer?: true;
  /** So often nobody can be reached, before anything is written down. */
  stumbles?: number;
  refusesCapture?: true;
  refusesRefund?: true;
}

/** What each token stands for. */
const behaviours = new Map<string, Behaviour>([
  ["tok_visa", { status: "authorized" }],
  ["tok_declined", { status: "declined", failure: "card_declined" }],
  ["tok_insufficient_funds", { status: "declined", failure: "insufficient_funds" }],
  ["tok_3ds", { status: "requires_action" }],
  ["tok_async", { status: "processing" }],
  ["tok_timeout", { status: "authorized", losesAnswer: true }],
  ["tok_flaky", { status: "authorized", stumbles: 2 }],
  ["tok_capture_fails", { status: "authorized", refusesCapture: true }],
  ["tok_refund_fails", { status: "authorized", refusesRefund: true }],
]);
export const behaviourOf = (token: string): Behaviour =>
  behaviours.get(token) ?? { status: "declined", failure: "invalid_token" };

/** How long the bank takes over a charge that is `processing`. */
const PROCESSING_MS = 1_000;

export function newCharge(asked: Params<"sandbox.authorize">, id: string, now: string): Omit<KeptCharge, "version"> {
  const { status, failure = null } = behaviourOf(asked.token);
  return {
    id,
    ...asked,
    status,
    captured: 0,
    closed: status === "declined",
    refunded: 0,
    refunds: [],
    failure,
    createdAt: now,
    ...(status === "processing" ? { dueAt: new Date(Date.parse(now) + PROCESSING_MS).toISOString() } : {}),
  };
}

export const chargeView = ({ version, dueAt, ...charge }: KeptCharge): Charge => charge;

export const audited = ({ key, status, amount, currency, captured, refunded, closed }: KeptCharge): AuditedCharge => ({
  key,
  status,
  amount: { amount, currency },
  captured,
  refunded,
  closed,
});

/** Takes money until `total` is taken in all. */
export function capture(charge: KeptCharge, total: number): KeptCharge {
  if (charge.status === "captured" && total <= charge.captured) return charge;
  if (charge.closed || (charge.status !== "authorized" && charge.status !== "captured")) throw notWhile(charge);
  if (total > charge.amount) throw new Refusal("invalid_state", "That is more than is reserved.");
  if (behaviourOf(charge.token).refusesCapture) throw new Refusal("payment_failed", "capture_refused");
  return { ...charge, status: "captured", captured: total, closed: total === charge.amount };
}

export function cancel(charge: KeptCharge): KeptCharge {
  if (charge.status === "captured" && charge.captured === charge.amount) throw notWhile(charge);
  if (charge.closed) return charge;
  if (charge.status === "captured") return { ...charge, closed: true };
  return { ...charge, status: "canceled", closed: true, dueAt: undefined };
}

export function refund(charge: KeptCharge, key: string, amount: number): KeptCharge {
  if (charge.refunds.some((one) => one.key === key)) return charge;
  if (charge.refunded + amount > charge.captured)
    throw new Refusal("invalid_state", "That is more than was captured and not yet refunded.");
  if (behaviourOf(charge.token).refusesRefund) throw new Refusal("payment_failed", "refund_refused");
  return { ...charge, refunded: charge.refunded + amount, refunds: [...charge.refunds, { key, amount }] };
}

/** The buyer's answer. Given twice it counts once. */
export function confirm(charge: KeptCharge, approve: boolean): KeptCharge {
  if (charge.status === "requires_action") return approve ? authorized(charge) : declined(charge);
  const said = charge.status === "declined" ? !approve : approve;
  if (behaviourOf(charge.token).status === "requires_action" && charge.status !== "canceled" && said) return charge;
  throw notWhile(charge);
}

/** The bank's answer. */
export const bankAnswers = (charge: KeptCharge): KeptCharge =>
  charge.status === "processing" ? authorized(charge) : { ...charge, dueAt: undefined };

/** Whether the merchant cannot know of the outcome yet, because it did not ask for it. */
export const settledByItself = (before: KeptCharge | null, after: KeptCharge): boolean =>
  (before?.status === "processing" || before?.status === "requires_action") &&
  (after.status === "authorized" || after.status === "declined");

const authorized = (charge: KeptCharge): KeptCharge => ({ ...charge, status: "authorized", dueAt: undefined });
const declined = (charge: KeptCharge): KeptCharge => ({
  ...charge,
  status: "declined",
  closed: true,
  failure: "authentication_failed",
});
const notWhile = ({ status }: KeptCharge) =>
  new Refusal("invalid_state", `Not possible with a charge that is ${status}.`);
