import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import type { StoredRecord } from "../mixins/store.ts";
import { type Header, Writer } from "../moving/format.ts";
import { pack } from "../moving/pack.ts";
import type { Progress } from "../moving/progress.ts";
import { type OpenShop, openShop, type Shelf } from "../moving/shop.ts";
import { type Source, type Unpacked, unpack } from "../moving/unpack.ts";
import { readSettings } from "../services/shared/settings.ts";
import { realWorld } from "../services/shared/world.ts";

export const quiet: Progress = { begin() {}, advance() {} };
const about = { lonja: "0.1.0", at: "2026-01-01T12:00:00.000Z", progress: quiet };

/** The stores that this environment names, with nothing running on them. */
export const openStores = (env: Record<string, string>, make = true): Promise<OpenShop> =>
  openShop({ settings: readSettings(env), world: realWorld }, { make });

export async function packed(shelves: readonly Shelf[], hear: (text: string) => unknown = () => {}): Promise<string> {
  let all = "";
  await pack(
    shelves,
    async (text) => {
      all += text;
      await hear(text);
    },
    about,
  );
  return all;
}

export const unpacked = (shelves: readonly Shelf[], text: string): Promise<Unpacked> =>
  unpack(shelves, sourceOf(text), quiet);

/** `between` comes before each line, of which the header is the first. */
export const sourceOf = (text: string, between: (line: number) => unknown = () => {}, isLasting = true): Source => ({
  isLasting,
  async *lines() {
    for (const [n, line] of text.trimEnd().split("\n").entries()) {
      await between(n + 1);
      yield line;
    }
  },
});

/** A file of records that nobody has ever kept. */
export function madeUp(
  records: Record<string, readonly StoredRecord[]>,
  schemaVersion = 1,
  header: Partial<Header> = {},
): string {
  const writer = new Writer();
  const collections = Object.entries(records).map(([name, all]) => ({ name, schemaVersion, records: all.length }));
  return [
    writer.header({ lonja: about.lonja, at: about.at, collections, ...header }),
    ...Object.entries(records).flatMap(([name, all]) => all.map((record) => writer.record(name, record))),
    writer.end(),
  ].join("");
}

export interface Ended {
  code: number | null;
  signal: NodeJS.Signals | null;
  stdout: string;
  /** What it said, by lines. */
  said: string[];
}

/** The command as an operator starts it, in a process of its own. */
export class MovingProcess {
  readonly child: ChildProcess;
  readonly ended: Promise<Ended>;
  #stdout = "";
  #stderr = "";

  constructor(command: "export" | "import", args: readonly string[], env: Record<string, string>) {
    this.child = spawn(process.execPath, [`moving/${command}.ts`, ...args], {
      env: { PATH: process.env.PATH ?? "", ...env },
      stdio: ["pipe", "pipe", "pipe"],
    });
    this.child.stdin?.on("error", () => {});
    this.child.stdout?.setEncoding("utf8").on("data", (text) => {
      this.#stdout += text;
    });
    this.child.stderr?.setEncoding("utf8").on("data", (text) => {
      this.#stderr += text;
    });
    this.ended = once(this.child, "close").then(([code, signal]) => ({
      code,
      signal,
      stdout: this.#stdout,
      said: this.#stderr.trim().split("\n"),
    }));
  }

  get said(): string {
    return this.#stderr;
  }
}

export const exported = (args: readonly string[], env: Record<string, string>): Promise<Ended> =>
  new MovingProcess("export", args, env).ended;
export const imported = (args: readonly string[], env: Record<string, string>): Promise<Ended> =>
  new MovingProcess("import", args, env).ended;
