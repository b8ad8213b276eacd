import { mkdirSync } from "node:fs";
import { bad, failure, faint, good, line, strong } from "../terminal.ts";
import { MissingServer } from "../test/servers/server.ts";
import { randomSeed } from "./chance.ts";
import { commandOf, type Options, optionsOf, UnusableOptions, usage } from "./options.ts";
import { writeReport } from "./report.ts";
import { type Outcome, Run } from "./run.ts";
import { showOn } from "./screen.ts";

/** A shop of real processes is broken for as long as one likes, and then asked whether it has kept its promise. */
const MOST_SHOWN = 10;

function optionsOrStop(): Options {
  if (process.argv.includes("--help")) {
    line(usage);
    process.exit(0);
  }
  try {
    return optionsOf(process.argv.slice(2), randomSeed());
  } catch (error) {
    if (!(error instanceof UnusableOptions)) throw error;
    process.stderr.write(`${error.message}\n`);
    process.exit(2);
  }
}

function say(options: Options, { ok, checks, purchases, happened, finalAfterMs }: Outcome, markdown: string): void {
  line();
  for (const { name, wrong } of checks) {
    line(`  ${wrong.length ? bad("✗") : good("✓")} ${name}${wrong.length ? `: ${wrong.length} wrong` : ""}`);
    for (const text of wrong.slice(0, MOST_SHOWN)) line(`      ${text}`);
  }
  line();
  line(
    `  ${strong(ok ? "The promise was kept" : "The promise was broken")}: ${purchases} purchases, ${happened.length} faults; nothing was under way any more ${(finalAfterMs / 1_000).toFixed(1)} s after the last one.`,
  );
  line(`  ${faint("report")}  ${markdown}`);
  line(`  ${faint("again")}   ${commandOf(options)}`);
}

const options = optionsOrStop();
const startedAt = new Date().toISOString();
const logs = `${options.report}.logs`;
mkdirSync(logs, { recursive: true });
// The nodes are children that end with this process; servers are in groups of their own and have to be ended.
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const)
  process.on(signal, () => void Run.stop().finally(() => process.exit(130)));
try {
  const outcome = await Run.all(options, showOn(process.stdout), { logs, notes: `${options.report}.notes.ndjson` });
  const { markdown } = writeReport(options, outcome, startedAt);
  say(options, outcome, markdown);
  process.exit(outcome.ok ? 0 : 1);
} catch (error) {
  failure(error instanceof MissingServer ? `${error.message}.` : String((error as Error).stack));
  process.exit(2);
}
