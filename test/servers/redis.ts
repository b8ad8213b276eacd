import { accepts, type BreakableServer, breakable, external, freePort, program, Running } from "./server.ts";

export const needRedis = () =>
  process.env.LONJA_TEST_REDIS_URL ?? program("Redis", "apt-get install redis-server", "redis-server");

export async function startRedis(): Promise<BreakableServer> {
  const there = external("LONJA_TEST_REDIS_URL");
  if (there) return there;
  const redis = needRedis();
  const port = await freePort();
  const server = new Running(redis, [
    "--bind",
    "127.0.0.1",
    "--port",
    String(port),
    "--save",
    "",
    "--appendonly",
    "no",
  ]);
  const start = () => server.start(() => accepts(port));
  await start();
  return breakable(`redis://127.0.0.1:${port}`, server, start);
}
