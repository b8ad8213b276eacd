import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { hostname } from "node:os";
import moleculer, { type BrokerOptions, type Middleware, type ServiceBroker } from "moleculer";
import { Failures, plainAnswers } from "./bus/answers.ts";
import { deadlines } from "./bus/deadline.middleware.ts";
import { ownServices, sameExtensions } from "./bus/extensions.middleware.ts";
import { Listener } from "./bus/listener.discoverer.ts";
import { learnToMeet } from "./bus/meeting.strategy.ts";
import { inParts } from "./bus/parts.middleware.ts";
import { signedPackets } from "./bus/signature.middleware.ts";
import { transporterOf } from "./bus/transporters.ts";
import { Gate } from "./mixins/gate.ts";
import { storesOf } from "./mixins/stores.ts";
import { keepContracts } from "./services/shared/contract.middleware.ts";
import { noFigures } from "./services/shared/figures.ts";
import { isRefusal } from "./services/shared/refusal.ts";
import { readSettings, type Settings, UnusableSetting } from "./services/shared/settings.ts";
import { realWorld, timeAt, type World } from "./services/shared/world.ts";

const { version } = createRequire(import.meta.url)("./package.json") as { version: string };

/** What a node is made of, beside its services. Tests bring a world and settings of their own. */
export interface Node {
  settings: Settings;
  world: World;
  /** Results are checked against the contracts too. */
  checkResults?: boolean;
  logger?: BrokerOptions["logger"];
  /** It comes to look and goes again: it opens no store, and nobody counts on meeting it. */
  visits?: boolean;
  /** Comes between this node and its stores, its services and the wire. Whoever breaks a node on purpose has it. */
  between?: Middleware[];
}

/** Whoever has not been heard for so many seconds is gone. */
const SILENCE_S = 3;

/**
 * Moleculer's defaults are unsafe for a shop: no timeout, a breaker that does not see timeouts,
 * reachable `$node` actions. They are replaced here.
 */
export async function brokerOptions(node: Node): Promise<BrokerOptions> {
  const { settings, world, checkResults = false, logger, visits = false, between = [] } = node;
  learnToMeet();
  const figures = noFigures();
  const gate = new Gate(world);
  const place = { dataDir: settings.dataDir, figures, world, gate };
  const openStore = visits ? undefined : await storesOf(settings.stores, place);
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
    // The others hear it with everything else that they hear of this node.
    metadata: { version, startedAt: timeAt(world), extensions: ownServices },
    transporter: settings.transporter === undefined ? null : transporterOf(settings.transporter, { visits }),
    errorRegenerator: new Failures(),
    requestTimeout: 5_000,
    heartbeatInterval: 1,
    heartbeatTimeout: SILENCE_S,
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
    // The others have to hear that this node takes no more, before it stops to take any.
    registry: { discoverer: new Listener(SILENCE_S * 1_000), stopDelay: settings.transporter && !visits ? 500 : 0 },
    skipProcessEventRegistration: true,
    // As shipped, a node that is open says so a second later.
    transit: { maxQueueSize: 5_000, serviceChangedDebounceTime: 50 } as NonNullable<BrokerOptions["transit"]>,
    dependencyInterval: 20,
    internalServices: false,
    validator: false,
    internalMiddlewares: false,
    middlewares: [
      {
        created: (broker: ServiceBroker) => void Object.assign(broker, { world, settings, openStore, gate }),
      },
      { serviceCreating: (service: object) => void Object.assign(service, { world, shop: settings, figures }) },
      keepContracts({ checkResults, figures }),
      ...between,
      sameExtensions(),
      // From the wire inwards.
      signedPackets({ secrets: settings.busSecrets, world, figures }),
      inParts(world),
      plainAnswers(),
      deadlines({ figures }),
      // Moleculer's own, in the order in which the breaker sees timeouts.
      ...[
        "ActionHook",
        "Bulkhead",
        "Cacher",
        trackedUntilDone,
        "Timeout",
        trackedUntilGivenUp,
        "CircuitBreaker",
        "Retry",
        "Fallback",
        "ErrorHandler",
        "Tracing",
        "Metrics",
      ],
      // Stopped from the last to the first: nobody new is let in before what is under way is waited for.
      { stopping: letGuestsOut },
    ] as NonNullable<BrokerOptions["middlewares"]>,
  };
}

/**
 * Moleculer's tracking of what is under way, taken apart: what this node does is waited for until it is done; what it
 * has asked of another node only until it has given up, since no answer is taken after that.
 */
const { ContextTracker } = (moleculer as unknown as { Middlewares: Record<"ContextTracker", Tracker> }).Middlewares;
type Tracker = (broker: ServiceBroker) => Middleware;
const trackedUntilDone = (broker: ServiceBroker) => ({
  ...ContextTracker(broker),
  remoteAction: undefined,
});
const trackedUntilGivenUp = (broker: ServiceBroker) => {
  const { remoteAction } = ContextTracker(broker);
  return { name: "ContextTracker of remote calls", remoteAction };
};

/** Services stop all at once, so whoever lets requests in has to answer them before the first one stops. */
async function letGuestsOut(broker: ServiceBroker): Promise<void> {
  await Promise.all(broker.services.map((service) => (service as { drain?(): Promise<void> }).drain?.()));
}

/** Moleculer's own modules talk of their start-up at `info`; that is for those who look for trouble. */
const levels = (level: Settings["logLevel"]) =>
  level === "info" ? { BROKER: "warn", REGISTRY: "warn", TRANSIT: "warn", TRANSPORTER: "warn", "**": level } : level;

/** A refusal is an answer, also one that asks to come again: whoever gives it is there. */
const isBreakdown = (error: Error & { code?: unknown }) =>
  !isRefusal(error) && (typeof error.code !== "number" || error.code >= 500);

/** `X_FILE` names the file that holds the value of such an `X`: secrets come to containers as files. */
const mayBeInFile = /^((?:\w+_)?STORE|TRANSPORTER|BUS_SECRET|ADMIN_PASSWORD|SMTP_URL)_FILE$/;
function withFiles(environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const read = Object.entries(environment).flatMap(([name, path]) => {
    const [, secret] = mayBeInFile.exec(name) ?? [];
    if (!secret || !path) return [];
    const value = contentOf(name, path).trim();
    // As if nothing had been said, the shop would be opened somewhere else.
    if (!value) throw new UnusableSetting(`${name}=${path} cannot be used: the file is empty.`);
    return [[secret, value]];
  });
  return { ...environment, ...Object.fromEntries(read) };
}

function contentOf(name: string, path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    throw new UnusableSetting(`${name}=${path} cannot be read: ${(error as Error).message}.`);
  }
}

/** Moleculer's runner would take variables of these names for broker options as they are. */
function takeFromRunner(environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const mine = { ...environment };
  for (const name of ["TRANSPORTER", "CACHER", "NAMESPACE", "SERVICES", "LOGGER", "SERIALIZER"])
    delete environment[name];
  return mine;
}

/** What an operator has to put right is said in one line. */
function stopFor(error: unknown): never {
  if (!(error instanceof UnusableSetting)) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exit(2);
}

function settingsOrStop(): Settings {
  try {
    return readSettings(withFiles(takeFromRunner(process.env)), process.stdout.isTTY);
  } catch (error) {
    return stopFor(error);
  }
}

/** The node as the environment wants it. */
export const node: Node = { settings: settingsOrStop(), world: realWorld };
export default () => brokerOptions(node).catch(stopFor);
