import { basename, join } from "node:path";
import { madeOnce } from "./cache.ts";
import { accepts, type BreakableServer, breakable, external, freePort, newFolder, program, Running } from "./server.ts";

/**
 * MongoDB where there is one; otherwise FerretDB behind a lock (mongo/main.go), which speaks the same
 * protocol and has none of partial, TTL and text indexes, transactions and updates by pipeline.
 */
export async function startMongo(within?: string): Promise<BreakableServer> {
  const there = external("LONJA_TEST_MONGO_URL");
  if (there) return there;
  const folder = await newFolder("mongo", within);
  const port = await freePort();
  const server = await programOf(folder, port);
  const start = () => server.start(() => accepts(port));
  await start();
  return breakable(`mongodb://127.0.0.1:${port}`, server, start, folder);
}

export function needMongo(): string {
  if (process.env.LONJA_TEST_MONGO_URL) return process.env.LONJA_TEST_MONGO_URL;
  return program("MongoDB", "install mongod, or Go for its stand-in", "mongod", "go", "/usr/local/go/bin/go");
}

async function programOf(folder: string, port: number): Promise<Running> {
  const mongod = await makeMongo();
  if (mongod === needMongo())
    return new Running(mongod, ["--bind_ip", "127.0.0.1", "--port", String(port), "--dbpath", folder]);
  const env = { PATH: process.env.PATH ?? "", DATA_DIR: `${folder}/`, LISTEN: `127.0.0.1:${port}` };
  return new Running(mongod, [], { env });
}

/** MongoDB's own program, or that of its stand-in. */
export async function makeMongo(): Promise<string> {
  const found = needMongo();
  if (basename(found) !== "go" || process.env.LONJA_TEST_MONGO_URL) return found;
  return join(await madeOnce(join(import.meta.dirname, "mongo"), [found, "build", "-o", "mongod", "."]), "mongod");
}

/** An empty database of its own on a server. */
export const newMongoDatabase = ({ url }: { url: string }, name: string): string => `${url}/${name}`;
