import { createHmac } from "node:crypto";

const PREFIX = "whsec_";

/** A secret as Standard Webhooks writes it. */
export const secretOf = (bytes: Buffer): string => PREFIX + bytes.toString("base64");

/** The headers that Standard Webhooks prescribes. With several secrets there are several signatures, and each will do. */
export function signed(id: string, body: string, secrets: readonly string[], nowMs: number): Record<string, string> {
  const timestamp = String(Math.floor(nowMs / 1000));
  const signatures = secrets.map((secret) => {
    const key = Buffer.from(secret.slice(PREFIX.length), "base64");
    return `v1,${createHmac("sha256", key).update(`${id}.${timestamp}.${body}`).digest("base64")}`;
  });
  return { "webhook-id": id, "webhook-timestamp": timestamp, "webhook-signature": signatures.join(" ") };
}
