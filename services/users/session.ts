/**
 * A session as kept: a family of refresh tokens, each of which is good for one use. Of the tokens only
 * digests are kept. The id is part of every token and nowhere else, so only who has held a token of the
 * family can name it; a token of the family that is not expected was used before, and may be stolen.
 */
export interface KeptSession {
  readonly id: string;
  readonly version: number;
  readonly userId: string;
  /** The account's epoch when the session began. */
  readonly epoch: number;
  /** Of the token that is to come next. */
  readonly digest: string;
  /** Of the one before, which may come once more if its answer got lost. */
  readonly previousDigest?: string | undefined;
  readonly rotatedAt: string;
  /** The longest that a session lives, however much it is used. */
  readonly endsAt: string;
  /** When the session ends if it is not used before; it is forgotten then. */
  readonly dueAt: string;
  readonly ended?: "reused" | "expired" | undefined;
}

const REPEAT_MS = 10_000;
const DAY_MS = 86_400_000;
const IDLE_MS = 30 * DAY_MS;
const LONGEST_MS = 90 * DAY_MS;

const later = (time: string, ms: number) => new Date(Date.parse(time) + ms).toISOString();
const sooner = (a: string, b: string) => (a < b ? a : b);

export function beginSession(
  who: { id: string; userId: string; epoch: number; digest: string },
  now: string,
): Omit<KeptSession, "version"> {
  return { ...who, rotatedAt: now, endsAt: later(now, LONGEST_MS), dueAt: later(now, IDLE_MS) };
}

/**
 * The session after a token was used: with the token's successor, or ended. A token that comes again
 * within ten seconds changes nothing, and its successor is the one that is expected already.
 */
export function rotate(session: KeptSession, used: string, successor: string, now: string): KeptSession {
  if (session.ended) return session;
  if (now >= session.dueAt) return { ...session, ended: "expired" };
  if (used === session.digest) {
    const dueAt = sooner(later(now, IDLE_MS), session.endsAt);
    return { ...session, digest: successor, previousDigest: used, rotatedAt: now, dueAt };
  }
  if (used === session.previousDigest && now <= later(session.rotatedAt, REPEAT_MS)) return session;
  return { ...session, ended: "reused" };
}

/** Whether a token may be given out for the session as it is now. */
export const expects = (session: KeptSession, digest: string): boolean => !session.ended && session.digest === digest;
