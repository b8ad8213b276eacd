import type { Route } from "./routes.ts";

/** A bucket of `burst` tokens that fills by `perSecond`. Each request takes one out. */
export interface Limit {
  name: string;
  /** Whose bucket: that of the user where there is one, else of the address; or always of the address. */
  per: "caller" | "address";
  perSecond: number;
  burst: number;
  holds(route: Route): boolean;
}

const isProbe = (path: string) => path.startsWith("/health/");
/** A provider sends the news of all buyers from a few addresses. They are signed. */
const isNews = (path: string) => path.startsWith("/v1/webhooks/");

/** Each request is held to every limit that holds for its route. Probes go free. */
export const limits: readonly Limit[] = [
  {
    name: "sign-in",
    per: "address",
    perSecond: 10 / 60,
    burst: 20,
    holds: ({ method, path }) => method === "POST" && path.startsWith("/v1/auth/"),
  },
  {
    name: "orders",
    per: "caller",
    perSecond: 20,
    burst: 60,
    holds: ({ method, path }) => method === "POST" && path === "/v1/orders",
  },
  { name: "news", per: "address", perSecond: 500, burst: 2_000, holds: ({ path }) => isNews(path) },
  {
    name: "all",
    per: "caller",
    perSecond: 50,
    burst: 200,
    holds: ({ path }) => !isProbe(path) && !isNews(path),
  },
];

/** To check a token that was never seen costs a signature: it counts by the address that sent it. */
export const tokenLimit = { name: "tokens", perSecond: 20, burst: 200 };

interface Bucket {
  tokens: number;
  at: number;
}

/** Keeps the buckets of those who came lately. Who was longest away is forgotten first. */
export class Buckets {
  readonly #buckets = new Map<string, Bucket>();
  readonly #most: number;

  constructor(most = 50_000) {
    this.#most = most;
  }

  /** Takes a token at the time `now`, in milliseconds. Answers the seconds to wait where there is none. */
  take(key: string, { perSecond, burst }: Pick<Limit, "perSecond" | "burst">, now: number): number {
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
