import { styleText } from "node:util";
import { moneyWriter } from "./services/shared/money.ts";
import type { Money } from "./services/shared/schema.ts";

/** How Lonja writes for people: the demo and the REPL. Colour, on a terminal that wants it. */
export const style = (format: Parameters<typeof styleText>[0], text: string): string =>
  styleText(format, text, { stream: process.stdout });
export const strong = (text: string): string => style("bold", text);
export const faint = (text: string): string => style("dim", text);
export const good = (text: string): string => style("green", text);
export const bad = (text: string): string => style("red", text);
export const careful = (text: string): string => style("yellow", text);

export const line = (text = ""): void => void process.stdout.write(`${text}\n`);
export const indented = (text: string, by = "  "): string => text.replace(/^/gm, by);

export const remark = (text: string): void => line(`  ${careful("→")} ${text}`);
export const success = (text: string): void => line(`  ${good("✓")} ${text}`);
export const failure = (text: string): void => void process.stderr.write(`\n${bad("✗")} ${text}\n`);

/** A table with a row for each record. Columns of figures are flush right. */
export function table(records: Record<string, string | number>[]): void {
  const names = Object.keys(records[0] ?? {});
  const columns = names.map((name) => {
    const cells = [name, ...records.map((record) => plain(record[name] ?? ""))];
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

/** What is known of one thing, a line each. What is undefined is left out. */
export function facts(known: Record<string, string | undefined>): void {
  const told = Object.entries(known).flatMap(([name, value]) => (value === undefined ? [] : [[name, value] as const]));
  const width = Math.max(...told.map(([name]) => name.length));
  line();
  for (const [name, value] of told) line(`  ${faint(name.padEnd(width))}   ${plain(value)}`);
}

/** What others have written does not move the cursor. */
const plain = (text: string | number): string => String(text).replace(/[\u0000-\u001f\u007f-\u009f]/g, " ");

export const price = (money: Money): string => moneyWriter(money.currency)(money);

/** The time of day of an ISO time. */
export const time = (at: string): string => at.slice(11, 23);

/** Date and time of an ISO time, to the second. */
export const moment = (at: string): string => at.slice(0, 19).replace("T", " ");

const units = [
  ["d", 86_400_000],
  ["h", 3_600_000],
  ["min", 60_000],
  ["s", 1_000],
] as const;

/** How long something takes, in the largest unit that fits: 250 ms, 3 s, 12 min. */
export function duration(ms: number): string {
  const [unit, size] = units.find(([, size]) => ms >= size) ?? ["ms", 1];
  return `${Math.max(0, Math.floor(ms / size))} ${unit}`;
}

export const shortened = (text: string, length: number): string =>
  text.length > length ? `${text.slice(0, Math.max(0, length - 1))}…` : text;
