import { join } from "node:path";
import { accepts, type BreakableServer, breakable, external, freePort, newFolder, program, Running } from "./server.ts";

/** The wrapper on the PATH changes the user; this is the server itself. */
export const needRabbitMq = () =>
  process.env.LONJA_TEST_RABBITMQ_URL ??
  program(
    "RabbitMQ",
    "apt-get install rabbitmq-server",
    "/usr/lib/rabbitmq/bin/rabbitmq-server",
    "/opt/rabbitmq/sbin/rabbitmq-server",
  );

export async function startRabbitMq(): Promise<BreakableServer> {
  const there = external("LONJA_TEST_RABBITMQ_URL");
  if (there) return there;
  const rabbit = needRabbitMq();
  const folder = await newFolder("rabbitmq");
  const [port, distribution] = [await freePort(), await freePort()];
  const server = new Running(rabbit, [], {
    cwd: folder,
    env: {
      PATH: process.env.PATH ?? "",
      HOME: folder,
      LANG: "C.UTF-8",
      RABBITMQ_NODENAME: `lonja${port}@localhost`,
      RABBITMQ_NODE_IP_ADDRESS: "127.0.0.1",
      RABBITMQ_NODE_PORT: String(port),
      RABBITMQ_DIST_PORT: String(distribution),
      RABBITMQ_MNESIA_BASE: join(folder, "mnesia"),
      RABBITMQ_LOG_BASE: join(folder, "log"),
      RABBITMQ_PID_FILE: join(folder, "pid"),
      RABBITMQ_ENABLED_PLUGINS_FILE: join(folder, "plugins"),
      RABBITMQ_CONF_ENV_FILE: join(folder, "none.conf"),
      ERL_EPMD_ADDRESS: "127.0.0.1",
    },
  });
  const start = () => server.start(() => accepts(port), 90_000);
  await start();
  return breakable(`amqp://guest:guest@127.0.0.1:${port}`, server, start, folder);
}
