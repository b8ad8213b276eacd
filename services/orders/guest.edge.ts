import { createHmac, timingSafeEqual } from "node:crypto";

/** The token with which a guest reads the order: made from its id, so that nothing has to be kept. */
export const guestToken = (secret: string, orderId: string): string =>
  createHmac("sha256", secret).update(`guest ${orderId}`).digest("base64url");

export function isGuestToken(secret: string, orderId: string, token: string): boolean {
  const right = Buffer.from(guestToken(secret, orderId));
  const given = Buffer.from(token);
  return given.length === right.length && timingSafeEqual(given, right);
}
