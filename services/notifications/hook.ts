import type { PaymentFact } from "../payments/payments.contract.ts";
import { KEPT_MS, type KeptEndpoint } from "./endpoint.ts";
import {
  type DeliveryStatus,
  events,
  type Happening,
  type ShopHappening,
  type WebhookAttempt,
  type WebhookDelivery,
  type WholeWebhookDelivery,
} from "./webhooks.contract.ts";

/** One event on its way to one endpoint. */
export interface KeptHook {
  readonly id: string;
  readonly version: number;
  readonly endpointId: string;
  /** The fact's id: the receiver's key for what it has seen before. */
  readonly eventId: string;
  readonly type: Happening["type"];
  readonly body: string;
  readonly status: DeliveryStatus;
  readonly tries: number;
  readonly attempts: readonly WebhookAttempt[];
  readonly happenedAt: string;
  readonly createdAt: string;
  readonly deliveredAt: string | null;
  /** When it is to be tried; of one that is over, when it is to be forgotten. */
  readonly dueAt: string;
}

/** What came of a try: an answer, or none. */
export type Heard = { status: number; response: string; retryAfter: string | undefined } | { error: string };

export interface Try {
  heard: Heard;
  begunMs: number;
  nowMs: number;
  /** At least 0, less than 1: spreads repeats. */
  random: number;
}

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
/** Between one try and the next: fifteen pauses, of 72 hours in all. */
const pausesMs = [
  5 * SECOND,
  30 * SECOND,
  2 * MINUTE,
  5 * MINUTE,
  15 * MINUTE,
  30 * MINUTE,
  HOUR,
  2 * HOUR,
  4 * HOUR,
  6 * HOUR,
  8 * HOUR,
  10 * HOUR,
  12 * HOUR,
  14 * HOUR,
  14 * HOUR,
];
const MOST_TRIES = pausesMs.length + 1;
/** Where a receiver has so much waiting for it that the tries come late, it ends nevertheless. */
const OLDEST_MS = 80 * HOUR;
/** Nobody who asks for more time gets more than this. */
const LONGEST_WAIT_MS = 12 * HOUR;
/** An endpoint that has taken nothing for so long, and lets a delivery die, is not there any more. */
const FAILING_MS = 48 * HOUR;
/** Longer than a try may take: if the node that makes it dies, another one makes the next. */
const LEASE_MS = 30 * SECOND;
const MOST_ATTEMPTS = 20;
const LONGEST_ERROR = 300;

const iso = (ms: number) => new Date(ms).toISOString();

/** An event about a payment, where its state is one that the world is told of. */
export function paymentHappening(payment: PaymentFact): ShopHappening | undefined {
  const type = `payment.${payment.status}`;
  return Object.hasOwn(events, type) ? ({ type, data: { payment } } as ShopHappening) : undefined;
}

/** The same fact always makes the same delivery to an endpoint, so that hearing it again finds it there. */
export const hookId = (eventId: string, endpointId: string): string =>
  `whd_${eventId.slice(4, 30)}${endpointId.slice(-14)}`;

export function hookOf(
  endpointId: string,
  { id: eventId, at }: { id: string; at: string },
  { type, data }: Happening,
  now: string,
): Omit<KeptHook, "version"> {
  return {
    id: hookId(eventId, endpointId),
    endpointId,
    eventId,
    type,
    body: JSON.stringify({ type, timestamp: at, data }),
    status: "waiting",
    tries: 0,
    attempts: [],
    happenedAt: at,
    createdAt: now,
    deliveredAt: null,
    dueAt: now,
  };
}

/** Up to when what lies in an endpoint's row is due. While it is switched off, nothing is, but what has lain for too long. */
export function dueUntil({ state }: Pick<KeptEndpoint, "state">, nowMs: number): string {
  if (state === "ended") return iso(nowMs + 2 * KEPT_MS);
  return iso(state === "enabled" ? nowMs : nowMs - KEPT_MS);
}

