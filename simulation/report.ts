import { styleText } from "node:util";
import type { Happening, Outcome } from "./seed.ts";

const MOST_VIOLATIONS = 12;
const LONGEST_TIMELINE = 120;

type Style = Parameters<typeof styleText>[0];
const paint = (style: Style, text: string): string => styleText(style, text, { stream: process.stdout });

/** Everything that somebody needs who has to find out why a seed failed. */
export function report(outcome: Outcome, command: string): string {
  const { seed, violations, faults, orders, virtualMs } = outcome;
  const shown = violations.slice(0, MOST_VIOLATIONS);
  const wide = Math.max(...shown.map(({ about }) => about.length));
  return [
    "",
    `${paint(["bold", "red"], `✗ seed ${seed}`)}  ${orders} buyers, ${(virtualMs / 1000).toFixed(0)} s; ${listed(faults)}`,
    "",
    ...shown.map(({ what, about }) => `  ${paint("bold", about.padEnd(wide))}  ${what}`),
    ...(violations.length > shown.length ? [`  and ${violations.length - shown.length} more`] : []),
    "",
    ...timeline(outcome),
    `  ${paint("dim", "again, with all of it:")}  ${command}`,
    "",
  ].join("\n");
}

/** What happened to the subject of the first violation. */
function timeline({ violations, happenings, relatives }: Outcome): string[] {
  const [first] = violations;
  const names = relatives[0] ?? [];
  if (!first || happenings.length === 0) return [];
  const mine = happenings.filter((one) => names.some((name) => one.about.includes(name)));
  const nodes = new Set(mine.map(({ where }) => where));
  const told = happenings.filter((one) => mine.includes(one) || (one.about === "" && nodes.has(one.where)));
  const shown = told.length > LONGEST_TIMELINE ? told.slice(-LONGEST_TIMELINE) : told;
  return [
    `  ${paint("underline", `what happened to ${first.about}`)}${shown.length < told.length ? `, the last ${shown.length} of ${told.length} lines` : ""}`,
    "",
    ...shown.map(line),
    "",
  ];
}

function line({ atMs, where, text }: Happening): string {
  const at = `${(atMs / 1000).toFixed(4)} s`.padStart(13);
  const isBad = /\(\w+\)|dies|is told to stop|no answer|nobody is there|store is away/.test(text);
  return `  ${paint("dim", at)}  ${paint("cyan", where.padEnd(16))}  ${isBad ? paint("yellow", text) : text}`;
}

const listed = (faults: Readonly<Record<string, number>>): string =>
  Object.entries(faults)
    .toSorted(([, a], [, b]) => b - a)
    .map(([fault, times]) => `${fault} ${times}`)
    .join(", ") || "no faults";
