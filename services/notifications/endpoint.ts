import { Refusal } from "../shared/refusal.ts";
import type {
  DisabledReason,
  EventType,
  NewWebhookEndpoint,
  WebhookChange,
  WebhookEndpoint,
} from "./webhooks.contract.ts";

/** Where webhooks go. */
export interface KeptEndpoint {
  readonly id: string;
  readonly version: number;
  readonly url: string;
  readonly description: string;
  readonly eventTypes: readonly EventType[];
  /** `ended`: nobody sees it any more. It stays until nothing is left that was meant for it. */
  readonly state: "enabled" | "disabled" | "ended";
  readonly disabledReason: DisabledReason | null;
  readonly enabledAt: string;
  /** The newest first. Everything is signed with each that still counts. */
  readonly secrets: readonly Secret[];
  /** One of `MOST_ENDPOINTS`, which nobody else has as long as this one is there. */
  readonly place?: number | undefined;
  /** Equal for every repeat of the request that registered it. */
  readonly requestKey?: string | undefined;
  readonly createdAt: string;
  readonly updatedAt: string;
}

interface Secret {
  readonly secret: string;
  /** When it ends; null for the one in force. */
  readonly until: string | null;
}

export const MOST_ENDPOINTS = 50;
const MOST_SECRETS = 3;
/** So long somebody may still write down what is meant for an endpoint that has just ended. */
const GRACE_MS = 600_000;
/** What is meant for an endpoint that is switched off waits so long. */
export const KEPT_MS = 30 * 86_400_000;

const iso = (ms: number) => new Date(ms).toISOString();

export function registered(
  { url, eventTypes, description = "" }: NewWebhookEndpoint,
  {
    id,
    place,
    secret,
    requestKey,
    now,
  }: { id: string; place: number; secret: string; requestKey: string | undefined; now: string },
): Omit<KeptEndpoint, "version"> {
  return {
    id,
    url,
    description,
    eventTypes,
    state: "enabled",
    disabledReason: null,
    enabledAt: now,
    secrets: [{ secret, until: null }],
    place,
    ...(requestKey ? { requestKey } : {}),
    createdAt: now,
    updatedAt: now,
  };
}

export function changed(endpoint: KeptEndpoint, change: WebhookChange, now: string): KeptEndpoint {
  const { enabled, ...fields } = change;
  const next = { ...endpoint, ...fields };
  const same = (Object.keys(fields) as (keyof typeof fields)[]).every((name) => isSame(next[name], endpoint[name]));
  const dressed = same ? endpoint : { ...next, updatedAt: now };
  if (enabled === undefined) return dressed;
  return enabled ? switchedOn(dressed, now) : switchedOff(dressed, "staff", now);
}

const isSame = (a: unknown, b: unknown) => JSON.stringify(a) === JSON.stringify(b);

const switchedOn = (endpoint: KeptEndpoint, now: string): KeptEndpoint =>
  endpoint.state === "enabled"
    ? endpoint
    : { ...endpoint, state: "enabled", disabledReason: null, enabledAt: now, updatedAt: now };

const switchedOff = (endpoint: KeptEndpoint, reason: DisabledReason, now: string): KeptEndpoint =>
  endpoint.state === "enabled" ? { ...endpoint, state: "disabled", disabledReason: reason, updatedAt: now } : endpoint;

/**
 * The same for what came of a try. Whoever staff have put in the place of the one that was `asked`, or have switched on
 * since, has not been heard yet.
 */
export const foundWanting = (
  endpoint: KeptEndpoint,
  asked: KeptEndpoint,
  reason: DisabledReason,
  now: string,
): KeptEndpoint =>
  endpoint.url === asked.url && endpoint.enabledAt === asked.enabledAt ? switchedOff(endpoint, reason, now) : endpoint;

/** The new secret is in force at once; older ones count for so long at most. */
export function rotated(endpoint: KeptEndpoint, secret: string, nowMs: number, oldValidMs: number): KeptEndpoint {
  const end = iso(nowMs + oldValidMs);
  const old = endpoint.secrets
    .map(({ secret, until }) => ({ secret, until: until !== null && until < end ? until : end }))
    .filter(({ until }) => until > iso(nowMs));
  const secrets = [{ secret, until: null }, ...old].slice(0, MOST_SECRETS);
  return { ...endpoint, secrets, updatedAt: iso(nowMs) };
}

/** Nothing is left of it but that it was there. */
export const ended = ({ id, version, createdAt, enabledAt }: KeptEndpoint, now: string): KeptEndpoint => ({
  id,
  version,
  url: "",
  description: "",
  eventTypes: [],
  state: "ended",
  disabledReason: null,
  enabledAt,
  secrets: [],
  createdAt,
  updatedAt: now,
});

/** Whoever could still write something down for it has done so. */
export const isForgotten = ({ state, updatedAt }: KeptEndpoint, nowMs: number): boolean =>
  state === "ended" && updatedAt < iso(nowMs - GRACE_MS);

/** With what is to be signed now. */
export const secretsAt = ({ secrets }: KeptEndpoint, now: string): string[] =>
  secrets.filter(({ until }) => until === null || until > now).map(({ secret }) => secret);

export const newestSecret = ({ secrets: [newest] }: KeptEndpoint): string => newest?.secret ?? "";

/** @throws Refusal where it is not to be sent anything. */
export function refuseUnlessEnabled({ state }: KeptEndpoint): void {
  if (state !== "enabled") throw new Refusal("invalid_state", "The endpoint is switched off.");
}

export function endpointView(
  endpoint: KeptEndpoint,
  backlog: { waiting: number; dead: number },
  now: string,
): WebhookEndpoint {
  const { state, enabledAt, secrets, place, requestKey, eventTypes, ...view } = endpoint;
  const [, old] = secrets.filter(({ until }) => until === null || until > now);
  return {
    ...view,
    eventTypes: [...eventTypes],
    enabled: state === "enabled",
    oldSecretUntil: old?.until ?? null,
    ...backlog,
  };
}
