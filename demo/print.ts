import { STATUS_CODES } from "node:http";
import { styleText } from "node:util";
import { moneyWriter } from "../services/shared/money.ts";
import type { Money } from "../services/shared/schema.ts";

/** Colour, on a terminal that wants it. */
const style = (format: Parameters<typeof styleText>[0], text: string) =>
  styleText(format, text, { stream: process.stdout });
const strong = (text: string) => style("bold", text);
const faint = (text: string) => style("dim", text);
const good = (text: string) => style("green", text);
const bad = (text: string) => style("red", text);
const careful = (text: string) => style("yellow", text);

const WIDTH = 96;
const line = (text = "") => void process.stdout.write(`${text}\n`);
const indented = (text: string, by = "  ") => text.replace(/^/gm, by);

export function heading(title: string, says: string): void {
  line(`\n${style(["bold", "cyan"], title)}`);
  if (says) line(indented(wrapped(says)));
}

export const remark = (text: string): void => line(`  ${careful("→")} ${text}`);
export const success = (text: string): void => line(`  ${good("✓")} ${text}`);
export const left = (text: string): void => line(`  ${careful("–")} ${faint(text)}`);
export const failure = (text: string): void => void process.stderr.write(`\n${bad("✗")} ${text}\n`);

export function request(route: string, headers: Record<string, string>, body: unknown): void {
  line(`\n  ${strong(route)}`);
  for (const [name, value] of Object.entries(headers)) line(`  ${faint(`${name}: ${shortened(value, 60)}`)}`);
  if (body !== undefined) line(indented(json(body)));
}

export function answer(status: number, ms: number, headers: Record<string, string>, body: object): void {
  const told = `${status} ${STATUS_CODES[status] ?? ""}`;
  line(`  ${status < 300 ? good(told) : careful(told)} ${faint(`in ${Math.round(ms)} ms`)}`);
  for (const [name, value] of Object.entries(headers)) line(`  ${faint(`${name}: ${value}`)}`);
  if (body !== undefined && Object.keys(body).length > 0) line(indented(json(body)));
}

/** A table with a row for each record. Columns of figures are flush right. */
export function table(records: Record<string, string | number>[]): void {
  const names = Object.keys(records[0] ?? {});
  const columns = names.map((name) => {
    const cells = [name, ...records.map((record) => String(record[name] ?? ""))];
    const width = Math.max(...cells.map(({ length }) => length));
    const isFigures = cells.slice(1).every((cell) => /^([^\p{L}]*|[A-Z]{3}.[\d.,]+)$/u.test(cell)) && name !== "at";
    return cells.map((cell) => (isFigures ? cell.padStart(width) : cell.padEnd(width)));
  });
  line();
  for (let row = 0; row <= records.length; row++) {
    const text = columns
      .map((cells) => cells[row])
      .join("   ")
      .trimEnd();
    line(`  ${row === 0 ? faint(text) : text}`);
  }
}

/** A sheet of paper. A second text in a row stands at the right edge. */
export function sheet(rows: string[][], width = 72): void {
  line(`\n  ┌${"─".repeat(width + 2)}┐`);
  for (const [text = "", end = ""] of rows) {
    const start = shortened(text, width - end.length - 1);
    line(`  │ ${start}${end.padStart(width - start.length)} │`);
  }
  line(`  └${"─".repeat(width + 2)}┘`);
}

export const price = (money: Money): string => moneyWriter(money.currency)(money);

/** The time of day of an ISO time. */
export const time = (at: string): string => at.slice(11, 23);

export const shortened = (text: string, length: number): string =>
  text.length > length ? `${text.slice(0, Math.max(0, length - 1))}…` : text;

/** The parts of an answer that matter here, by their paths, such as `totals.total`. */
export function parts(value: unknown, paths: readonly string[]): object {
  const picked: Record<string, unknown> = {};
  for (const path of paths) {
    const names = path.split(".");
    const last = names.pop() ?? "";
    let from = value as Record<string, unknown> | undefined;
    let to = picked;
    for (const name of names) {
      from = from?.[name] as Record<string, unknown> | undefined;
      to = (to[name] ??= {}) as Record<string, unknown>;
    }
    if (from?.[last] !== undefined) to[last] = from[last];
  }
  return picked;
}

/** JSON for people: what fits on a line stays on it. */
function json(value: unknown, indent = ""): string {
  if (typeof value === "string") return JSON.stringify(shortened(value, WIDTH - 20));
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  const deeper = `${indent}  `;
  const isList = Array.isArray(value);
  const [open, close] = isList ? "[]" : "{}";
  const inside = Object.entries(isList ? few(value) : value).map(
    ([name, item]) => `${isList ? "" : `"${name}": `}${json(item, deeper)}`,
  );
  if (inside.length === 0) return `${open}${close}`;
  const flat = `${open} ${inside.join(", ")} ${close}`;
  if (!flat.includes("\n") && indent.length + flat.length <= WIDTH) return flat;
  return `${open}\n${inside.map((item) => deeper + item).join(",\n")}\n${indent}${close}`;
}

const few = (list: unknown[]) => (list.length > 4 ? [...list.slice(0, 3), `… and ${list.length - 3} more`] : list);

const wrapped = (text: string): string => text.replace(/(.{1,92})(?: |$)/g, "$1\n").trimEnd();
