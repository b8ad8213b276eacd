import type { Payment } from "../payments/payments.contract.ts";
import { lookAfterMs, pauseMs } from "../shared/pause.ts";
import { Refusal, type RefusalCode, type RefusalData } from "../shared/refusal.ts";
import type { Params } from "../shared/typed.ts";
import { isFree, type KeptOrder, noted, withStatus } from "./order.ts";
import type { Process, StepName } from "./process.ts";

type Askable =
  | "inventory.check"
  | "inventory.hold"
  | "inventory.commit"
  | "inventory.release"
  | "payments.authorize"
  | "payments.captureOrder"
  | "payments.reverse";
/** A question to another service. */
export type Ask = { [Name in Askable]: { action: Name; params: Params<Name> } }[Askable];

interface Step {
  ask: (order: KeptOrder) => Ask;
  /** Takes back what this step did, whether or not it did it. */
  undo: (order: KeptOrder) => Ask;
  /** How long the step may take, with all its repeats. */
  deadlineMs: number;
  /** What the timeline says when it is done, when it is undone, and when that does not come off at once. */
  done: string;
  undone: string;
  notUndone: string;
  next: StepName | undefined;
}

const lines = (order: KeptOrder) => order.lines.map(({ sku, quantity }) => ({ sku, quantity }));
const release = (order: KeptOrder): Ask => ({
  action: "inventory.release",
  params: { orderId: order.id, lines: lines(order) },
});
/** Of a reason `payments` takes no more, and a provider may have a lot to say: the money must not stay for that. */
const MOST_LETTERS = 500;
const reverse = (order: KeptOrder): Ask => ({
  action: "payments.reverse",
  params: { orderId: order.id, reason: (order.cancelReason ?? "the order was canceled").slice(0, MOST_LETTERS) },
});

/** Doing, undoing and deadline, side by side. Stock is undone once, by `hold`, and money by `authorize`. */
export const steps = {
  hold: {
    ask: (order) => ({
      action: "inventory.hold",
      params: { orderId: order.id, lines: lines(order), expiresAt: order.process.holdUntil },
    }),
    undo: release,
    deadlineMs: 60_000,
    done: "stock_held",
    undone: "stock_released",
    notUndone: "stock_not_released",
    next: "authorize",
  },
  authorize: {
    ask: (order) => ({
      action: "payments.authorize",
      params: {
        orderId: order.id,
        amount: order.totals.total,
        token: order.paymentToken ?? "",
        customerId: order.customerId,
        bill: {
          orderNumber: order.number,
          email: order.email,
          billingAddress: order.billingAddress,
          lines: order.lines.map(({ id, ...line }) => line),
          totals: order.totals,
        },
      },
    }),
    undo: reverse,
    deadlineMs: 30 * 60_000,
    done: "payment_authorized",
    undone: "payment_reversed",
    notUndone: "payment_not_reversed",
    next: "commit",
  },
  commit: {
    ask: (order) => ({ action: "inventory.commit", params: { orderId: order.id, lines: lines(order) } }),
    undo: release,
    deadlineMs: 5 * 60_000,
    done: "stock_taken",
    undone: "stock_released",
    notUndone: "stock_not_released",
    next: "capture",
  },
  capture: {
    ask: (order) => ({ action: "payments.captureOrder", params: { orderId: order.id } }),
    undo: reverse,
    deadlineMs: 10 * 60_000,
    done: "payment_captured",
    undone: "payment_reversed",
    notUndone: "payment_not_reversed",
    next: undefined,
  },
} satisfies Record<string, Step>;
const stepOf = (name: StepName): Step => steps[name];

/** What came of a question: an answer, a no, or nothing that one could rely on. */
export type Outcome =
  | { kind: "answered"; payment?: Payment | null }
  | { kind: "refused"; type: RefusalCode; detail: string; data?: RefusalData | undefined }
  | { kind: "unknown"; detail: string };

/** Whatever a decision needs of the world. */
export interface Moment {
  nowMs: number;
  /** At least 0, less than 1: spreads repeats. */
  random: number;
  /** Money is taken later, by staff. */
  captureLater: boolean;
}

