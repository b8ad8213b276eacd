import { createHmac, timingSafeEqual } from "node:crypto";

const TIME_BYTES = 8;
const MAC_BYTES = 32;
const HEAD_BYTES = TIME_BYTES + MAC_BYTES;
/** How far the clocks of two nodes may be apart, and how long a packet may wait in a broker. */
export const LIFETIME_MS = 60_000;

/** HMAC-SHA256 (RFC 2104) over the kind of the packet, the time and the packet. */
function macOf(secret: string, command: string, time: Buffer, packet: Buffer): Buffer {
  return createHmac("sha256", secret).update(`${command}\n`).update(time).update(packet).digest();
}

/** The packet with the time (milliseconds since 1970, a double) and the signature in front of it. */
export function signed(secret: string, command: string, packet: Buffer, now: number): Buffer {
  const time = Buffer.alloc(TIME_BYTES);
  time.writeDoubleBE(now);
  return Buffer.concat([time, macOf(secret, command, time, packet), packet]);
}

/** The packet, if one of the secrets has signed it for this command and not long ago. */
export function verified(secrets: readonly string[], command: string, data: Buffer, now: number): Buffer | undefined {
  if (data.length < HEAD_BYTES) return undefined;
  const time = data.subarray(0, TIME_BYTES);
  const mac = data.subarray(TIME_BYTES, HEAD_BYTES);
  const packet = data.subarray(HEAD_BYTES);
  const isYoung = Math.abs(now - time.readDoubleBE()) <= LIFETIME_MS;
  return isYoung && secrets.some((secret) => timingSafeEqual(mac, macOf(secret, command, time, packet)))
    ? packet
    : undefined;
}
