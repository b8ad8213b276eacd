import { STATUS_CODES } from "node:http";
import { careful, faint, good, indented, line, shortened, strong, style } from "../terminal.ts";

export { failure, price, remark, shortened, success, table, time } from "../terminal.ts";

const WIDTH = 96;

export function heading(title: string, says: string): void {
  line(`\n${style(["bold", "cyan"], title)}`);
  if (says) line(indented(wrapped(says)));
}

export const left = (text: string): void => line(`  ${careful("–")} ${faint(text)}`);

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

/** A sheet of paper. A second text in a row stands at the right edge. */
export function sheet(rows: string[][], width = 72): void {
  line(`\n  ┌${"─".repeat(width + 2)}┐`);
  for (const [text = "", end = ""] of rows) {
    const start = shortened(text, width - end.length - 1);
    line(`  │ ${start}${end.padStart(width - start.length)} │`);
  }
  line(`  └${"─".repeat(width + 2)}┘`);
}

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
