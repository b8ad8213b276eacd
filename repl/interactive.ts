import { once } from "node:events";
import { createInterface } from "node:readline";
import { style } from "../terminal.ts";
import { keepBelow, unguarded } from "./below.ts";
import type { Desk } from "./desk.ts";
import { tellsSecret } from "./secrets.ts";
import { complete, run } from "./shell.ts";

const MOST_REMEMBERED = 200;

/**
 * Asks a person, line by line, until they leave. What was typed is remembered as long as the process lives and
 * nowhere else: a file system may be read-only, and a file would keep what was never to be kept.
 */
export async function talk(desk: Desk): Promise<void> {
  const output = unguarded(process.stdout);
  const terminal = createInterface({
    input: process.stdin,
    output,
    terminal: true,
    prompt: `${style("cyan", "lonja")} $ `,
    historySize: MOST_REMEMBERED,
    removeHistoryDuplicates: true,
    completer: (typed: string, answer: (error: Error | null, found: [string[], string]) => void) =>
      void complete(desk, typed).then((found) => answer(null, found)),
  });
  terminal.on("history", (lines: string[]) => {
    if (tellsSecret(lines[0] ?? "")) lines.shift();
  });
  let isAsking = true;
  // As in a shell: what was typed goes. Where nothing was typed, or something is under way, one leaves.
  terminal.on("SIGINT", () => {
    if (!isAsking || terminal.line === "") return terminal.close();
    terminal.write(null, { ctrl: true, name: "e" });
    terminal.write(null, { ctrl: true, name: "u" });
  });
  const closed = once(terminal, "close").then(() => "left" as const);
  const release = keepBelow(terminal, output, () => isAsking);
  terminal.on("close", release);
  terminal.prompt();
  for await (const typed of terminal) {
    isAsking = false;
    if ((await Promise.race([run(desk, typed), closed])) === "left") break;
    isAsking = true;
    // What was typed in the meantime is gone on with.
    terminal.prompt(true);
  }
  terminal.close();
  output.write("\n");
}
