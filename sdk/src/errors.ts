import type { InputError, Problem, RefusalCode } from "./generated.ts";

/** Whatever comes of a call that has no answer to give. */
export abstract class LonjaError extends Error {
  /** How often the shop was asked. */
  tries = 1;
  /** Under which key. Asked again with it, nothing is done twice, also tomorrow. */
  idempotencyKey: string | undefined;
  /** When the shop wants to be asked again, if it has said so. */
  retryAfterMs: number | undefined;
}

/** The shop says no, and why. */
export class Refusal<Code extends RefusalCode = RefusalCode> extends LonjaError {
  override readonly name = "Refusal";
  /** Stable: branch on this. */
  readonly code: Code;
  readonly status: number;
  readonly title: string;
  /** What is wrong, place by place. */
  readonly errors: readonly InputError[];
  /** Names this request in the shop's log. */
  readonly requestId: string;

  constructor({ code, status, title, detail, errors, requestId }: Problem, retryAfterMs?: number) {
    super(detail);
    this.code = code as Code;
    this.status = status;
    this.title = title;
    this.errors = errors ?? [];
    this.requestId = requestId;
    this.retryAfterMs = retryAfterMs;
  }
}

/** The shop has not answered, or with something that no shop says. What was asked for may have been done. */
export class ConnectionError extends LonjaError {
  override readonly name = "ConnectionError";
  /** The status of an answer that is none of the shop's: a proxy's, for example. */
  readonly status: number | undefined;

  constructor(message: string, { cause, status, retryAfterMs }: ConnectionErrorOptions = {}) {
    super(message, { cause });
    this.status = status;
    this.retryAfterMs = retryAfterMs;
  }
}

interface ConnectionErrorOptions {
  cause?: unknown;
  status?: number;
  retryAfterMs?: number | undefined;
}

/** Signed out, or signed in as somebody else, while a call was under way. It is not said again in another name. */
export class SignedOutError extends LonjaError {
  override readonly name = "SignedOutError";
}

/** Anything with a name and a list of codes: a call of the client, such as `shop.orders.place`. */
export interface Refusing<Code extends RefusalCode> {
  readonly refuses?: Code;
}

/**
 * Whether the shop has said no: at all, with one of these codes, or, where a call such as `shop.orders.place` is
 * given, with `code` as the union of the codes that this call may refuse with.
 */
export function isRefusal<Code extends RefusalCode>(error: unknown, call: Refusing<Code>): error is Refusal<Code>;
export function isRefusal<Code extends RefusalCode = RefusalCode>(
  error: unknown,
  ...codes: Code[]
): error is Refusal<Code>;
export function isRefusal(error: unknown, ...codes: (string | object)[]): boolean {
  if (!(error instanceof Error) || error.name !== "Refusal") return false;
  const wanted = codes.filter((code) => typeof code === "string");
  return wanted.length === 0 || wanted.includes((error as Refusal).code);
}