/** How long the node that drives an order has it for itself. */
export const LEASE_MS = 5_000;
/** The stock is held for longer than all deadlines before its taking together. */
const HOLD_MS = 40 * 60_000;
/** A payment that is waited for is looked at every now and then: news of it are not the only way to know. */
const LONGEST_LOOK_MS = 60_000;
const pauses = { firstMs: 200, longestMs: 60_000 };
/** A refund that the provider refuses is asked for again at growing distances, over about ten hours, and then left to staff. */
const MOST_REFUSALS = 8;
const refusedPauseMs = (refusals: number, random: number) => 2_000 * 4 ** refusals * (0.5 + random / 2);
/** Nothing is given up before it was asked for so often: its deadline may have passed while nobody was there to ask. */
const FEWEST_TRIES = 5;

const iso = (ms: number) => new Date(ms).toISOString();

/** A new order with its first step, to be saved before anything is asked. */
export function begun(
  draft: Omit<KeptOrder, "version" | "process" | "dueAt">,
  nowMs: number,
): Omit<KeptOrder, "version"> {
  const process: Process = {
    phase: "doing",
    step: "hold",
    turn: 1,
    tries: 0,
    deadlineAt: iso(nowMs + steps.hold.deadlineMs),
    holdUntil: iso(nowMs + HOLD_MS),
  };
  return { ...draft, process, dueAt: iso(nowMs + LEASE_MS) };
}

/** Whether the first step is likely to come off. Nothing is held by that. */
export const precheck = (order: KeptOrder): Ask => ({ action: "inventory.check", params: { lines: lines(order) } });

/** What is to be asked now, or again while the order waits; undefined when it is over. */
export function question(order: KeptOrder): Ask | undefined {
  const { phase, step } = order.process;
  if (phase === "done") return undefined;
  return phase === "undoing" ? stepOf(step).undo(order) : stepOf(step).ask(order);
}

/** Whether the buyer can be told how it ended, or that it is their turn. */
export const isSettled = ({ process }: KeptOrder): boolean =>
  process.phase === "done" || process.phase === "waiting" || isOwing(process);

/** All is undone but the money, which the provider refuses to pay back. */
export const isOwing = ({ phase, step, refusals = 0 }: Process): boolean =>
  phase === "undoing" && step === "authorize" && refusals > 0;

/**
 * The order after the outcome of a question that was `asked`. An answer counts however late it comes, as long as the
 * order is still at that step; a no, or no answer, counts in the turn in which it was asked. What an answer to
 * anything else says of the payment is news of it.
 */
export function advance(
  order: KeptOrder,
  asked: Pick<Process, "phase" | "step" | "turn">,
  outcome: Outcome,
  moment: Moment,
): KeptOrder {
  const { phase, step, turn } = order.process;
  if (outcome.kind !== "answered") {
    if (turn !== asked.turn || phase === "waiting") return order;
    if (outcome.kind === "refused" && phase === "doing") return failed(order, outcome, moment);
    if (outcome.kind === "refused" && step === "authorize") return notPaidBack(order, outcome.detail, moment);
    return again(order, outcome.detail, moment);
  }
  const { payment } = outcome;
  if (phase === "waiting" || phase !== asked.phase || step !== asked.step)
    return payment ? heardOfPayment(order, payment, moment) : order;
  if (phase === "undoing") return undone(order, payment, moment);
  // News of the payment has overtaken this answer. Asked again, it says what the news said.
  if (payment && payment.version < order.paymentVersion) return again(order, "overtaken by news", moment);
  return answered(payment ? withPayment(order, payment) : order, payment ?? undefined, moment);
}

function answered(order: KeptOrder, payment: Payment | undefined, moment: Moment): KeptOrder {
  const { step } = order.process;
  if (step === "authorize" || step === "capture") return payment ? paid(order, payment, moment) : order;
  return stepDone(order, moment);
}

