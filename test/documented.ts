import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/**
 * The examples of a page of the documentation, as readers would try them out: a block that is marked `run` is run, in the order of
 * the page and in one shell, and `json answers` behind it is what it has to print, at least. `…` stands for anything.
 * A block that is marked `from=<file>` is in that file.
 */
export interface Block {
  /** Where it begins, counted from 1. */
  line: number;
  language: string;
  marks: readonly string[];
  text: string;
}

/** What runs a language. Its program comes as a file. */
const runners: Readonly<Record<string, (file: string) => string>> = {
  sh: (file) => `. ${file}`,
  ts: (file) => `node --input-type=module-typescript <${file}`,
  js: (file) => `node --input-type=module <${file}`,
  python: (file) => `python3 ${file}`,
  graphql: (file) =>
    `curl -s "$SHOP/graphql" -H 'content-type: application/json' -H "authorization: \${TOKEN:+Bearer $TOKEN}" -d "$(jq -cn --rawfile query ${file} --argjson variables "\${VARIABLES:-null}" '{ query: $query, variables: $variables }')"`,
};

export function blocksOf(page: string): Block[] {
  const blocks: Block[] = [];
  const fences = /^([ ]*)```(\w*)([^\n]*)\n([\s\S]*?)^\1```$/gm;
  for (const { index, 1: indent = "", 2: language = "", 3: marks = "", 4: text = "" } of page.matchAll(fences))
    blocks.push({
      line: page.slice(0, index).split("\n").length,
      language,
      marks: marks.split(" ").filter(Boolean),
      text: text.replaceAll(new RegExp(`^${indent}`, "gm"), ""),
    });
  return blocks;
}

/** Settings of the shop that a page is about: `<!-- shop: PAYMENT_CAPTURE=manual -->`. */
export function settingsOf(page: string): Record<string, string> {
  const [, settings = ""] = /^<!-- shop: (.*) -->$/m.exec(page) ?? [];
  return Object.fromEntries(settings.split(" ").flatMap((one) => (one ? [one.split(/=(.*)/s, 2)] : [])));
}

/** One block that is run, and what it has to print. */
interface Step {
  block: Block;
  answers: unknown;
}

export function stepsOf(page: string): Step[] {
  const blocks = blocksOf(page);
  return blocks.flatMap((block, n) => {
    if (!block.marks.includes("run")) return [];
    const next = blocks[n + 1];
    return [{ block, answers: next?.marks.includes("answers") ? JSON.parse(next.text) : undefined }];
  });
}

/** Blocks that are said to be in a file, and are not. */
export const strayed = (page: string): string[] =>
  blocksOf(page).flatMap(({ line, marks, text }) => {
    const [, file] = /^from=(.+)$/.exec(marks.find((mark) => mark.startsWith("from=")) ?? "") ?? [];
    if (!file) return [];
    return existsSync(file) && readFileSync(file, "utf8").includes(text) ? [] : [`line ${line} is not in ${file}`];
  });

/** What is not as the page says. */
export async function tryOut(page: string, env: NodeJS.ProcessEnv): Promise<string[]> {
  const steps = stepsOf(page);
  const folder = mkdtempSync(join(tmpdir(), "lonja-examples-"));
  try {
    const { code, said } = await run(folder, steps, env);
    const printed = steps.map((_, n) => join(folder, `${n}.out`)).filter((path) => existsSync(path));
    const last = steps[printed.length - 1];
    const failure = code === 0 ? [] : [`line ${last?.block.line} ended with ${code}: ${said}`];
    return [
      ...printed.flatMap((path, n) => complaints(steps[n] as Step, readFileSync(path, "utf8"))),
      ...failure,
      ...(code === 0 && printed.length < steps.length ? ["it ended before its last example"] : []),
    ];
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function run(folder: string, steps: readonly Step[], env: NodeJS.ProcessEnv) {
  const lines = steps.map(({ block: { language, text, line } }, n) => {
    const runner = runners[language];
    if (!runner) throw new Error(`Nobody knows how to run ${language}, in line ${line}.`);
    const file = join(folder, `${n}.${language}`);
    writeFileSync(file, text);
    return `exec >${join(folder, `${n}.out`)}\n${runner(file)}`;
  });
  // What one block has found out is there for the next, whatever its language.
  const script = ["set -euo pipefail", "set -o allexport", ...lines].join("\n");
  const shell = spawn("bash", ["-c", script], { env, stdio: ["ignore", "ignore", "pipe"] });
  let said = "";
  shell.stderr.on("data", (text) => {
    said = (said + text).slice(-2_000);
  });
  const [code] = await once(shell, "close");
  return { code, said };
}

function complaints({ block, answers }: Step, printed: string): string[] {
  const at = `line ${block.line} prints ${printed.slice(0, 1_000)}`;
  const value = parsed(printed);
  if (answers !== undefined) return fits(answers, value) ? [] : [`${at}, which is not what the page says`];
  const { status, code, errors } = (value ?? {}) as { status?: unknown; code?: unknown; errors?: unknown };
  return (Number(status) >= 400 && code) || errors ? [`${at}, a refusal that the page does not speak of`] : [];
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Whether a value has at least what is wanted. */
function fits(wanted: unknown, given: unknown): boolean {
  if (wanted === "…") return given !== undefined && given !== null;
  if (typeof wanted !== "object" || wanted === null) return wanted === given;
  if (typeof given !== "object" || given === null) return false;
  if (Array.isArray(wanted))
    return Array.isArray(given) && wanted.length === given.length && wanted.every((item, n) => fits(item, given[n]));
  return Object.entries(wanted).every(([key, item]) => fits(item, (given as Record<string, unknown>)[key]));
}
