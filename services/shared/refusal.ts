/**
 * Every way in which Lonja says no, with its HTTP status and title. The key is the stable `code` of
 * the public contract; clients branch on it.
 */
export const refusals = {
  malformed_json: [400, "The body is not well-formed JSON"],
  malformed_request: [400, "The request is malformed"],
  invalid_signature: [400, "The signature does not fit the body"],
  unauthenticated: [401, "Sign in first"],
  invalid_credentials: [401, "E-mail or password is wrong"],
  invalid_token: [401, "The token is not valid"],
  payment_declined: [402, "The payment was declined"],
  payment_failed: [402, "The payment could not be taken"],
  forbidden: [403, "Not allowed"],
  not_found: [404, "Not found"],
  method_not_allowed: [405, "Method not allowed"],
  request_timeout: [408, "The request took too long to arrive"],
  already_exists: [409, "It exists already"],
  insufficient_stock: [409, "Not enough in stock"],
  request_in_progress: [409, "The same request is still running"],
  invalid_state: [409, "Not possible in the present state"],
  version_conflict: [412, "Changed by somebody else in the meantime"],
  body_too_large: [413, "The body is too large"],
  unsupported_media_type: [415, "This media type is not accepted here"],
  invalid_input: [422, "The input is not valid"],
  idempotency_key_required: [422, "An Idempotency-Key is required"],
  idempotency_key_reused: [422, "The Idempotency-Key was used for another request"],
  headers_too_large: [431, "The headers are too large"],
  too_many_requests: [429, "Too many requests"],
  internal_error: [500, "Something broke on our side"],
  unavailable: [503, "Temporarily unavailable"],
} as const satisfies Record<string, readonly [status: number, title: string]>;

export type RefusalCode = keyof typeof refusals;

/** One thing that is wrong with the input: `path` as in `lines/0/sku`, `message` for people. */
export interface InputError {
  path: string;
  message: string;
  [more: string]: unknown;
}

/**
 * The shop says no. A refusal is an answer, not a failure: domain code throws it, it crosses the wire
 * by its fields (`type`, `code`, `data`; never rely on `instanceof` in a caller), and the gateway
 * makes it a problem document.
 */
export class Refusal extends Error {
  override readonly name = "Refusal";
  readonly type: RefusalCode;
  readonly code: number;
  readonly data: RefusalData | undefined;
  /** Moleculer asks this before it tries a call again. Whoever was refused need not ask again. */
  readonly retryable = false;

  constructor(type: RefusalCode, detail?: string, data?: RefusalData) {
    super(detail ?? refusals[type][1]);
    this.type = type;
    this.code = refusals[type][0];
    this.data = data;
  }
}

export interface RefusalData {
  errors?: InputError[];
  retryAfterSeconds?: number;
  [more: string]: unknown;
}

/** True for a refusal thrown here or in another process; with `type`, for that one only. */
export const isRefusal = (error: unknown, type?: RefusalCode): error is Refusal =>
  error instanceof Error && error.name === "Refusal" && (type === undefined || (error as Refusal).type === type);

/** Somebody else's record and a missing one are answered alike, so that ids cannot be probed. */
export function found<T>(value: T | undefined | null, what: string): T {
  if (value === undefined || value === null) throw new Refusal("not_found", `There is no such ${what}.`);
  return value;
}
