import { execFileSync } from "node:child_process";
import { chownSync } from "node:fs";
import { join } from "node:path";
import { Client } from "pg";
import { type BreakableServer, external, freePort, newFolder, program, Running, removeFolder } from "./server.ts";

const versions = [18, 17, 16, 15].flatMap((version) => [
  `/usr/lib/postgresql/${version}/bin`,
  `/opt/homebrew/opt/postgresql@${version}/bin`,
]);

/** PostgreSQL refuses to run as root: then it is run as the user that its package made. */
function otherThanRoot(): { uid?: number; gid?: number } {
  if (process.getuid?.() !== 0) return {};
  const id = (flag: string) => Number(execFileSync("id", [flag, "postgres"], { encoding: "utf8" }));
  return { uid: id("-u"), gid: id("-g") };
}

const find = (name: string) =>
  program("PostgreSQL", "apt-get install postgresql", name, ...versions.map((folder) => join(folder, name)));

export const needPostgres = () => process.env.LONJA_TEST_POSTGRES_URL ?? find("initdb");

/** `within`: the folder that its data is to be in. */
export async function startPostgres(within?: string): Promise<BreakableServer> {
  const there = external("LONJA_TEST_POSTGRES_URL");
  if (there) return there;
  const [initdb, postgres] = [find("initdb"), find("postgres")];
  const user = otherThanRoot();
  const folder = await newFolder("postgres", within);
  if (user.uid !== undefined && user.gid !== undefined) chownSync(folder, user.uid, user.gid);
  const data = join(folder, "data");
  const setUp = ["-D", data, "-U", "lonja", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync"];
  execFileSync(initdb, setUp, { ...user, cwd: folder, stdio: "ignore" });
  const port = await freePort();
  const server = new Running(
    postgres,
    ["-D", data, "-p", String(port), "-h", "127.0.0.1", "-k", folder, "-c", "max_connections=300"],
    { ...user, cwd: folder },
  );
  const url = `postgres://lonja@127.0.0.1:${port}/postgres`;
  const answers = async () => {
    const client = new Client({ connectionString: url, connectionTimeoutMillis: 1_000 });
    client.on("error", () => {});
    try {
      await client.connect();
      await client.end();
      return true;
    } catch {
      return false;
    }
  };
  const start = () => server.start(answers);
  await start();
  return {
    url,
    start,
    // The whole group of its processes, as when the machine goes: whoever is left would keep the port.
    kill: () => server.end("SIGQUIT"),
    // "Fast": SIGTERM would wait until everybody has gone.
    quit: () => server.end("SIGINT"),
    freeze: () => toAll(server, "SIGSTOP"),
    thaw: () => toAll(server, "SIGCONT"),
    async stop() {
      await server.end("SIGQUIT");
      await removeFolder(folder);
    },
  };
}

/** Each connection is a process, in a group of its own. */
function toAll(server: Running, signal: NodeJS.Signals): void {
  server.signal(signal);
  const children = execFileSync("ps", ["-o", "pid=", "--ppid", String(server.pid)], { encoding: "utf8" });
  for (const pid of children.split("\n").map(Number).filter(Boolean)) {
    try {
      process.kill(pid, signal);
    } catch (error) {
      // A connection that has ended meanwhile.
      if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
    }
  }
}

/** An empty database of its own on a server. */
export async function newDatabase({ url }: { url: string }, name: string): Promise<string> {
  const client = new Client({ connectionString: url });
  await client.connect();
  await client.query(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`);
  await client.query(`CREATE DATABASE ${name}`);
  await client.end();
  return Object.assign(new URL(url), { pathname: `/${name}` }).href;
}
