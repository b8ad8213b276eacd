import type { Invitation } from "../repl/invitation.ts";
import { contracts, type ServiceName } from "../services/contracts.ts";

/** One process of a local cluster. */
export interface Part {
  name: string;
  service: ServiceName;
  env: Record<string, string>;
}

export interface Plan {
  parts: Part[];
  /** Where the gateways will be. */
  urls: string[];
  /** What it takes to join. None: how, the operator has said. */
  invitation: Invitation | undefined;
}

/** What nobody has decided and has to be made up. */
export interface MadeUp {
  secret: string;
  /** Free ports of this machine, for nodes to meet at. */
  ports: readonly number[];
}

export class UnusablePlan extends Error {
  override readonly name = "UnusablePlan";
}

type Environment = Readonly<Record<string, string | undefined>>;

const services = Object.keys(contracts) as ServiceName[];
const MOST_OF_ONE = 20;
const usage = "it is like --scale inventory=2,gateway=2";

/** Which processes make up the cluster that is asked for, and what each is told. */
export function planOf(args: readonly string[], given: Environment, { secret, ports }: MadeUp): Plan {
  const counts = scaleOf(args);
  const stores = Object.fromEntries(services.map((service) => [service, storeOf(service, given)]));
  refuseShared(counts, stores);
  const firstPort = portOf(given.PORT);
  const host = given.HOST || "127.0.0.1";
  const invitation = isSet("TRANSPORTER", given)
    ? undefined
    : {
        TRANSPORTER: `tcp://${ports.map((port) => `127.0.0.1:${port}`).join(",")}`,
        ...(isSet("BUS_SECRET", given) ? {} : { BUS_SECRET: secret }),
        ...(given.NAMESPACE ? { NAMESPACE: given.NAMESPACE } : {}),
      };
  const common: Record<string, string> = {
    HOST: host,
    DATA_DIR: given.DATA_DIR || "./data/cluster",
    LOG_FORMAT: given.LOG_FORMAT || "pretty",
    ...(isSet("BUS_SECRET", given) ? {} : { BUS_SECRET: secret }),
    ...invitation,
    ...Object.fromEntries(
      Object.entries(stores).flatMap(([service, url]) => (url ? [[variableOf(service), url]] : [])),
    ),
  };
  const parts = services.flatMap((service) =>
    Array.from({ length: counts.get(service) ?? 1 }, (_, n) => ({
      name: `${service}-${n + 1}`,
      service,
      env: { ...common, SERVICES: service, ...(service === "gateway" ? { PORT: String(firstPort + n) } : {}) },
    })),
  );
  const inUrls = host.includes(":") ? `[${host}]` : host;
  const urls = parts.flatMap(({ env: { PORT } }) => (PORT ? [`http://${inUrls}:${PORT}`] : []));
  return { parts, urls, invitation };
}

/** `--scale inventory=2,gateway=2`, in one or in several. */
function scaleOf(args: readonly string[]): Map<ServiceName, number> {
  const counts = new Map<ServiceName, number>();
  for (let at = 0; at < args.length; at++) {
    const [flag = "", joined] = (args[at] ?? "").split(/=(.*)/s, 2);
    if (flag !== "--scale") throw new UnusablePlan(`${args[at]} is not known here: ${usage}.`);
    const wanted = joined ?? args[++at] ?? "";
    for (const one of wanted.split(",")) {
      const [, name, count] = /^([a-z]+)=(\d{1,3})$/.exec(one.trim()) ?? [];
      const service = services.find((known) => known === name);
      if (!service || Number(count) < 1 || Number(count) > MOST_OF_ONE)
        throw new UnusablePlan(
          `--scale ${wanted} cannot be used: ${usage}, with 1 to ${MOST_OF_ONE} of ${services.join(", ")}.`,
        );
      counts.set(service, Number(count));
    }
  }
  return counts;
}

const variableOf = (service: string) => `${service.toUpperCase()}_STORE`;
const isSet = (name: string, given: Environment) => Boolean(given[name] || given[`${name}_FILE`]);

/** Where nothing is said, each service has a file of its own: one process owns a file. Undefined: said elsewhere. */
function storeOf(service: ServiceName, given: Environment): string | undefined {
  const own = variableOf(service);
  if (given[own]) return given[own];
  if (given[`${own}_FILE`]) return undefined;
  const common = given.STORE;
  if (common ? common === "sqlite:" : !given.STORE_FILE) return `sqlite:${service}.db`;
  return common || undefined;
}

function refuseShared(
  counts: ReadonlyMap<ServiceName, number>,
  stores: Readonly<Record<string, string | undefined>>,
): void {
  const owners = new Map<string, string>();
  for (const [service, url] of Object.entries(stores)) {
    if (!url?.startsWith("sqlite:")) continue;
    const count = counts.get(service as ServiceName) ?? 1;
    const other = owners.get(url);
    owners.set(url, service);
    if (count > 1)
      throw new UnusablePlan(
        `${service}=${count} cannot be used with SQLite, whose files belong to one process each. Set STORE or ${variableOf(service)} to postgres://… or mongodb://….`,
      );
    if (other)
      throw new UnusablePlan(
        `${other} and ${service} cannot both use ${url}: they are two processes, and a file of SQLite belongs to one.`,
      );
  }
}

function portOf(text: string | undefined): number {
  const port = Number(text || 3000);
  if (Number.isInteger(port) && port >= 1 && port <= 65_535 - MOST_OF_ONE) return port;
  throw new UnusablePlan(
    `PORT=${text} cannot be used: gateways get this port and the next ones, from 1 to ${65_535 - MOST_OF_ONE}.`,
  );
}
