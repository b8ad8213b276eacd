import type { LookupAddress } from "node:dns";
import { Resolver } from "node:dns/promises";
import { BlockList, isIP } from "node:net";

/** Where nobody is to be sent: the message says why. */
export class Unreachable extends Error {
  override readonly name = "Unreachable";
}

/** A URL that may be called, and the only addresses at which; none where the operator answers for it. */
export interface Reach {
  url: URL;
  addresses: readonly LookupAddress[] | undefined;
}

/** All addresses of a name, or an error. */
export type Resolve = (host: string) => Promise<readonly string[]>;

/** What of IPv4 is not the public internet (IANA's registry of special addresses), and one cloud's own machine that looks as if. */
const special4: readonly [network: string, bits: number][] = [
  ["0.0.0.0", 8],
  ["10.0.0.0", 8],
  ["100.64.0.0", 10],
  ["127.0.0.0", 8],
  ["168.63.129.16", 32],
  ["169.254.0.0", 16],
  ["172.16.0.0", 12],
  ["192.0.0.0", 24],
  ["192.0.2.0", 24],
  ["192.88.99.0", 24],
  ["192.168.0.0", 16],
  ["198.18.0.0", 15],
  ["198.51.100.0", 24],
  ["203.0.113.0", 24],
  ["224.0.0.0", 4],
  ["240.0.0.0", 4],
];

/** Of IPv6 only this is: nothing that has an address of IPv4 in it, nothing local. */
const global6: readonly [network: string, bits: number] = ["2000::", 3];
/** But in there: Teredo and other protocols, 6to4, and addresses for examples. */
const special6: readonly [network: string, bits: number][] = [
  ["2001::", 23],
  ["2001:db8::", 32],
  ["2002::", 16],
  ["3fff::", 20],
];

const specials = new BlockList();
for (const [network, bits] of special4) specials.addSubnet(network, bits, "ipv4");
for (const [network, bits] of special6) specials.addSubnet(network, bits, "ipv6");
const globals = new BlockList();
globals.addSubnet(...global6, "ipv6");

/** Whether everybody can reach this address. What is no address is none. */
export function isPublic(address: string): boolean {
  if (isIP(address) === 4) return !specials.check(address, "ipv4");
  if (isIP(address) !== 6 || address.includes("%")) return false;
  return globals.check(address, "ipv6") && !specials.check(address, "ipv6");
}

/** A domain of the internet, which has a dot in it, and whose last part is not one of those that stand for what is near. */
const domain = /^(?=.{4,253}$)([a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?\.)+[a-z0-9-]{2,63}$/;
const near = /\.(localhost|local|internal|intranet|private|corp|home|lan|arpa|test|invalid|example|onion|alt)$/;
const isDomain = (host: string) => domain.test(host) && !near.test(host);

const ports: readonly string[] = ["", "443", "8443"];

/** What is wrong with a URL, by looking at it. */
const faults: readonly [wrong: (url: URL, host: string) => boolean, why: string][] = [
  [({ protocol }) => protocol !== "https:", "must begin with https://"],
  [({ username, password }) => username !== "" || password !== "", "must have neither a name nor a password in it"],
  [({ port }) => !ports.includes(port), "must be at port 443 or 8443"],
  [(_url, host) => !(isIP(host) ? isPublic(host) : isDomain(host)), "must be at a host that everybody can reach"],
];

/** Knows where webhooks may be sent. */
export class Guard {
  readonly #allowed: ReadonlySet<string>;
  readonly #resolve: Resolve;

  /** `allowed`: hosts with their ports that the operator answers for, wherever they are. */
  constructor(allowed: readonly string[], resolve: Resolve = resolveByDns()) {
    this.#allowed = new Set(allowed);
    this.#resolve = resolve;
  }

  /**
   * Whoever connects has to connect to one of the addresses that come with the answer: a name may stand for others a
   * moment later.
   *
   * @throws Unreachable
   */
  async reach(text: string): Promise<Reach> {
    const url = URL.parse(text);
    if (!url) throw new Unreachable("is no URL");
    if (this.#isAllowed(url)) return { url, addresses: undefined };
    const host = url.hostname.replace(/^\[(.*)\]$/, "$1").replace(/\.$/, "");
    const fault = faults.find(([isWrong]) => isWrong(url, host));
    if (fault) throw new Unreachable(fault[1]);
    const addresses = isIP(host) ? [host] : await this.#addressesOf(host);
    return { url, addresses: addresses.map((address) => ({ address, family: isIP(address) })) };
  }

  async #addressesOf(host: string): Promise<readonly string[]> {
    const addresses = await this.#resolve(host).catch((error) => {
      throw new Unreachable(`is at a host whose name cannot be resolved (${error.code ?? error.message})`);
    });
    if (addresses.length === 0) throw new Unreachable("is at a host that has no address");
    if (!addresses.every(isPublic))
      throw new Unreachable("is at a host whose name stands for an address that is not public");
    return addresses;
  }

  #isAllowed({ protocol, hostname, port, username, password }: URL): boolean {
    const place = `${hostname}:${port || { "https:": 443, "http:": 80 }[protocol]}`;
    return /^https?:$/.test(protocol) && username === "" && password === "" && this.#allowed.has(place);
  }
}

/**
 * Asks the name servers, and not the system: its way of asking keeps one of few threads for as long as a server does not
 * answer, and names that only this machine knows are not for webhooks.
 */
export function resolveByDns(resolver = new Resolver({ timeout: 2_000, tries: 2 })): Resolve {
  return async (host) => {
    const asked = await Promise.allSettled([resolver.resolve4(host), resolver.resolve6(host)]);
    const addresses = asked.flatMap((one) => (one.status === "fulfilled" ? one.value : []));
    const [failed] = asked.flatMap((one) => (one.status === "rejected" ? [one.reason] : []));
    if (addresses.length === 0 && failed) throw failed;
    return addresses;
  };
}
