import { ServiceBroker, type ServiceSchema } from "moleculer";
import { UnusableStore } from "./mixins/store.ts";
import config, { node } from "./moleculer.config.ts";

/** Starts one node with the services that it is to run. */
const broker = new ServiceBroker(config);

let stopping = false;
const stop = async () => {
  if (stopping) return;
  stopping = true;
  await broker.stop();
  process.exit(0);
};
process.on("SIGTERM", stop);
process.on("SIGINT", stop);

try {
  for (const name of node.settings.services) {
    const { default: service } = await import(`./services/${name}/${name}.service.ts`);
    broker.createService(service as ServiceSchema);
  }
  await broker.start();
} catch (error) {
  const known = error instanceof UnusableStore || (error as { code?: string }).code === "EADDRINUSE";
  process.stderr.write(known ? `${(error as Error).message}\n` : `${(error as Error).stack}\n`);
  process.exit(1);
}

// A node lives until it is told to stop, whatever it runs.
setInterval(() => {}, 2 ** 30);
const { host, port, services } = node.settings;
if (services.includes("gateway"))
  broker.getLogger("lonja").info(`The shop is open at http://${host}:${port} and explained at http://${host}:${port}/docs`);
if (process.argv.includes("--repl")) broker.repl();
