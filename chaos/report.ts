import { execFileSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { commandOf, type Options } from "./options.ts";
import type { Happened, Outcome } from "./run.ts";

const seconds = (ms: number | undefined) => (ms === undefined ? "–" : `${(ms / 1_000).toFixed(1)} s`);
const MOST_SHOWN = 50;

/** The commit that was run, where this is known. */
function commit(): string {
  try {
    const options = { encoding: "utf8", cwd: import.meta.dirname, stdio: "pipe" } as const;
    const hash = execFileSync("git", ["rev-parse", "--short=12", "HEAD"], options).trim();
    return execFileSync("git", ["status", "--porcelain"], options).trim() ? `${hash} and changes` : hash;
  } catch {
    return "unknown";
  }
}

/** Writes the report, for programs and for people. Answers where it is. */
export function writeReport(options: Options, outcome: Outcome, startedAt: string): { json: string; markdown: string } {
  const files = { json: `${options.report}.json`, markdown: `${options.report}.md` };
  const about = { startedAt, commit: commit(), command: commandOf(options) };
  mkdirSync(dirname(files.json), { recursive: true });
  writeFileSync(files.json, `${JSON.stringify({ ...about, options, ...outcome }, null, 2)}\n`);
  writeFileSync(files.markdown, markdownOf(options, outcome, about));
  return files;
}

function markdownOf(
  options: Options,
  outcome: Outcome,
  { startedAt, commit, command }: Record<"startedAt" | "commit" | "command", string>,
): string {
  const { ok, checks, happened, purchases, told, notServed, tookMs, finalAfterMs, points } = outcome;
  const counted = (record: Readonly<Record<string, number>>) =>
    Object.entries(record)
      .toSorted(([, a], [, b]) => b - a)
      .map(([name, count]) => `| ${name} | ${count} |`);
  const served = happened.flatMap(({ servedAfterMs }) => servedAfterMs ?? []).toSorted((a, b) => a - b);
  const at = (share: number) => seconds(served[Math.min(served.length - 1, Math.floor(served.length * share))]);
  return [
    `# Chaos: ${ok ? "nothing lost, nothing twice" : "the promise was broken"}`,
    "",
    `Seed ${options.seed}, ${options.store}, ${startedAt}, commit ${commit}, ${seconds(tookMs)}.`,
    "",
    "```sh",
    command,
    "```",
    "",
    "## Verdict",
    "",
    "| check | |",
    "| --- | --- |",
    ...checks.map(({ name, wrong }) => `| ${name} | ${wrong.length ? `**${wrong.length} wrong**` : "ok"} |`),
    "",
    ...checks.flatMap(({ name, wrong }) =>
      wrong.length
        ? [
            `### ${name}`,
            "",
            ...wrong.slice(0, MOST_SHOWN).map((text) => `- ${text}`),
            ...(wrong.length > MOST_SHOWN ? [`- … and ${wrong.length - MOST_SHOWN} more`] : []),
            "",
          ]
        : [],
    ),
    `Nothing was under way any more ${seconds(finalAfterMs)} after the last fault.`,
    `Until a buyer was served at the first asking again, after the end of a fault: half of the time ${at(0.5)}, nine times of ten ${at(0.9)}, at most ${at(1)}.`,
    "",
    "## Buyers",
    "",
    `${purchases} purchases. The first thing that was told of each:`,
    "",
    "| told | purchases |",
    "| --- | ---: |",
    ...counted(told),
    "",
    "What came instead of an answer, and was followed by another try with the same key:",
    "",
    "| instead | times |",
    "| --- | ---: |",
    ...counted(notServed),
    "",
    `## What went wrong (${happened.length})`,
    "",
    "| at | until | what | served again after |",
    "| ---: | ---: | --- | ---: |",
    ...happened.map(rowOf),
    "",
    `## The points of a purchase (${points.length})`,
    "",
    ...[...Map.groupBy(points, ({ by }) => by)].map(
      ([by, all]) => `- ${by}: ${all.map(({ point }) => `\`${point}\``).join(", ")}`,
    ),
    "",
  ].join("\n");
}

const rowOf = ({ atMs, endedMs, words, servedAfterMs, failed }: Happened) =>
  `| ${seconds(atMs)} | ${seconds(endedMs)} | ${words}${failed ? ` (${failed})` : ""} | ${seconds(servedAfterMs)} |`;
