import { UnusableStore } from "../mixins/store.ts";
import { isRefusal } from "../services/shared/refusal.ts";
import { UnusableSetting } from "../services/shared/settings.ts";
import { STANDARD } from "./file.ts";
import { UnusableFile } from "./format.ts";
import { CannotMove } from "./pack.ts";
import { Reporter } from "./progress.ts";

/** What was asked for cannot be understood. */
export class UnusableCommand extends Error {
  override readonly name = "UnusableCommand";
}

export interface Asked {
  path: string;
  /** Those that were given, with what they were given; empty for those that take nothing. */
  flags: ReadonlyMap<string, string>;
  reporter: Reporter;
  /** What is to be done before the command ends too early, for whatever reason. */
  onEarlyEnd(then: () => void): void;
}

const signals = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const;

/** How a command is to be called: a flag whose name ends with = takes a value. */
export interface Usage {
  text: string;
  flags?: readonly string[];
  /** What is meant where no file or folder is named. */
  path?: string;
}

/**
 * Runs a command of one file and perhaps some flags, to its end or to one line that says why not; what it answers is its
 * exit code. Everything it does can be cut off at any moment, as a kill does, so a signal ends it at once.
 */
export async function command(usage: Usage, run: (asked: Asked) => Promise<number>): Promise<void> {
  const reporter = new Reporter(!process.argv.includes(STANDARD));
  let cleanUp = () => {};
  const onEarlyEnd = (then: () => void) => {
    cleanUp = then;
  };
  for (const [signal, code] of Object.entries(signals))
    process.on(signal, () => {
      cleanUp();
      reporter.say(`Stopped by ${signal}.`);
      process.exit(code);
    });
  // A store that is not there yet is waited for, and nothing else would keep the process alive.
  setInterval(() => {}, 2 ** 30);
  let path = STANDARD;
  try {
    const asked = readArguments(process.argv.slice(2), usage);
    ({ path } = asked);
    process.exitCode = await run({ ...asked, reporter, onEarlyEnd });
  } catch (error) {
    cleanUp();
    reporter.say(wordsFor(error as Error, path));
    process.exitCode = error instanceof UnusableCommand || error instanceof UnusableSetting ? 2 : 1;
  }
  // Whoever still sends has nobody to listen any more.
  process.exit();
}

function readArguments(args: readonly string[], { text, flags: known = [], path: usual }: Usage) {
  const flags = new Map<string, string>();
  const paths: string[] = [];
  const left = [...args];
  for (let arg = left.shift(); arg !== undefined; arg = left.shift()) {
    const [, name = arg, given] = /^(--[a-z-]+)=(.*)$/.exec(arg) ?? [];
    if (known.includes(`${name}=`)) flags.set(name, given ?? left.shift() ?? "");
    else if (known.includes(arg)) flags.set(arg, "");
    else if (arg.startsWith("-") && arg !== STANDARD) throw new UnusableCommand(`${arg} is not known here: ${text}`);
    else paths.push(arg);
  }
  const [path = usual, ...more] = paths;
  if (!path || more.length > 0) throw new UnusableCommand(`One file is wanted: ${text}`);
  return { path, flags };
}

/** What an operator can put right needs no more than its message. */
export function wordsFor(error: Error, path: string): string {
  if (error instanceof UnusableFile)
    return `${path === STANDARD ? "The pipe" : path} cannot be used: ${error.message}.`;
  const isPlain =
    error instanceof UnusableCommand ||
    error instanceof UnusableSetting ||
    error instanceof UnusableStore ||
    error instanceof CannotMove ||
    isRefusal(error);
  return isPlain ? error.message : (error.stack ?? error.message);
}
