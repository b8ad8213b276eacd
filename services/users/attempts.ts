import { networkOf } from "../shared/address.ts";
import { Refusal } from "../shared/refusal.ts";

/** Failures of one kind, by one account or from one client address. Forgiven one by one as time goes by. */
export interface Attempts {
  readonly id: string;
  readonly version: number;
  readonly failures: number;
  readonly failedAt: string;
  /** When all is forgiven. */
  readonly dueAt: string;
}

interface Patience {
  /** So many failures cost nothing; each one more doubles the wait, from one second on. */
  readonly free: number;
  /**
   * How long it takes until one failure is forgiven. It is also how often somebody who never gives up
   * gets to try: a longer wait forgives more than the next failure adds, so there is no lock-out.
   */
  readonly forgiveMs: number;
  /** Whether a success forgives all of them. */
  readonly clears?: boolean;
}

/** What is counted where, and how patiently. */
export interface Counter extends Patience {
  readonly id: string;
}

const MINUTE_MS = 60_000;
/**
 * Many people may share an address. A refresh token cannot be guessed and a wrong one ends its session,
 * so there the limit only spares work.
 */
const patience: Record<"login" | "register" | "refresh", { account?: Patience; address: Patience }> = {
  login: { account: { free: 5, forgiveMs: 5 * MINUTE_MS, clears: true }, address: { free: 30, forgiveMs: MINUTE_MS } },
  register: { account: { free: 5, forgiveMs: 5 * MINUTE_MS }, address: { free: 10, forgiveMs: MINUTE_MS } },
  refresh: { address: { free: 100, forgiveMs: 1000 } },
};
export type Deed = keyof typeof patience;

export function countersOf(deed: Deed, who: { account?: string | undefined; address?: string | undefined }): Counter[] {
  const { account, address } = patience[deed];
  return [
    ...(who.account && account ? [{ id: `${deed}:account:${who.account}`, ...account }] : []),
    ...(who.address ? [{ id: `${deed}:address:${networkOf(who.address)}`, ...address }] : []),
  ];
}

/** @throws Refusal `too_many_requests` while the wait after the last failure is not over. */
export function refuseTooMany(attempts: Attempts | undefined, counter: Counter, now: string): void {
  if (!attempts) return;
  const leftMs = Date.parse(attempts.failedAt) + waitMs(attempts.failures, counter) - Date.parse(now);
  if (leftMs > 0)
    throw new Refusal("too_many_requests", "Too many attempts have failed.", {
      retryAfterSeconds: Math.ceil(leftMs / 1000),
    });
}

/** One failure more. One that comes while others wait is none: it was not told whether it was right. */
export function failed(attempts: Attempts | undefined, counter: Counter, now: string): Attempts {
  refuseTooMany(attempts, counter, now);
  const failures = (attempts ? failuresLeft(attempts, counter, now) : 0) + 1;
  const dueAt = new Date(Date.parse(now) + failures * counter.forgiveMs).toISOString();
  return { id: counter.id, version: attempts?.version ?? 0, failures, failedAt: now, dueAt };
}

function failuresLeft({ failures, failedAt }: Attempts, { forgiveMs }: Counter, now: string): number {
  return Math.max(0, failures - (Date.parse(now) - Date.parse(failedAt)) / forgiveMs);
}

function waitMs(failures: number, { free }: Counter): number {
  const over = Math.round(failures) - free;
  return over < 0 ? 0 : 1000 * 2 ** over;
}
