import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createRequire } from "node:module";
import { join } from "node:path";
import { createInterface } from "node:readline";

export interface Exit {
  code: number | null;
  signal: NodeJS.Signals | null;
}

const HERE = join(import.meta.dirname, "..");

/** What `npm start` says to Node, in the Lonja of this folder. */
function startOf(folder: string): string[] {
  const { scripts } = createRequire(import.meta.url)(join(folder, "package.json")) as { scripts: { start: string } };
  return scripts.start.split(" ").slice(1);
}

export const asStarted = startOf(HERE);

/** As long as Kubernetes waits before it kills. */
const STOP_MS = 30_000;

/**
 * One node of a cluster, as a process of its own. It is no part of the terminal's group, so that a Ctrl-C does not
 * stop all at once; it stops by itself when whoever has started it dies.
 */
export class NodeProcess {
  readonly name: string;
  /** Resolves once its services are open, or when it is gone before. */
  readonly opened: Promise<boolean>;
  readonly gone: Promise<Exit>;
  readonly #child: ChildProcess;
  #isGone = false;
  /** What it answers to whoever told it something. Nodes as they are have nothing to answer. */
  onAnswer: (answer: unknown) => void = () => {};

  /** `folder`: where another Lonja is, if it is not to be this one. */
  constructor(name: string, env: NodeJS.ProcessEnv, hear: (line: string) => void, folder = HERE) {
    this.name = name;
    const child = spawn(process.execPath, startOf(folder), {
      cwd: folder,
      env,
      detached: true,
      stdio: ["ignore", "pipe", "pipe", "ipc"],
    });
    this.#child = child;
    const said = [child.stdout, child.stderr].map((stream) => {
      if (!stream) throw new Error(`${name} has no output`);
      const lines = createInterface({ input: stream }).on("line", hear);
      return once(lines, "close");
    });
    this.gone = Promise.all([once(child, "exit"), ...said]).then(([[code, signal]]) => ({ code, signal }));
    void this.gone.then(() => {
      this.#isGone = true;
    });
    const open = Promise.withResolvers<boolean>();
    child.on("message", (message) => (message === "open" ? open.resolve(true) : this.onAnswer(message)));
    this.opened = Promise.race([open.promise, this.gone.then(() => false)]);
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  get isGone(): boolean {
    return this.#isGone;
  }

  /** Says something to it, for those who have got something into it that listens. */
  tell(order: object): void {
    if (this.#child.connected) this.#child.send(order, () => {});
  }

  signal(signal: NodeJS.Signals): void {
    if (!this.#isGone) this.#child.kill(signal);
  }

  /** Asks it to finish what is under way; after half a minute there is no more patience. */
  async stop(): Promise<Exit> {
    if (!this.#isGone) this.#child.kill("SIGTERM");
    const impatience = setTimeout(() => this.#child.kill("SIGKILL"), STOP_MS);
    return this.gone.finally(() => clearTimeout(impatience));
  }

  /** As the system does when memory is short: no goodbye. */
  async kill(): Promise<Exit> {
    if (!this.#isGone) this.#child.kill("SIGKILL");
    return this.gone;
  }
}