/** What each state of the payment means for the checkout. */
function paid(order: KeptOrder, payment: Pick<Payment, "status" | "failure">, moment: Moment): KeptOrder {
  switch (payment.status) {
    case "authorized":
      return order.process.step === "authorize"
        ? stepDone(order, moment)
        : again(order, "the capture is under way", moment);
    case "captured":
    case "partially_captured":
      return order.process.step === "authorize" ? stepDone(order, moment) : confirmed(order, moment);
    case "requires_action":
      return waiting(withStatus(order, "requires_action"), "action_required", moment);
    case "not_paid":
    case "awaiting":
      return waiting(order, "payment_awaited", moment);
    case "failed":
      return failed(order, declineOf(order, payment.failure), moment);
    default:
      return failed(order, paymentCanceled, moment);
  }
}

const paymentCanceled = { type: "payment_failed", detail: "The payment was canceled." } as const;

function declineOf(order: KeptOrder, failure: string | null): { type: RefusalCode; detail: string } {
  return order.process.step === "authorize"
    ? { type: "payment_declined", detail: `The payment was declined: ${failure ?? "no reason was given"}.` }
    : { type: "payment_failed", detail: `The payment could not be taken: ${failure ?? "no reason was given"}.` };
}

function stepDone(order: KeptOrder, moment: Moment): KeptOrder {
  const { step } = order.process;
  const after = noted(order, iso(moment.nowMs), stepOf(step).done);
  const next = nextStep(order, moment);
  // Nobody pays for it any more, and that has come to be known only now.
  if (!next && order.paymentStatus === "canceled") return failed(after, paymentCanceled, moment);
  return next ? onTo(after, { phase: "doing", step: next }, moment) : confirmed(after, moment);
}

function nextStep(order: KeptOrder, { captureLater }: Moment): StepName | undefined {
  const { next } = stepOf(order.process.step);
  if (next === "authorize" && isFree(order)) return "commit";
  if (next === "capture" && (isFree(order) || captureLater)) return undefined;
  return next;
}

function confirmed(order: KeptOrder, moment: Moment): KeptOrder {
  const at = iso(moment.nowMs);
  const captured = order.process.step === "capture" ? noted(order, at, steps.capture.done) : order;
  return over(noted(withStatus(captured, "confirmed"), at, "confirmed"));
}

/** The buyer, or the provider, has to move. The order waits as long as the step's deadline lets it. */
const waiting = (order: KeptOrder, type: string, moment: Moment): KeptOrder =>
  lookedAgain(noted(order, iso(moment.nowMs), type), moment);

function lookedAgain(order: KeptOrder, { nowMs }: Moment): KeptOrder {
  const { process } = order;
  const lookAt = iso(nowMs + lookAfterMs({ looks: process.turn, waitedMs: waitedMs(order, nowMs) }, LONGEST_LOOK_MS));
  return {
    ...order,
    process: { ...process, phase: "waiting", turn: process.turn + 1, tries: 0 },
    dueAt: lookAt < process.deadlineAt ? lookAt : process.deadlineAt,
  };
}

/**
 * A step was refused for good. What came before it is undone. A hold that was asked for once has held nothing;
 * of one that was asked for more often, another asking may still come through.
 */
function failed(
  order: KeptOrder,
  refusal: { type: RefusalCode; detail: string; data?: RefusalData | undefined },
  moment: Moment,
): KeptOrder {
  const { type, detail, data } = refusal;
  const ended = closed({ ...order, refusal: { type, detail, data }, cancelReason: detail }, "canceled", type, moment);
  return order.process.step === "hold" && order.process.turn === 1 ? over(ended) : ended;
}

/** Ends an order, whatever it has reached, and sets out to undo it. */
function closed(order: KeptOrder, status: "canceled" | "expired", type: string, moment: Moment): KeptOrder {
  const ended = noted(withStatus(order, status), iso(moment.nowMs), type, order.cancelReason ?? undefined);
  const first: StepName = order.process.step === "hold" || isFree(order) ? "hold" : "authorize";
  return onTo(
    { ...ended, payment: ended.payment && { id: ended.payment.id } },
    { phase: "undoing", step: first },
    moment,
  );
}

