import { Refusal } from "../shared/refusal.ts";
import type { Method } from "./routes.ts";

/** What is asked for, as far as limits care. */
export interface Asked {
  method: Method;
  path: string;
}

/** Who asks: the user if one is signed in, and in any case the network that the request comes from. */
export interface Who {
  userId?: string | undefined;
  network: string;
}

/** A bucket of `burst` tokens that fills by `perSecond`. Each request takes one out. */
interface Bucketful {
  perSecond: number;
  burst: number;
}

export interface Limit extends Bucketful {
  name: string;
  /** Whose bucket: that of the user where there is one, else of the network; or always of the network. */
  per: "caller" | "network";
  holds(asked: Asked): boolean;
}

const isProbe = (path: string) => path.startsWith("/health/");
/** A provider sends the news of all buyers from a few addresses. They are signed. */
const isNews = (path: string) => path.startsWith("/v1/webhooks/");
/** What makes us work on a password, or send a mail. Whoever holds a refresh token has been through that. */
const isSigningIn = (path: string) => /^\/v1\/auth\/(?!refresh$|logout$)/.test(path);

/** Each request is held to every limit that holds for it. Why these: docs/decisions/007-limits.md. */
export const limits: readonly Limit[] = [
  { name: "sign-in", per: "network", perSecond: 1, burst: 100, holds: ({ path }) => isSigningIn(path) },
  {
    name: "orders",
    per: "caller",
    perSecond: 50,
    burst: 500,
    holds: ({ method, path }) => method === "POST" && path === "/v1/orders",
  },
  { name: "news", per: "network", perSecond: 500, burst: 2_000, holds: ({ path }) => isNews(path) },
  { name: "all", per: "caller", perSecond: 200, burst: 2_000, holds: ({ path }) => !isProbe(path) && !isNews(path) },
];

/** To check a token that was never seen costs a signature: it counts by the network that sent it. */
const strangers = { name: "tokens", perSecond: 100, burst: 1_000 };

/** Knows who has asked how often lately. */
export class Limits {
  readonly #buckets = new Buckets();
  readonly #isOn: boolean;
  readonly #now: () => number;

  constructor(isOn: boolean, now: () => number) {
    this.#isOn = isOn;
    this.#now = now;
  }

  /** @throws Refusal `too_many_requests`. */
  hold(asked: Asked, { userId, network }: Who): void {
    for (const limit of limits)
      if (limit.holds(asked)) this.#take(limit, (limit.per === "caller" && userId) || network);
  }

  /** @throws Refusal `too_many_requests`. */
  holdStranger(network: string): void {
    this.#take(strangers, network);
  }

  #take(limit: Bucketful & { name: string }, who: string): void {
    const seconds = this.#isOn ? this.#buckets.take(`${limit.name} ${who}`, limit, this.#now()) : 0;
    if (seconds > 0) throw new Refusal("too_many_requests", undefined, { retryAfterSeconds: seconds });
  }
}

/** Keeps the buckets of those who came lately. Who was longest away is forgotten first. */
export class Buckets {
  readonly #buckets = new Map<string, { tokens: number; at: number }>();
  readonly #most: number;

  constructor(most = 50_000) {
    this.#most = most;
  }

  /** Takes a token at the time `now`, in milliseconds. Answers the seconds to wait where there is none. */
  take(key: string, { perSecond, burst }: Bucketful, now: number): number {
    const before = this.#buckets.get(key) ?? { tokens: burst, at: now };
    const gained = Math.max(0, now - before.at) * (perSecond / 1000);
    const tokens = Math.min(burst, before.tokens + gained);
    const isEnough = tokens >= 1;
    this.#buckets.delete(key);
    this.#buckets.set(key, { tokens: isEnough ? tokens - 1 : tokens, at: now });
    this.#forget();
    return isEnough ? 0 : Math.ceil((1 - tokens) / perSecond);
  }

  #forget(): void {
    if (this.#buckets.size <= this.#most) return;
    const [oldest] = this.#buckets.keys();
    if (oldest !== undefined) this.#buckets.delete(oldest);
  }
}

/** How many there may be of what is counted. */
export interface Bounds {
  most: number;
  mostOfOneNetwork: number;
  /** As those are told who are refused. */
  what: string;
}

const requests: Bounds = { most: 1_000, mostOfOneNetwork: 500, what: "requests" };

/** Who is inside. Better some are told to come back than all wait, and nobody alone fills the house. */
export class Crowd {
  readonly #byNetwork = new Map<string, number>();
  readonly #isShared: boolean;
  readonly #bounds: Bounds;
  size = 0;

  /** `isShared`: one network gets only a part of the places. */
  constructor(isShared: boolean, bounds = requests) {
    this.#isShared = isShared;
    this.#bounds = bounds;
  }

  enter(network: string): void {
    this.size++;
    this.#byNetwork.set(network, (this.#byNetwork.get(network) ?? 0) + 1);
  }

  leave(network: string): void {
    this.size--;
    const left = (this.#byNetwork.get(network) ?? 0) - 1;
    if (left > 0) this.#byNetwork.set(network, left);
    else this.#byNetwork.delete(network);
  }

  /** @throws Refusal `unavailable` for all while the house is full, `too_many_requests` for those who fill it. */
  refuse(network: string): void {
    const soon = { retryAfterSeconds: 1 };
    const { most, mostOfOneNetwork, what } = this.#bounds;
    if (this.#isShared && (this.#byNetwork.get(network) ?? 0) > mostOfOneNetwork)
      throw new Refusal("too_many_requests", `Too many ${what} at once.`, soon);
    if (this.size > most) throw new Refusal("unavailable", `Too many ${what} are being served.`, soon);
  }
}
