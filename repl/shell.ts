import { failure } from "../terminal.ts";
import { read, wordsOf } from "./command.ts";
import { commandNamed, commands, exit } from "./commands.ts";
import type { Desk } from "./desk.ts";
import { sentence } from "./sentence.ts";

/** `left`: no line after this one is to be run. */
export type Outcome = "done" | "failed" | "left";

/** Runs what was typed. Whatever goes wrong is said, and the next line can come. */
export async function run(desk: Desk, typed: string): Promise<Outcome> {
  try {
    const [name, ...words] = wordsOf(typed);
    if (name === undefined || name.startsWith("#")) return "done";
    const command = commandNamed(name);
    const given = read(command, words);
    if (command === exit) return "left";
    await command.run(desk, given);
    return "done";
  } catch (error) {
    failure(desk.secrets.hide(sentence(error)));
    return "failed";
  }
}

/** Runs one line after the other. False: one of them failed. */
export async function runAll(desk: Desk, lines: AsyncIterable<string> | Iterable<string>): Promise<boolean> {
  let isRight = true;
  for await (const typed of lines) {
    const outcome = await run(desk, typed);
    if (outcome === "left") break;
    isRight &&= outcome === "done";
  }
  return isRight;
}

/** What the last word of a line may become, and that word. */
export async function complete(desk: Desk, typed: string): Promise<[string[], string]> {
  const [name = "", ...words] = typed.trimStart().split(/\s+/);
  const last = words.at(-1);
  if (last === undefined)
    return fitting(
      name,
      commands.flatMap(({ name, aliases = [] }) => [name, ...aliases]),
    );
  return fitting(last, await candidates(desk, name, words));
}

/** Nothing is proposed rather than something else. */
const fitting = (start: string, all: readonly string[]): [string[], string] => {
  const hits = all.filter((one) => one.startsWith(start)).sort();
  return [hits.length === 1 ? [`${hits[0]} `] : hits, start];
};

async function candidates(desk: Desk, name: string, words: readonly string[]): Promise<readonly string[]> {
  try {
    const { params = [], options = {}, complete: by = {} } = commandNamed(name);
    const last = words.at(-1) ?? "";
    if (last.startsWith("--")) return Object.keys(options).map((option) => `--${option}`);
    const before = words.at(-2) ?? "";
    if (before.startsWith("--") && options[before.slice(2)]?.value) return (await by[before]?.(desk)) ?? [];
    const place = words.slice(0, -1).filter((word) => !word.startsWith("--")).length;
    return (await by[(params[place] ?? "").replace(/[?…]$/, "")]?.(desk)) ?? [];
  } catch {
    // Tab has no place for words: whoever is away, and what is no command, is named when the line is run.
    return [];
  }
}