/**
 * Money is undone before stock: what is for sale again has been given up for good. Only a provider that refuses to pay
 * back is not waited for.
 */
function undone(order: KeptOrder, payment: Payment | null | undefined, moment: Moment): KeptOrder {
  const { step, refusals } = order.process;
  const known = payment ? withPayment(order, payment) : order;
  const happened = step !== "authorize" || payment?.status === "canceled" || payment?.status === "refunded";
  const after = happened ? noted(known, iso(moment.nowMs), stepOf(step).undone) : known;
  if (step === "hold") return refusals ? paidBackLater(after, moment) : over(after);
  return refusals ? over(lookedAfter(after)) : onTo(after, { phase: "undoing", step: "hold" }, moment);
}

/** The provider refuses to pay back. Staff are to see it at once; it is asked again, but not for ever. */
function notPaidBack(order: KeptOrder, detail: string, moment: Moment): KeptOrder {
  const refusals = (order.process.refusals ?? 0) + 1;
  const counted = { ...order, process: { ...order.process, refusals } };
  const note = (type: string) =>
    noted({ ...counted, attention: "refund_refused" as const }, iso(moment.nowMs), type, detail);
  if (refusals === 1) return onTo(note(steps.authorize.notUndone), { phase: "undoing", step: "hold" }, moment);
  return refusals < MOST_REFUSALS ? paidBackLater(counted, moment) : over(note("refund_given_up"));
}

/** Its deadline comes after that, so that nobody takes it for forgotten. */
function paidBackLater(order: KeptOrder, moment: Moment): KeptOrder {
  const pauseMs = refusedPauseMs(order.process.refusals ?? 1, moment.random);
  const later = onTo(order, { phase: "undoing", step: "authorize" }, { ...moment, nowMs: moment.nowMs + pauseMs });
  return { ...later, dueAt: iso(moment.nowMs + pauseMs) };
}

/** Nobody knows what came of it: ask again after a pause, or give up when the deadline has passed. */
function again(order: KeptOrder, detail: string, moment: Moment): KeptOrder {
  const { process } = order;
  const isOver = iso(moment.nowMs) >= process.deadlineAt && process.tries >= FEWEST_TRIES;
  if (process.phase === "doing" && isOver) return givenUp(order, detail, moment);
  const { tries } = process;
  const pause = pauseMs({ tries, waitedMs: waitedMs(order, moment.nowMs) }, pauses, moment.random);
  const type = process.phase === "undoing" ? stepOf(process.step).notUndone : `${process.step}_unanswered`;
  return {
    ...(tries === 0 ? noted(order, iso(moment.nowMs), type, detail) : order),
    process: { ...process, turn: process.turn + 1, tries: tries + 1 },
    dueAt: iso(moment.nowMs + pause),
  };
}

/** How long the order has been at its step. */
const waitedMs = ({ process: { deadlineAt, step } }: KeptOrder, nowMs: number): number =>
  nowMs - (Date.parse(deadlineAt) - stepOf(step).deadlineMs);

function givenUp(order: KeptOrder, detail: string, moment: Moment): KeptOrder {
  // Final, so that nobody repeats the request for ever: it takes another order, under another key.
  const told = "It could not be completed in time and was given up; what was charged is paid back. Order again.";
  const refusal = { type: "invalid_state" as const, detail: told };
  return closed({ ...order, cancelReason: `Given up: ${detail}`, refusal }, "expired", "expired", moment);
}

function onTo(order: KeptOrder, { phase, step }: Pick<Process, "phase" | "step">, { nowMs }: Moment): KeptOrder {
  return {
    ...order,
    process: {
      ...order.process,
      phase,
      step,
      turn: order.process.turn + 1,
      tries: 0,
      deadlineAt: iso(nowMs + stepOf(step).deadlineMs),
    },
    dueAt: iso(nowMs + LEASE_MS),
  };
}

/** Nothing is left to do. The token has served its purpose. */
function over(order: KeptOrder): KeptOrder {
  const { dueAt, paymentToken, ...rest } = order;
  return { ...rest, process: { ...order.process, phase: "done", turn: order.process.turn + 1 } };
}

