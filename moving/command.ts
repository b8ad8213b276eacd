import { UnusableStore } from "../mixins/store.ts";
import { isRefusal } from "../services/shared/refusal.ts";
import { UnusableSetting } from "../services/shared/settings.ts";
import { STANDARD } from "./file.ts";
import { UnusableFile } from "./format.ts";
import { CannotMove } from "./pack.ts";
import { Reporter } from "./progress.ts";

/** What was asked for cannot be understood. */
class UnusableCommand extends Error {
  override readonly name = "UnusableCommand";
}

export interface Asked {
  path: string;
  flags: ReadonlySet<string>;
  reporter: Reporter;
  /** What is to be done before the command ends too early, for whatever reason. */
  onEarlyEnd(then: () => void): void;
}

const signals = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const;

/**
 * Runs a command of one file and perhaps some flags, to its end or to one line that says why not. Everything it does can be
 * cut off at any moment, as a kill does, so a signal ends it at once.
 */
export async function command(
  usage: string,
  known: readonly string[],
  run: (asked: Asked) => Promise<boolean>,
): Promise<void> {
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
    const asked = readArguments(process.argv.slice(2), usage, known);
    ({ path } = asked);
    process.exitCode = (await run({ ...asked, reporter, onEarlyEnd })) ? 0 : 1;
  } catch (error) {
    cleanUp();
    reporter.say(wordsFor(error as Error, path));
    process.exitCode = error instanceof UnusableCommand || error instanceof UnusableSetting ? 2 : 1;
  }
  // Whoever still sends has nobody to listen any more.
  process.exit();
}

function readArguments(args: readonly string[], usage: string, known: readonly string[]) {
  const flags = args.filter((arg) => arg.startsWith("--"));
  const unknown = flags.find((flag) => !known.includes(flag));
  if (unknown) throw new UnusableCommand(`${unknown} is not known here: ${usage}`);
  const [path, ...more] = args.filter((arg) => !arg.startsWith("--"));
  if (!path || more.length > 0) throw new UnusableCommand(`One file is wanted: ${usage}`);
  if (path !== STANDARD && path.startsWith("-")) throw new UnusableCommand(`${path} is not known here: ${usage}`);
  return { path, flags: new Set(flags) };
}

/** What an operator can put right needs no more than its message. */
function wordsFor(error: Error, path: string): string {
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
