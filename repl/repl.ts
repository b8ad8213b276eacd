import { createInterface } from "node:readline";
import { parseArgs } from "node:util";
import { overview } from "./commands.ts";
import { becomeVisitor, NoCluster } from "./visitor.ts";

/**
 * Joins a running cluster as a node without services, for an operator or for a script: npm run repl, or node
 * repl/repl.ts inside a container. Exit codes: 0; 1 a command has failed; 2 there was no cluster.
 */
const environment = { ...process.env };

function stop(message: string): never {
  process.stderr.write(`${message}\n`);
  process.exit(2);
}

function readArguments(): { run?: string[]; help?: boolean } {
  try {
    return parseArgs({ options: { run: { type: "string", multiple: true }, help: { type: "boolean" } } }).values;
  } catch (error) {
    const [what] = (error as Error).message.split(".");
    return stop(`${what}. It is: repl [--help] [--run <command>]…`);
  }
}

function prepare(): void {
  try {
    becomeVisitor();
  } catch (error) {
    if (!(error instanceof NoCluster)) throw error;
    stop(error.message);
  }
}

const { run: lines, help } = readArguments();
// Whoever has read enough, as head does, has gone: that ends it, and is no mistake of anybody's.
process.stdout.on("error", () => process.exit(0));
if (help) {
  overview();
  process.exit(0);
}
prepare();
const { join } = await import("./join.ts");
const { desk, welcome, leave } = await join(environment).catch((error: Error) => {
  if (error instanceof NoCluster || error.name === "UnusableSetting") return stop(error.message);
  throw error;
});

for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"] as const) process.on(signal, () => void leave(0));
process.on("unhandledRejection", (reason) => desk.broker.logger.error("Nobody has waited for this to fail:", reason));

const { runAll } = await import("./shell.ts");
const { talk } = await import("./interactive.ts");
if (lines) await leave((await runAll(desk, lines)) ? 0 : 1);
else if (process.stdin.isTTY && process.stdout.isTTY) {
  process.stdout.write(`${welcome}\n`);
  await talk(desk);
  await leave(0);
} else await leave((await runAll(desk, createInterface({ input: process.stdin }))) ? 0 : 1);
