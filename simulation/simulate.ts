import { availableParallelism } from "node:os";
import { parseArgs, styleText } from "node:util";
import { Worker } from "node:worker_threads";
import { breaks } from "./broken.ts";
import { report } from "./report.ts";
import { type Outcome, runSeed } from "./seed.ts";

const USAGE = `npm run simulate -- [--seeds 5000] [--from 1] [--workers 2]   that many seeds, one after the other
npm run simulate -- --seed 1234                               one seed, with all that happens in it
                    --clocks                                  each seed with clocks that are off by hours, and not one of twenty
                    --broken <name>                           with a part of the shop broken on purpose: ${Object.keys(breaks).join(", ")}`;
const MOST_FAILURES = 5;

const { values } = parseArgs({
  options: {
    seeds: { type: "string", default: "1000" },
    from: { type: "string", default: "1" },
    seed: { type: "string" },
    workers: { type: "string", default: String(Math.min(8, availableParallelism())) },
    broken: { type: "string" },
    clocks: { type: "boolean", default: false },
    help: { type: "boolean", default: false },
  },
});
const whole = (name: string, text: string): number => {
  if (/^\d{1,9}$/.test(text)) return Number(text);
  process.stderr.write(`--${name} ${text}: it is a whole number\n\n${USAGE}\n`);
  process.exit(2);
};

const { broken, clocks } = values;
if (values.help || (broken !== undefined && !breaks[broken])) {
  process.stdout.write(`${USAGE}\n`);
  process.exit(values.help ? 0 : 2);
}

const commandOf = (seed: number) =>
  `npm run simulate -- --seed ${seed}${clocks ? " --clocks" : ""}${broken ? ` --broken ${broken}` : ""}`;

/** One seed, recorded. */
async function one(seed: number): Promise<number> {
  const outcome = await runSeed(seed, {
    record: true,
    clocks,
    broken: broken === undefined ? undefined : breaks[broken],
  });
  process.stdout.write(outcome.violations.length ? report(outcome, commandOf(seed)) : `${passed(seed, outcome)}\n`);
  return outcome.violations.length ? 1 : 0;
}

function passed(seed: number, { orders, events, virtualMs, trace }: Outcome): string {
  const mark = styleText("green", "✓", { stream: process.stdout });
  return `${mark} seed ${seed}: ${orders} buyers, ${events} events, ${(virtualMs / 1000).toFixed(0)} s, trace ${trace.toString(16)}`;
}

/** Many seeds on all cores. Those that fail are run again and recorded, which changes nothing about them. */
async function many(): Promise<number> {
  const count = whole("seeds", values.seeds);
  const from = whole("from", values.from);
  const workers = Math.max(1, Math.min(count, whole("workers", values.workers)));
  const began = performance.now();
  const sum = { seeds: 0, orders: 0, events: 0, faults: 0 };
  const failed: number[] = [];
  const take = ({ seed, violations, orders, events, faults }: Outcome) => {
    sum.seeds++;
    sum.orders += orders;
    sum.events += events;
    for (const times of Object.values(faults)) sum.faults += times;
    if (violations.length) failed.push(seed);
    if (process.stdout.isTTY && sum.seeds % 20 === 0) progress(sum.seeds, count, failed.length, began);
  };
  await Promise.all(
    Array.from({ length: workers }, (_, n) => {
      const mine = Math.ceil((count - n) / workers);
      return run({ from: from + n, count: mine, step: workers, clocks, ...(broken ? { broken } : {}) }, take);
    }),
  );
  if (process.stdout.isTTY) process.stdout.write("\r\x1b[K");
  const seconds = (performance.now() - began) / 1000;
  for (const seed of failed.toSorted((a, b) => a - b).slice(0, MOST_FAILURES)) await one(seed);
  const verdict = failed.length
    ? styleText(["bold", "red"], `${failed.length} of ${sum.seeds} seeds failed: ${failed.slice(0, 20).join(", ")}`, {
        stream: process.stdout,
      })
    : styleText(["bold", "green"], `${sum.seeds} seeds, no violation`, { stream: process.stdout });
  const figures = `${sum.orders} buyers, ${sum.faults} faults, ${sum.events} events in ${seconds.toFixed(0)} s on ${workers} workers: ${Math.round((sum.seeds / seconds) * 60)} seeds a minute`;
  process.stdout.write(`${verdict}\n${figures}\n`);
  return failed.length || sum.seeds !== count ? 1 : 0;
}

function run(workerData: object, take: (outcome: Outcome) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(new URL("./worker.ts", import.meta.url), { workerData });
    worker.on("message", take);
    worker.on("error", reject);
    worker.on("exit", () => resolve());
  });
}

function progress(done: number, all: number, failed: number, began: number): void {
  const rate = Math.round((done / (performance.now() - began)) * 60_000);
  const bar = "█".repeat(Math.round((30 * done) / all)).padEnd(30, "░");
  process.stdout.write(`\r\x1b[K${bar} ${done} of ${all} seeds, ${rate} a minute${failed ? `, ${failed} failed` : ""}`);
}

process.exit(values.seed === undefined ? await many() : await one(whole("seed", values.seed)));
