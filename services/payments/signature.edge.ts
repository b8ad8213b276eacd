import { createHmac, timingSafeEqual } from "node:crypto";
import { Refusal } from "../shared/refusal.ts";

const TOLERANCE_S = 300;

/**
 * Checks a signature of the form `t=1700000000,v1=5257a8…`: HMAC-SHA256 over the time, a dot and the raw body.
 * There may be several of `v1`, while a secret is being changed.
 *
 * @throws Refusal `invalid_signature`
 */
export function checkSignature(body: string, header: string, secret: string, nowMs: number): void {
  const parts = header.split(",").map((part) => part.trim().split("=", 2) as [string, string?]);
  const time = parts.find(([key]) => key === "t")?.[1] ?? "";
  const age = Math.abs(nowMs / 1000 - Number(time));
  const expected = createHmac("sha256", secret).update(`${time}.${body}`).digest();
  const fits = parts.some(([key, value]) => key === "v1" && isEqual(expected, value ?? ""));
  if (!/^\d{1,12}$/.test(time) || age > TOLERANCE_S || !fits) throw new Refusal("invalid_signature");
}

function isEqual(expected: Buffer, given: string): boolean {
  const bytes = Buffer.from(/^[0-9a-f]{64}$/.test(given) ? given : "", "hex");
  return bytes.length === expected.length && timingSafeEqual(bytes, expected);
}
