import { ConnectionError, isRefusal, type LonjaError } from "./errors.ts";
import type { RefusalCode } from "./generated.ts";

/** What was asked, as far as it decides whether it may be asked again. */
export interface Asked {
  method: string;
  /** It is for this version of a record and no other. */
  ifVersion?: unknown;
}

/** What may go otherwise next time, and whether anything can have happened this time. */
const passing: { readonly [code in RefusalCode]?: "nothing" | "unknown" } = {
  request_timeout: "nothing",
  too_many_requests: "nothing",
  request_in_progress: "unknown",
  unavailable: "unknown",
  internal_error: "unknown",
};

/** Answers of proxies that stand before a shop which is away, or has too much to do. */
const passingStatus: { readonly [status: number]: "nothing" | "unknown" } = {
  408: "unknown",
  425: "nothing",
  429: "nothing",
  500: "unknown",
  502: "unknown",
  503: "unknown",
  504: "unknown",
};

/** Who was never reached has done nothing. Browsers do not tell. */
const neverReached = ["ECONNREFUSED", "ENOTFOUND", "EAI_AGAIN", "UND_ERR_CONNECT_TIMEOUT"];

/** What can have happened: undefined where it is final, and asking again would be answered alike. */
export function happened(error: LonjaError): "nothing" | "unknown" | undefined {
  if (isRefusal(error)) return passing[error.code];
  if (!(error instanceof ConnectionError)) return undefined;
  // An answer of success that cannot be read is an answer that was lost.
  if (error.status !== undefined && error.status >= 300) return passingStatus[error.status];
  const { code } = (error.cause ?? {}) as { code?: string };
  return code !== undefined && neverReached.includes(code) ? "nothing" : "unknown";
}

/**
 * Whether to say the same again does no harm, whatever came of it the first time. Reads change nothing, a POST has a
 * key, and what is deleted stays deleted. A PATCH would undo what somebody else has changed since; what names a version
 * would be refused for the change that it has made itself.
 */
const isHarmless = ({ method, ifVersion }: Asked): boolean => method !== "PATCH" && ifVersion === undefined;

/** A bug in the shop will still be there after the third look. */
const MOST_TRIES_AT_BUGS = 3;

export const mayRepeat = (asked: Asked, error: LonjaError): boolean => {
  if (isRefusal(error, "internal_error") && error.tries >= MOST_TRIES_AT_BUGS) return false;
  const what = happened(error);
  return what === "nothing" || (what === "unknown" && isHarmless(asked));
};

export const LONGEST_PAUSE_MS = 5_000;

/**
 * How long to wait after so many tries. Longer each time, and everybody differently, so that a shop that comes back is
 * not met by all at once; and never shorter than the shop has asked for. `chance` is from 0 to 1.
 */
export function pauseAfter(tries: number, firstMs: number, retryAfterMs: number | undefined, chance: number): number {
  const mostMs = Math.min(LONGEST_PAUSE_MS, firstMs * 2 ** (tries - 1));
  return (retryAfterMs ?? mostMs / 2) + (chance * mostMs) / 2;
}

/** `Retry-After` is in seconds, or a date. */
export function retryAfterOf(header: string | null, now: number): number | undefined {
  if (!header) return undefined;
  const ms = /^\d+$/.test(header) ? Number(header) * 1_000 : Date.parse(header) - now;
  return Number.isNaN(ms) ? undefined : Math.max(0, ms);
}
