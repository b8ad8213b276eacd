import { writeFileSync } from "node:fs";
import { chart, colours } from "../chart.ts";

/**
 * Draws what bench/peers.md says, each figure as a part of the floor of its own hour.
 *
 *   node bench/peers/chart.ts docs/peers.svg
 */
type Figures = Record<string, [perSecond: number, floor: number]>;
const figures: Record<string, Figures> = {
  "list: 20 of 1,000 products": {
    Lonja: [27_300, 48_600],
    "Vendure, PostgreSQL": [4, 1_600],
    "Vendure, SQLite": [13, 9_400],
    Medusa: [11, 28_400],
  },
  "get: one of 1,000 products": {
    Lonja: [44_500, 52_100],
    "Vendure, PostgreSQL": [108, 25_600],
    "Vendure, SQLite": [49, 9_400],
    Medusa: [19, 28_400],
  },
  "buy: a complete purchase": {
    Lonja: [377, 54_100],
    "Vendure, PostgreSQL": [4.4, 25_600],
    "Vendure, SQLite": [1.8, 24_300],
    "Vendure, SQLite, no jobs": [8.4, 31_300],
    Medusa: [0.6, 16_700],
  },
};
const MILLION = 1_000_000;

const [path] = process.argv.slice(2);
if (!path) throw new Error("where to?");
const groups = Object.entries(figures).map(([title, peers]) => ({
  title,
  bars: Object.entries(peers).map(([label, [perSecond, floor]]) => ({
    label,
    value: (perSecond / floor) * MILLION,
    colour: label === "Lonja" ? colours.ours : colours.theirs,
  })),
}));
const foot =
  "One core for shop and database, November 2026. Each step is ten times the one before; bench/peers.md says how.";
writeFileSync(path, chart("While a server that does nothing answers a million times", groups, { isLog: true, foot }));
