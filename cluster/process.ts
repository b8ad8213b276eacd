import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";

export interface Exit {
  code: number | null;
  signal: NodeJS.Signals | null;
}

const STOP_MS = 10_000;

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

  constructor(name: string, env: NodeJS.ProcessEnv, hear: (line: string) => void) {
    this.name = name;
    const child = spawn(process.execPath, ["lonja.ts"], {
      cwd: join(import.meta.dirname, ".."),
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
    this.opened = Promise.race([once(child, "message").then(() => true), this.gone.then(() => false)]);
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  get isGone(): boolean {
    return this.#isGone;
  }

  /** Asks it to finish what is under way; after ten seconds there is no more patience. */
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
