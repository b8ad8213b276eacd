import { globSync, readFileSync } from "node:fs";

const forbidden =
  /\bDate\.now\(|\bnew Date\(\)|\bMath\.random\(|(?<!\.)\bset(Timeout|Interval|Immediate)\(|\bnextTick\(|\bqueueMicrotask\(|AbortSignal\.timeout\(|\brandom(UUID|Bytes|Int)\(|process\.env\b|performance\.now\(/;
/** Where the outside world begins, nothing is simulated: there, what is at work may let others have a turn. */
const outside = /\.edge\.ts$|^mixins\/sqlite\.file\.ts$/;
const givesTurns = /\bsetImmediate\(/;

/** The world is the one source of time; the pulse is that of the process and not of the shop. */
const mayAsk = ["services/shared/world.ts", "services/shared/pulse.ts"];

describe("time, chance, ids and the environment come from one source", () => {
  const sources = [...globSync("services/**/*.ts"), ...globSync("mixins/**/*.ts")].filter(
    (path) => !mayAsk.includes(path),
  );

  test.each(sources)("%s", (path) => {
    const offending = readFileSync(path, "utf8")
      .split("\n")
      .filter((line) => forbidden.test(line) && !/^\s*(\*|\/\/)/.test(line))
      .filter((line) => !(outside.test(path) && givesTurns.test(line)));
    expect(offending).toEqual([]);
  });
});
