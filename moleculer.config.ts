import { hostname } from "node:os";
import type { BrokerOptions, ServiceBroker } from "moleculer";
import { SqliteAdapter } from "./mixins/sqlite.adapter.ts";
import { SqliteFile, sqlitePath } from "./mixins/sqlite.file.ts";
import type { OpenStore } from "./mixins/store.mixin.ts";
import { keepContracts } from "./services/shared/contract.middleware.ts";
import { type Figures, noFigures } from "./services/shared/figures.ts";
import { isRefusal } from "./services/shared/refusal.ts";
import { readSettings, type Settings, UnusableSetting } from "./services/shared/settings.ts";
import { realWorld, type World } from "./services/shared/world.ts";

/** What a node is made of, beside its services. Tests bring a world and settings of their own. */
export interface Node {
  settings: Settings;
  world: World;
  /** Results are checked against the contracts too. */
  checkResults?: boolean;
  logger?: BrokerOptions["logger"];
}

/**
 * Moleculer's defaults are unsafe for a shop: no timeout, a breaker that does not see timeouts,
 * reachable `$node` actions. They are replaced here.
 */
export function brokerOptions({ settings, world, checkResults = false, logger }: Node): BrokerOptions {
  const figures = noFigures();
  return {
    namespace: settings.namespace,
    nodeID: settings.nodeId ?? `${hostname()}-${process.pid}-${world.bytes(3).toString("hex")}`,
    logger: logger ?? {
      type: "Console",
      options: {
        level: levels(settings.logLevel),
        formatter: settings.logFormat === "json" ? "json" : "short",
        objectPrinter: null,
        colors: settings.logFormat === "pretty",
      },
    },
    requestTimeout: 5_000,
    heartbeatInterval: 1,
    heartbeatTimeout: 3,
    retryPolicy: { enabled: false },
    maxCallLevel: 12,
    circuitBreaker: {
      enabled: true,
      threshold: 0.5,
      minRequestCount: 20,
      windowTime: 30,
      halfOpenTime: 2_000,
      check: isBreakdown,
    },
    bulkhead: { enabled: false },
    tracking: { enabled: true, shutdownTimeout: 15_000 },
    registry: { stopDelay: 0 },
    skipProcessEventRegistration: true,
    transit: { maxQueueSize: 5_000 },
    dependencyInterval: 20,
    internalServices: false,
    validator: false,
    internalMiddlewares: false,
    middlewares: [
      {
        created: (broker: ServiceBroker) =>
          void Object.assign(broker, { world, settings, openStore: storesOf(settings, figures) }),
      },
      { serviceCreating: (service: object) => void Object.assign(service, { world, shop: settings, figures }) },
      { stopping: letGuestsOut },
      keepContracts({ checkResults, figures }),
      // Moleculer's own, in the order in which the breaker sees timeouts.
      ...[
        "ActionHook",
        "Bulkhead",
        "Cacher",
        "ContextTracker",
        "Timeout",
        "CircuitBreaker",
        "Retry",
        "Fallback",
        "ErrorHandler",
        "Tracing",
        "Metrics",
      ],
    ] as NonNullable<BrokerOptions["middlewares"]>,
  };
}

/** Services stop all at once, so whoever lets requests in has to answer them before the first one stops. */
async function letGuestsOut(broker: ServiceBroker): Promise<void> {
  await Promise.all(broker.services.map((service) => (service as { drain?(): Promise<void> }).drain?.()));
}

/** Moleculer's own modules talk of their start-up at `info`; that is for those who look for trouble. */
const levels = (level: Settings["logLevel"]) =>
  level === "info" ? { BROKER: "warn", REGISTRY: "warn", TRANSIT: "warn", "**": level } : level;

/** A refusal is an answer, also one that asks to come again: whoever gives it is there. */
const isBreakdown = (error: Error & { code?: unknown }) =>
  !isRefusal(error) && (typeof error.code !== "number" || error.code >= 500);

/** Collections that name the same file share it, and with it the sync of the disk. */
function storesOf(settings: Settings, figures: Figures): OpenStore {
  const files = new Map<string, SqliteFile>();
  return (service) => {
    const path = sqlitePath(settings.stores[service as keyof Settings["stores"]], settings.dataDir);
    return new SqliteAdapter(() => {
      const known = files.get(path);
      if (known?.db.isOpen) return known;
      const file = new SqliteFile(path, figures);
      files.set(path, file);
      return file;
    });
  };
}

/** Moleculer's runner would take variables of these names for broker options as they are. */
function takeFromRunner(environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const mine = { ...environment };
  for (const name of ["TRANSPORTER", "CACHER", "NAMESPACE", "SERVICES", "LOGGER", "SERIALIZER"])
    delete environment[name];
  return mine;
}

function settingsOrStop(): Settings {
  try {
    return readSettings(takeFromRunner(process.env), process.stdout.isTTY);
  } catch (error) {
    if (!(error instanceof UnusableSetting)) throw error;
    process.stderr.write(`${error.message}\n`);
    process.exit(2);
  }
}

/** The node as the environment wants it. */
export const node: Node = { settings: settingsOrStop(), world: realWorld };
export default brokerOptions(node);
