import { parentPort, workerData } from "node:worker_threads";
import { breaks } from "./broken.ts";
import { runSeed } from "./seed.ts";

/** Every `step`th seed from the first one on, until the work is done or told to stop. */
interface Work {
  from: number;
  count: number;
  step: number;
  clocks: boolean;
  broken?: string;
}
const { from, count, step, clocks, broken } = workerData as Work;

// What fails on purpose needs no stack.
Error.stackTraceLimit = 0;
for (let seed = from; seed < from + count * step; seed += step) {
  const outcome = await runSeed(seed, { clocks, broken: broken === undefined ? undefined : breaks[broken] });
  parentPort?.postMessage(outcome);
  // Once in a while the outside world has its turn.
  await new Promise((resolve) => setImmediate(resolve));
}
