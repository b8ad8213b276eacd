import { createCipheriv, createDecipheriv, hash } from "node:crypto";

/**
 * What only the caller can open. An answer may hold tokens and addresses, so it is kept under a key
 * made from the Idempotency-Key itself, which is not kept: the store alone gives nothing away.
 */
export interface Seal {
  cipherKey: Buffer;
  macKey: Buffer;
}

export function sealOf(idempotencyKey: string, scope: string): Seal {
  const bytes = hash("sha512", JSON.stringify(["lonja kept answer", scope, idempotencyKey]), "buffer");
  return { cipherKey: bytes.subarray(0, 32), macKey: bytes.subarray(32) };
}

/**
 * Tells two bodies apart, and says nothing of them to whoever lacks the key. With the key in front SHA-512/256 is enough
 * of a message authentication code: half of its state is not shown, so that nobody can go on from there.
 */
export const digest = ({ macKey }: Seal, text: string): string =>
  hash("sha512-256", Buffer.concat([macKey, Buffer.from(text)]), "base64url");

/** Names a request without naming who asks what: equal for every repeat. */
export const requestKey = (parts: readonly string[]): string => hash("sha256", JSON.stringify(parts), "hex");

export const NONCE_BYTES = 12;
const TAG_BYTES = 16;

export function sealed({ cipherKey }: Seal, text: string, nonce: Buffer): string {
  const cipher = createCipheriv("aes-256-gcm", cipherKey, nonce);
  const hidden = Buffer.concat([cipher.update(text, "utf8"), cipher.final()]);
  return Buffer.concat([nonce, cipher.getAuthTag(), hidden]).toString("base64");
}

export function unsealed({ cipherKey }: Seal, text: string): string {
  const bytes = Buffer.from(text, "base64");
  const decipher = createDecipheriv("aes-256-gcm", cipherKey, bytes.subarray(0, NONCE_BYTES));
  decipher.setAuthTag(bytes.subarray(NONCE_BYTES, NONCE_BYTES + TAG_BYTES));
  return decipher.update(bytes.subarray(NONCE_BYTES + TAG_BYTES), undefined, "utf8") + decipher.final("utf8");
}
