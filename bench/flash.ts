import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { flashSale } from "../chaos/flash.ts";
import { bad, facts, good, line, strong } from "../terminal.ts";

/**
 * Many buyers for few units, across two gateways and two inventory nodes on NATS and PostgreSQL, one of which is
 * killed in the middle.
 *
 *   npm run bench:flash -- [buyers=10000] [units=500] [atOnce=500]
 */
const [buyers = 10_000, units = 500, atOnce = 500] = process.argv.slice(2).map(Number);
const logs = mkdtempSync(join(tmpdir(), "lonja-flash-"));
line(`  ${strong("flash sale")}: ${buyers} buyers for ${units} units, ${atOnce} at the doors at once`);
const sold = await flashSale({ store: "postgres", bus: "nats", nodes: 1, logs }, { buyers, units, atOnce });
const counted = (record: Record<string, number>) =>
  Object.entries(record)
    .map(([what, count]) => `${count} × ${what}`)
    .join(", ") || "nothing";
facts({
  confirmed: String(sold.confirmed),
  "sold out": String(sold.soldOut),
  others: counted(sold.others),
  "asked again": counted(sold.notServed),
  killed: `${sold.killed}, when ${sold.confirmedAtKill} had one`,
  took: `${(sold.tookMs / 1_000).toFixed(1)} s, ${Math.round((1_000 * buyers) / sold.tookMs)} buyers a second`,
});
line();
for (const text of sold.wrong) line(`  ${bad("✗")} ${text}`);
const ok = sold.confirmed === units && sold.soldOut === buyers - units && sold.wrong.length === 0;
line(
  `  ${ok ? good("✓ exactly as many as there were, paid, and everybody else was told so") : bad("✗ not as it should be")}`,
);
process.exit(ok ? 0 : 1);
