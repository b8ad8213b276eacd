import { Refusal } from "./refusal.ts";

export type Role = "customer" | "staff" | "admin";

/** Who is asking, as far as the gateway has verified it. */
export interface Caller {
  userId: string;
  role: Role;
}

/** What travels with every call of one request. */
export interface Meta {
  caller?: Caller;
  /** Proves that a guest made the order that it asks for. */
  guestToken?: string;
  /** A digest of caller, route and Idempotency-Key: equal for every repeat of one request. */
  requestKey?: string;
  /** Goes with `requestKey`: equal for equal bodies. Under one key, another body is another request. */
  bodyDigest?: string;
  /** Where the request came from, for limits on attempts. */
  clientAddress?: string;
  /** The W3C trace that the request belongs to, as it came in. */
  traceparent?: string;
}

export const isStaff = (meta: Meta): boolean => meta.caller?.role === "staff" || meta.caller?.role === "admin";

/** The id of the user who asks. The gateway lets nobody else through, but the owner of data asks again. */
export function signedIn(meta: Meta): string {
  if (!meta.caller) throw new Refusal("unauthenticated");
  return meta.caller.userId;
}
