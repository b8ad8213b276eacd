import { isIP } from "node:net";

/**
 * Where a request comes from. `X-Forwarded-For` is written by whoever sends it, so of its entries only
 * those that our own proxies have added count: with n proxies, the n-th from the right.
 */
export function clientAddress(socket: string | undefined, forwardedFor: string | undefined, proxies: number): string {
  const entries = forwardedFor?.split(",").map((entry) => entry.trim()) ?? [];
  const named = proxies > 0 ? entries.at(-Math.min(proxies, entries.length || 1)) : undefined;
  return plain(named && isIP(named) ? named : (socket ?? "unknown"));
}

const plain = (address: string) => address.replace(/^::ffff:(?=\d+\.)/i, "").replace(/%.*$/, "");

/** Who is counted as one: an IPv4 address, or the /64 that one customer of a provider has. */
export function networkOf(address: string): string {
  if (isIP(address) !== 6) return address;
  const [head = "", tail] = address.toLowerCase().split("::");
  const left = head ? head.split(":") : [];
  const right = tail ? tail.split(":") : [];
  const zeros = tail === undefined ? 0 : Math.max(0, 8 - left.length - right.length);
  const groups = [...left, ...Array<string>(zeros).fill("0"), ...right];
  return `${groups
    .slice(0, 4)
    .map((group) => group.replace(/^0+(?=.)/, ""))
    .join(":")}::/64`;
}