/** What is due is tried, or it is forgotten. */
export const isToTry = ({ state }: Pick<KeptEndpoint, "state">, { status }: KeptHook): boolean =>
  state === "enabled" && status === "waiting";

export const takenUp = (hook: KeptHook, nowMs: number): KeptHook => ({
  ...hook,
  tries: hook.tries + 1,
  dueAt: iso(nowMs + LEASE_MS),
});

/** Staff want it to be tried now, whatever has become of it. */
export const again = (hook: KeptHook, now: string): KeptHook => ({ ...hook, status: "waiting", dueAt: now });

const isTaken = (heard: Heard) => "status" in heard && heard.status >= 200 && heard.status < 300;
export const isGone = (heard: Heard): boolean => "status" in heard && heard.status === 410;

/** The delivery after a try. Of two tries at once, one that has arrived is right. */
export function tried(hook: KeptHook, { heard, begunMs, nowMs, random }: Try, endpoint: KeptEndpoint): KeptHook {
  const attempts = [...hook.attempts, attemptOf(heard, begunMs, nowMs)].slice(-MOST_ATTEMPTS);
  const over = { ...hook, attempts, dueAt: iso(nowMs + KEPT_MS) };
  if (isTaken(heard)) return { ...over, status: "delivered", deliveredAt: iso(nowMs) };
  if (hook.status !== "waiting") return { ...hook, attempts };
  const isOld = nowMs - Date.parse(hopefulSince(hook, endpoint)) >= OLDEST_MS;
  if (isGone(heard) || hook.tries >= MOST_TRIES || isOld) return { ...over, status: "dead" };
  return { ...hook, attempts, dueAt: iso(nowMs + pauseMs(hook.tries, heard, { nowMs, random })) };
}

/** Never sooner than the receiver wants it, unless it wants too much. */
function pauseMs(tries: number, heard: Heard, { nowMs, random }: Pick<Try, "nowMs" | "random">): number {
  const own = (pausesMs[tries - 1] ?? LONGEST_WAIT_MS) * (0.95 + random / 10);
  return Math.max(own, Math.min(LONGEST_WAIT_MS, wishedMs(heard, nowMs)));
}

/** `Retry-After`, in seconds or as a date, of those who say that they are busy. */
function wishedMs(heard: Heard, nowMs: number): number {
  if (!("status" in heard) || (heard.status !== 429 && heard.status !== 503)) return 0;
  const { retryAfter = "" } = heard;
  const ms = /^\d{1,9}$/.test(retryAfter.trim()) ? Number(retryAfter) * SECOND : Date.parse(retryAfter) - nowMs;
  return Number.isFinite(ms) ? Math.max(0, ms) : 0;
}

/** Since when this delivery could have been made. */
export const hopefulSince = ({ createdAt }: KeptHook, { enabledAt }: KeptEndpoint): string =>
  createdAt > enabledAt ? createdAt : enabledAt;

/** Whether the death of a delivery says that nobody is there any more, if nothing else has been taken since `since`. */
export const isLong = (since: string, nowMs: number): boolean => nowMs - Date.parse(since) >= FAILING_MS;

function attemptOf(heard: Heard, begunMs: number, nowMs: number): WebhookAttempt {
  const when = { at: iso(begunMs), tookMs: Math.max(0, nowMs - begunMs) };
  if ("error" in heard)
    return { ...when, status: null, error: heard.error.slice(0, LONGEST_ERROR).toWellFormed(), response: null };
  const { status, response } = heard;
  return { ...when, status, error: isTaken(heard) ? null : `It answered ${status}.`, response };
}

export function hookView({ body, attempts, version, dueAt, ...hook }: KeptHook): WebhookDelivery {
  return { ...hook, nextTryAt: hook.status === "waiting" ? dueAt : null, lastAttempt: attempts.at(-1) ?? null };
}

export const wholeHookView = (hook: KeptHook): WholeWebhookDelivery => ({
  ...hookView(hook),
  body: hook.body,
  attempts: [...hook.attempts],
});
