import { parseArgs } from "node:util";

export const stores = ["sqlite", "postgres", "mongodb"] as const;
export const buses = ["nats", "tcp"] as const;
/** What can go wrong, and what `--only` may name. */
export const families = ["kill", "term", "freeze", "stall", "clock", "nats", "db", "provider", "bus", "disk"] as const;
export type Family = (typeof families)[number];

export interface Options {
  minutes: number;
  seed: number;
  store: (typeof stores)[number];
  bus: (typeof buses)[number];
  /** How many processes of each service. With SQLite the whole shop is one process. */
  nodes: number;
  /** How many orders a second are begun when all is well. */
  pace: number;
  only: readonly Family[];
  /** Where the report goes, without its ending. */
  report: string;
}

export class UnusableOptions extends Error {
  override readonly name = "UnusableOptions";
}

const REPORT = "data/chaos/report";
export const usage = `npm run chaos -- [--minutes 10] [--seed N] [--store ${stores.join("|")}] [--bus ${buses.join("|")}] [--nodes 2]
                 [--pace 12] [--only ${families.join(",")}] [--report ${REPORT}]`;

const texts = {
  minutes: { type: "string" },
  seed: { type: "string" },
  store: { type: "string" },
  bus: { type: "string" },
  nodes: { type: "string" },
  pace: { type: "string" },
  only: { type: "string" },
  report: { type: "string" },
} as const;

/** What is asked for. What nobody has said is as in most shops; the seed is then the one that was drawn. */
export function optionsOf(args: readonly string[], drawnSeed: number): Options {
  const given = read(args);
  const number = (name: "minutes" | "seed" | "nodes" | "pace", fallback: number, from: number, to: number) => {
    const value = Number(given[name] ?? fallback);
    if (value >= from && value <= to && (name === "minutes" || name === "pace" || Number.isInteger(value)))
      return value;
    throw new UnusableOptions(`--${name} ${given[name]} cannot be used: it is a number from ${from} to ${to}.`);
  };
  const choice = <C extends string>(name: "store" | "bus", fallback: C, all: readonly C[]): C => {
    const value = all.find((one) => one === (given[name] ?? fallback));
    if (value) return value;
    throw new UnusableOptions(`--${name} ${given[name]} cannot be used: it is one of ${all.join(", ")}.`);
  };
  return {
    minutes: number("minutes", 10, 0.05, 24 * 60),
    seed: number("seed", drawnSeed, 0, 2 ** 32),
    store: choice("store", "postgres", stores),
    bus: choice("bus", "nats", buses),
    nodes: number("nodes", 2, 1, 10),
    pace: number("pace", 12, 0.1, 1_000),
    only: onlyOf(given.only),
    report: given.report ?? REPORT,
  };
}

function read(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], options: texts, strict: true, allowPositionals: false }).values;
  } catch (error) {
    throw new UnusableOptions(`${(error as Error).message.split("\n")[0]}\n${usage}`);
  }
}

function onlyOf(text: string | undefined): readonly Family[] {
  if (text === undefined) return families;
  const wanted = text.split(",").map((name) => name.trim());
  const wrong = wanted.find((name) => !families.some((family) => family === name));
  if (wrong !== undefined)
    throw new UnusableOptions(`--only ${text} cannot be used: it is a comma list of ${families.join(", ")}.`);
  return families.filter((family) => wanted.includes(family));
}

/** The command that does the same again. */
export function commandOf({ minutes, seed, store, bus, nodes, pace, only, report }: Options): string {
  const all = { minutes, seed, store, ...(store === "sqlite" ? {} : { bus, nodes }), pace };
  const words = Object.entries(all).map(([name, value]) => `--${name} ${value}`);
  const chosen = only.length < families.length ? [`--only ${only.join(",")}`] : [];
  return ["npm run chaos --", ...words, ...chosen, ...(report === REPORT ? [] : [`--report ${report}`])].join(" ");
}
