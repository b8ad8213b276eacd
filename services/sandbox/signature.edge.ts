import { createHmac } from "node:crypto";

/** Signs a body as the provider of this name would: with the time, so that it cannot be sent again much later. */
export function signature(body: string, secret: string, nowMs: number): string {
  const t = Math.floor(nowMs / 1000);
  return `t=${t},v1=${createHmac("sha256", secret).update(`${t}.${body}`).digest("hex")}`;
}
