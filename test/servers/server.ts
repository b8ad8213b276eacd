import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A real server for tests: on a free port of 127.0.0.1, with data of its own. */
export interface RunningServer {
  url: string;
  /** Ends it for good and removes its data. */
  stop(): Promise<void>;
}

/** One that a test may break. What is not ours to break has none of it. */
export interface BreakableServer extends RunningServer {
  /** As when the power goes: no goodbye. */
  kill(): Promise<void>;
  /** As its operator does it: whoever is connected is sent away. */
  quit(): Promise<void>;
  /** Up again, on the same port and with the same data. */
  start(): Promise<void>;
  freeze(): void;
  thaw(): void;
}

/** A server that is there already, and not ours to break or to stop. */
export function external(variable: string): BreakableServer | undefined {
  const url = process.env[variable];
  if (!url) return undefined;
  const notOurs = () => {
    throw new Error(`${variable} is not this test's to break`);
  };
  return { url, stop: async () => {}, kill: notOurs, quit: notOurs, start: notOurs, freeze: notOurs, thaw: notOurs };
}

/** The program of a server is not on this machine. */
export class MissingServer extends Error {
  override readonly name = "MissingServer";
  constructor(server: string, howToGetIt: string) {
    super(`${server} is not on this machine (${howToGetIt})`);
  }
}

/** For suites that break their servers: one that one of these variables names is not theirs to break. */
export const ours =
  (...variables: readonly string[]) =>
  (): void => {
    const given = variables.find((variable) => process.env[variable]);
    if (given) throw new MissingServer("A server that may be broken", `${given} names one that may not`);
  };

/** The first of these programs that is there. */
export function program(server: string, howToGetIt: string, ...candidates: string[]): string {
  const folders = ["", ...(process.env.PATH ?? "").split(":")];
  for (const candidate of candidates)
    for (const folder of candidate.startsWith("/") ? [""] : folders)
      if (existsSync(join(folder, candidate))) return join(folder, candidate);
  throw new MissingServer(server, howToGetIt);
}

/**
 * A suite that needs these servers. One that is missing is said aloud, and the suite skipped; where all are
 * asked for (LONJA_TEST_ALL), it fails.
 */
export function describeWith(needs: readonly (() => unknown)[], name: string, suite: () => void): void {
  try {
    for (const need of needs) need();
  } catch (error) {
    if (!(error instanceof MissingServer) || process.env.LONJA_TEST_ALL) throw error;
    process.stderr.write(`\n!!! ${error.message}, so its tests are SKIPPED\n`);
    describe.skip(name, suite);
    return;
  }
  describe(name, suite);
}

export const newFolder = (name: string, within = tmpdir()): Promise<string> => mkdtemp(join(within, `lonja-${name}-`));
export const removeFolder = (folder: string): Promise<void> =>
  rm(folder, { recursive: true, force: true, maxRetries: 5 });

/** A port that was free a moment ago. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, "close");
  return port;
}

const wait = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

export async function accepts(port: number): Promise<boolean> {
  const socket = connect(port, "127.0.0.1");
  const answer = await new Promise<boolean>((resolve) => {
    socket.once("connect", () => resolve(true)).once("error", () => resolve(false));
  });
  socket.destroy();
  return answer;
}

/** A program that runs until it is stopped, with what it said, for the case that it does not come up. */
export class Running {
  readonly #command: string;
  readonly #args: readonly string[];
  readonly #options: { env?: NodeJS.ProcessEnv; uid?: number; gid?: number; cwd?: string };
  #child: ChildProcess | undefined;
  #said = "";

  constructor(command: string, args: readonly string[], options: Running["options"] = {}) {
    this.#command = command;
    this.#args = args;
    this.#options = options;
  }

  get options() {
    return this.#options;
  }

  /** Starts it and waits until `isUp`. */
  async start(isUp: () => Promise<boolean>, patienceMs = 60_000): Promise<void> {
    this.#said = "";
    // A group of its own: some programs are scripts that start the server as a child.
    const child = spawn(this.#command, this.#args, {
      ...this.#options,
      detached: true,
      stdio: ["ignore", "pipe", "pipe"],
    });
    this.#child = child;
    for (const stream of [child.stdout, child.stderr])
      stream.on("data", (text) => {
        this.#said = (this.#said + text).slice(-5_000);
      });
    child.on("error", (error) => {
      this.#said += error.message;
    });
    for (let left = patienceMs; left > 0 && child.exitCode === null && child.pid !== undefined; left -= 50) {
      if (await isUp()) return;
      await wait(50);
    }
    await this.end("SIGKILL");
    throw new Error(`${this.#command} did not come up:\n${this.#said}`);
  }

  get pid(): number | undefined {
    return this.#child?.pid;
  }

  signal(signal: NodeJS.Signals): void {
    const pid = this.#child?.pid;
    if (pid !== undefined) process.kill(-pid, signal);
  }

  /** Ends it by this signal; after ten seconds without mercy. */
  async end(signal: NodeJS.Signals): Promise<void> {
    const child = this.#child;
    if (!child || child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return;
    const gone = once(child, "exit");
    this.signal("SIGCONT");
    this.signal(signal);
    const impatience = setTimeout(() => this.signal("SIGKILL"), 10_000);
    await gone;
    clearTimeout(impatience);
  }
}

/** What a test may do to a server that it has started. Where there is a folder, it goes in the end. */
export const breakable = (
  url: string,
  server: Running,
  start: () => Promise<void>,
  folder?: string,
): BreakableServer => ({
  url,
  start,
  kill: () => server.end("SIGKILL"),
  quit: () => server.end("SIGTERM"),
  freeze: () => server.signal("SIGSTOP"),
  thaw: () => server.signal("SIGCONT"),
  async stop() {
    await server.end("SIGKILL");
    if (folder) await removeFolder(folder);
  },
});