/** Takes in what is known of the payment, unless something later is known already. */
function withPayment(
  order: KeptOrder,
  payment: Pick<Payment, "id" | "status" | "version"> & { nextAction?: Payment["nextAction"] },
): KeptOrder {
  if (payment.version < order.paymentVersion) return order;
  const { id, status, version, nextAction } = payment;
  return {
    ...order,
    paymentStatus: status,
    paymentVersion: version,
    payment: { id, ...(nextAction && status === "requires_action" ? { nextAction } : {}) },
  };
}

/** News of the payment: it moves a waiting order on, and is taken down in any case. */
export function heardOfPayment(
  order: KeptOrder,
  news: Pick<Payment, "id" | "status" | "version" | "failure"> & { nextAction?: Payment["nextAction"] },
  moment: Moment,
): KeptOrder {
  const { status, version, nextAction } = news;
  const { phase } = order.process;
  if (version <= order.paymentVersion) return order;
  // What the buyer has to do is not part of every news. It is looked up at once.
  if (phase === "waiting" && status === "requires_action" && !nextAction) return { ...order, dueAt: iso(moment.nowMs) };
  const known = withPayment(order, news);
  if (status === order.paymentStatus) return known;
  if (phase === "waiting") return paid(withStatus(known, "pending"), news, moment);
  return phase === "done" ? heardAfterwards(known, moment) : known;
}

/** What is not to be paid for any more is not to leave the house. */
function heardAfterwards(order: KeptOrder, moment: Moment): KeptOrder {
  const { paymentStatus, status } = order;
  const after = noted(order, iso(moment.nowMs), `payment_${paymentStatus}`);
  if (paymentStatus === "canceled" && status === "confirmed" && isInTheHouse(order))
    return canceled(after, "The payment was canceled.", moment);
  return paymentStatus === "refunded" ? lookedAfter(after) : after;
}

const lookedAfter = ({ attention, ...order }: KeptOrder): KeptOrder => order;

/** Somebody takes the order up: because its time has come, or its node died. The same order: it is not due. */
export function takenUp(order: KeptOrder, moment: Moment): KeptOrder {
  const now = iso(moment.nowMs);
  const { phase, step, turn, deadlineAt, holdUntil } = order.process;
  if (order.dueAt === undefined || order.dueAt > now) return order;
  if (phase === "waiting")
    return now < deadlineAt
      ? lookedAgain(order, moment)
      : closed({ ...order, cancelReason: "The payment was not completed in time." }, "expired", "expired", moment);
  // Nobody is charged for what somebody else may have by now.
  if (phase === "doing" && (step === "hold" || step === "authorize") && now >= holdUntil)
    return givenUp(order, "it lay for too long", moment);
  return { ...order, process: { ...order.process, turn: turn + 1 }, dueAt: iso(moment.nowMs + LEASE_MS) };
}

/** Somebody has found that nobody takes it up. */
export const wokenUp = (order: KeptOrder, moment: Moment): KeptOrder =>
  order.process.phase === "done" ? order : takenUp({ ...order, dueAt: iso(moment.nowMs) }, moment);

/** An order can be canceled until it begins to leave the house. */
export function canceled(order: KeptOrder, reason: string, moment: Moment): KeptOrder {
  if (order.status === "canceled") return order;
  const mayCancel = isInTheHouse(order) && (order.status === "confirmed" || order.process.phase === "waiting");
  if (!mayCancel)
    throw new Refusal(
      "invalid_state",
      `An order that is ${order.status} and ${order.fulfillmentStatus} cannot be canceled.`,
    );
  const wanted = { ...order, cancelReason: reason, fulfillmentStatus: "canceled" as const };
  return closed({ ...wanted, process: { ...order.process, step: "capture" } }, "canceled", "canceled", moment);
}

const isInTheHouse = ({ fulfillmentStatus }: KeptOrder): boolean => fulfillmentStatus === "not_fulfilled";
