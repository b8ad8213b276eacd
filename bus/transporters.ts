import { readFileSync } from "node:fs";
import type { BrokerOptions } from "moleculer";
import { UnusableSetting } from "../services/shared/settings.ts";
import { KafkaBus } from "./kafka.transporter.ts";
import { RedisBus } from "./redis.transporter.ts";
import { TcpBus } from "./tcp.transporter.ts";

type Transporter = NonNullable<BrokerOptions["transporter"]>;

/** A transporter's address, of one server or of several: `nats://user:password@one:4222,two:4222?ca=/path`. */
interface Address {
  scheme: string;
  user: string | undefined;
  password: string | undefined;
  /** `host:port` each. */
  hosts: string[];
  query: URLSearchParams;
}

/** Where a server listens when nothing is said. */
const ports: Record<string, number> = { nats: 4222, tls: 4222, kafka: 9092, tcp: 7700 };

function addressOf(url: string): Address {
  const [, scheme = "", authority = "", search] = /^(\w+):\/\/([^/?]+)\/?(?:\?(.*))?$/.exec(url) ?? [];
  const at = authority.lastIndexOf("@");
  const [, user = "", password] = /^([^:]*)(?::(.*))?$/.exec(authority.slice(0, Math.max(0, at))) ?? [];
  const hosts = authority
    .slice(at + 1)
    .split(",")
    .filter((host) => /^(\[[\da-f:]+\]|[\w.-]+)(:\d{1,5})?$/i.test(host))
    .map((host) => (/:\d+$/.test(host) ? host : `${host}:${ports[scheme] ?? ""}`));
  if (hosts.length === 0 || hosts.length !== authority.slice(at + 1).split(",").length)
    throw unusable(`it is like ${scheme || "nats"}://host:port,host:port`);
  return {
    scheme,
    user: decodeURIComponent(user) || undefined,
    password: password === undefined ? undefined : decodeURIComponent(password),
    hosts,
    query: new URLSearchParams(search),
  };
}

const unusable = (why: string) => new UnusableSetting(`TRANSPORTER cannot be used: ${why}.`);

/** Files that `?ca=`, `?cert=` and `?key=` name, as PEM. */
function certificates(query: URLSearchParams): { ca?: string; cert?: string; key?: string } {
  const read = (name: string) => {
    const path = query.get(name);
    if (!path) return [];
    try {
      return [[name, readFileSync(path, "utf8")]];
    } catch (error) {
      throw unusable(`${name}=${path}: ${(error as Error).message}`);
    }
  };
  return Object.fromEntries(["ca", "cert", "key"].flatMap(read));
}

/** Of RabbitMQ, which has several as `amqp://one,amqp://two`. */
function urlsOf(url: string): string[] {
  const urls = url.split(/,(?=amqps?:)/);
  const wrong = urls.some((one) => !URL.canParse(one));
  if (wrong) throw unusable("it is like amqp://user:password@host:port");
  return urls;
}

/** As short as a request may take: what waits longer in a queue is asked for by nobody any more. */
const PATIENCE_MS = 15_000;

interface Visit {
  /** This node goes away again soon. */
  visits: boolean;
}

const kinds: Record<string, (url: string, visit: Visit) => Transporter> = {
  /** A server that is frozen or cut off is noticed within six seconds; looked for without end. */
  nats(url) {
    const { scheme, user, password, hosts, query } = addressOf(url);
    const files = certificates(query);
    return {
      type: "NATS",
      options: {
        servers: hosts,
        ...(user ? { user, pass: password ?? "" } : {}),
        ...(scheme === "tls" || Object.keys(files).length > 0 ? { tls: files } : {}),
        pingInterval: 2_000,
        maxPingOut: 2,
        timeout: 5_000,
        reconnectTimeWait: 500,
        reconnectJitter: 200,
        maxReconnectAttempts: -1,
        waitOnFirstConnect: false,
      } as object,
    };
  },

  /** As shipped it takes one request at a time, and waits for delayed acknowledgements: 42 ms a call. */
  amqp: (url) => ({
    type: "AMQP",
    options: {
      url: urlsOf(url).join(";"),
      prefetch: 100,
      socketOptions: { noDelay: true },
      messageOptions: { expiration: PATIENCE_MS },
      eventTimeToLive: 5_000,
      heartbeatTimeToLive: 5_000,
      autoDeleteQueues: 60_000,
    },
  }),

  redis: (url) => new RedisBus(url),
  kafka: (url) => new KafkaBus(addressOf(url)),
  tcp: (url, { visits }) => new TcpBus(addressOf(url).hosts, visits),
};
const aliases: Record<string, string> = { tls: "nats", amqps: "amqp", rediss: "redis" };

/** What Moleculer is to use for a TRANSPORTER, with settings that recover by themselves (docs/decisions/014). */
export function transporterOf(url: string, visit: Visit = { visits: false }): Transporter {
  const scheme = url.slice(0, url.indexOf(":"));
  const kind = kinds[aliases[scheme] ?? scheme];
  if (!kind) throw unusable(`${scheme}:// is not known here`);
  try {
    return kind(url, visit);
  } catch (error) {
    // The error of who could not read it repeats it, with its password.
    throw error instanceof UnusableSetting ? error : unusable(`it is like ${scheme}://user:password@host:port`);
  }
}
