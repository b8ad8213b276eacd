import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { jest } from "@jest/globals";
import { type Options, optionsOf } from "../../chaos/options.ts";
import { type Outcome, Run } from "../../chaos/run.ts";
import { showOn } from "../../chaos/screen.ts";
import { needNats } from "../servers/nats.ts";
import { needPostgres } from "../servers/postgres.ts";
import { describeWith, ours } from "../servers/server.ts";

jest.setTimeout(240_000);

const BROKEN = join(import.meta.dirname, "broken");
const quiet = { words: () => {}, follow: () => {}, end: () => {} };
const show = process.env.LONJA_TEST_LOGS ? showOn(process.stdout) : quiet;
const tests: string[] = [];

/** A short run, with the words that an operator would use. */
async function run(words: string, preload?: string): Promise<{ outcome: Outcome; options: Options }> {
  const folder = mkdtempSync(join(tmpdir(), "lonja-chaos-test-"));
  tests.push(folder);
  const options = optionsOf(words.split(" "), 0);
  const outcome = await Run.all(options, show, {
    logs: join(folder, "logs"),
    notes: join(folder, "notes.ndjson"),
    ...(preload ? { preload: [join(BROKEN, preload)], tidyMs: 6_000 } : {}),
  });
  process.stderr.write(
    `chaos -- ${words}${preload ? ` (${preload})` : ""}: ${outcome.purchases} purchases, ${outcome.happened.length} faults, final after ${Math.round(outcome.finalAfterMs)} ms\n`,
  );
  return { outcome, options };
}
const worked = ({ happened }: Outcome) => happened.filter(({ failed }) => failed === undefined);
const wrongOf = ({ checks }: Outcome) => checks.flatMap(({ wrong }) => wrong);

afterAll(() => {
  for (const folder of tests) rmSync(folder, { recursive: true, force: true });
});

describe("a shop in one process, killed, frozen and with its clock put wrong", () => {
  test("keeps its promise", async () => {
    const { outcome } = await run("--minutes 0.4 --seed 11 --pace 6 --store sqlite");
    expect(wrongOf(outcome)).toEqual([]);
    expect(outcome.ok).toBe(true);
    expect(outcome.told["201 confirmed"]).toBeGreaterThan(10);
    expect(worked(outcome).length).toBeGreaterThan(2);
  });

  test("that takes money before it holds stock is found out by those who were told that there is nothing left", async () => {
    const { outcome } = await run(
      "--minutes 0.2 --seed 12 --pace 20 --store sqlite --only provider",
      "capture-before-hold.ts",
    );
    expect(outcome.ok).toBe(false);
    expect(wrongOf(outcome).join("\n")).toMatch(/was told that there is not enough, and \d+ were taken/);
  });
});

const needs = [needNats, needPostgres, ours("LONJA_TEST_NATS_URL", "LONJA_TEST_POSTGRES_URL")];
describeWith(needs, "a cluster on NATS and PostgreSQL, with everything that can go wrong", () => {
  test("keeps its promise", async () => {
    const { outcome } = await run("--minutes 0.4 --seed 13 --pace 5 --nodes 1");
    expect(wrongOf(outcome)).toEqual([]);
    expect(outcome.ok).toBe(true);
    expect(outcome.told["201 confirmed"]).toBeGreaterThan(10);
    expect(worked(outcome).length).toBeGreaterThan(4);
  });

  test("that does not know what it has heard before is found out by its books", async () => {
    const { outcome } = await run("--minutes 0.25 --seed 14 --pace 10 --nodes 1 --only bus", "no-inbox.ts");
    expect(outcome.ok).toBe(false);
    // The books say so, or doctor.
    const found =
      /confirmations of ord_\w+: 2, not 1|ord_\w+: 2 confirmations, not 1|movements of [\w-]+: \d+, not \d+/;
    expect(wrongOf(outcome).join("\n")).toMatch(found);
  });
});
