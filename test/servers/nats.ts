import { accepts, type BreakableServer, breakable, external, freePort, program, Running } from "./server.ts";

interface Options {
  user?: string;
  password?: string;
  tls?: { cert: string; key: string };
  /** Where it tells what it has done, as JSON under /varz. */
  monitorPort?: number;
}

export const needNats = () =>
  process.env.LONJA_TEST_NATS_URL ?? program("NATS", "apt-get install nats-server", "nats-server");

export async function startNats({ user, password, tls, monitorPort }: Options = {}): Promise<BreakableServer> {
  const there = user || tls || monitorPort ? undefined : external("LONJA_TEST_NATS_URL");
  if (there) return there;
  const nats = needNats();
  const port = await freePort();
  const server = new Running(nats, [
    ...["-a", "127.0.0.1", "-p", String(port)],
    ...(user ? ["--user", user, "--pass", password ?? ""] : []),
    ...(monitorPort ? ["-m", String(monitorPort)] : []),
    ...(tls ? ["--tls", "--tlscert", tls.cert, "--tlskey", tls.key] : []),
  ]);
  const start = () => server.start(() => accepts(port));
  await start();
  return breakable(`${tls ? "tls" : "nats"}://127.0.0.1:${port}`, server, start);
}
