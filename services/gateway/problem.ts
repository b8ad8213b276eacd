import { isRefusal, Refusal, type RefusalCode, refusals } from "../shared/refusal.ts";
import type { Stream } from "./stream.edge.ts";

/** What goes back to the client, apart from the headers that every answer has. */
export interface Answer {
  status: number;
  headers: Record<string, string>;
  body: string | Buffer;
  /** The result that it was made of, if that can tell whether it is still true. */
  of?: object;
  /** What comes after the head, bit by bit, for as long as somebody listens. */
  follows?: Stream;
}

/** Failures of the cluster, not of the code: a service is away, or too slow to say whether it is. */
const awayErrors = new Set([
  "ServiceNotFoundError",
  "ServiceNotAvailableError",
  "RequestTimeoutError",
  "RequestSkippedError",
  "RequestRejectedError",
  "QueueIsFullError",
  "MaxCallLevelError",
  "BrokerDisconnectedError",
]);

export const isAway = (error: unknown): boolean => awayErrors.has((error as { name?: string } | undefined)?.name ?? "");

/** Whatever went wrong, as the refusal that may be told. */
export function refusalOf(error: unknown): Refusal {
  if (isRefusal(error) && error.type in refusals) return error;
  if (isAway(error)) return new Refusal("unavailable");
  if ((error as { type?: string } | undefined)?.type === "UNABLE_DECODE_PARAM")
    return new Refusal("malformed_request", "The path is not encoded as it has to be.");
  return new Refusal("internal_error");
}

const isOurFault = (refusal: Refusal): boolean => refusals[refusal.type][0] >= 500;

/**
 * How loud the log is about what was answered with a refusal. A no is an answer, also one that says when
 * to come again; what is away, or cannot be used, is worth a line; everything else is a bug.
 */
export function loudnessOf(error: unknown): "debug" | "warn" | "error" {
  const { type, data } = refusalOf(error);
  if (type === "internal_error") return "error";
  return type === "unavailable" && data?.retryAfterSeconds === undefined ? "warn" : "debug";
}

/** A refusal as a problem document (RFC 9457). Of what went wrong inside, nothing is said. */
export function problem(refusal: Refusal, requestId: string): Answer {
  const { type: code, message, data } = refusal;
  const [status, title] = refusals[code];
  const detail = isOurFault(refusal) ? title : message;
  const errors = data?.errors?.length ? { errors: data.errors } : {};
  return {
    status,
    headers: { "content-type": "application/problem+json", ...hints(code, status, data?.retryAfterSeconds) },
    body: JSON.stringify({ type: `/problems/${code}`, title, status, detail, code, requestId, ...errors }),
  };
}

function hints(code: RefusalCode, status: number, retryAfterSeconds: number | undefined): Record<string, string> {
  const seconds = retryAfterSeconds ?? (status === 503 || status === 429 ? 1 : undefined);
  return {
    ...(status === 401
      ? { "www-authenticate": `Bearer${code === "invalid_token" ? ' error="invalid_token"' : ""}` }
      : {}),
    ...(seconds === undefined ? {} : { "retry-after": String(Math.max(1, Math.ceil(seconds))) }),
  };
}
