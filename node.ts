import { ServiceBroker } from "moleculer";
import { schemaOf } from "./extensions.ts";
import { openHealth } from "./health.ts";
import { UnusableStore } from "./mixins/store.ts";
import config, { node } from "./moleculer.config.ts";
import { isRefusal } from "./services/shared/refusal.ts";

/** Starts one node with the services that it is to run. */
const broker = new ServiceBroker(await config());
const { settings, world } = node;
// A node lives until it is told to stop, whatever it runs, and also while it waits for a store that is not there yet.
setInterval(() => {}, 2 ** 30);

/** One Ctrl-C may arrive twice, from the terminal and from npm. Whoever asks again later does not want to wait. */
const SAME_SIGNAL_MS = 1_000;
/** Before those who have asked lose patience. What is given up then is taken up elsewhere, as after a crash. */
const LAST_MOMENT_MS = 9_000;
let askedAt: number | undefined;
const stop = async () => {
  if (askedAt !== undefined && world.now() - askedAt > SAME_SIGNAL_MS) process.exit(1);
  if (askedAt !== undefined) return;
  askedAt = world.now();
  // Who waits for a bus or a store to come may wait for ever.
  world.after(LAST_MOMENT_MS, () => process.exit(1));
  await opening;
  await broker.stop();
  process.exit(0);
};
process.on("SIGTERM", stop);
process.on("SIGINT", stop);
// Whoever has started this node as a part of a cluster is dead, and nobody else would stop it.
process.on("disconnect", stop);
// A slip in the background ends nothing else: what it was about is taken up again from the store.
process.on("unhandledRejection", (reason) => broker.logger.error("Nobody has waited for this to fail:", reason));

/** What an operator can put right needs no more than its message. */
function wordsFor(error: Error & { syscall?: string; port?: number }): string {
  if (error instanceof UnusableStore || isRefusal(error)) return error.message;
  const [name, port] =
    error.port === settings.healthPort ? ["HEALTH_PORT", settings.healthPort] : ["PORT", settings.port];
  if (error.syscall === "listen" || error.syscall === "getaddrinfo")
    return `HOST=${settings.host} with ${name}=${port} cannot be used: ${error.message}.`;
  return error.stack ?? error.message;
}

async function open(): Promise<void> {
  try {
    await openHealth(broker, settings);
    for (const name of settings.services) broker.createService(await schemaOf(name));
    // Why the shop cannot open is said below, and by nobody else.
    const { error } = broker.logger;
    broker.logger.error = () => {};
    await broker.start();
    broker.logger.error = error;
  } catch (error) {
    process.stderr.write(`${wordsFor(error as Error)}\n`);
    process.exit(1);
  }
}

const opening = open();
await opening;
process.send?.("open");
const { host, port, services } = settings;
if (services.includes("gateway"))
  broker
    .getLogger("lonja")
    .info(`The shop is open at http://${host}:${port} and explained at http://${host}:${port}/docs`);
if (process.argv.includes("--repl")) {
  const { openRepl } = await import("./repl/embedded.ts");
  await openRepl(broker, node, stop);
}
