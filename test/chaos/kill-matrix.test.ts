import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { jest } from "@jest/globals";
import { killMatrix, type Matrix } from "../../chaos/matrix.ts";
import { needNats, startNats } from "../servers/nats.ts";
import { needPostgres, newDatabase, startPostgres } from "../servers/postgres.ts";
import { type BreakableServer, describeWith } from "../servers/server.ts";

const LANES = 7;
const TIMES = 2;
const MOST_MS = 1_200_000;
/** Half of what a purchase was seen to pass. A recording of nothing is no proof. */
const FEWEST_POINTS = 40;

jest.setTimeout(MOST_MS);

const places = (stops: readonly { by: string }[]) => [...new Set(stops.map(({ by }) => by))].toSorted();

function say({ stops, killings }: Matrix): void {
  const [slowest] = killings.toSorted((a, b) => b.finalAfterMs - a.finalAfterMs);
  const kills = killings.filter(({ died }) => died).length;
  process.stderr.write(
    `${kills} kills at ${stops.length} points; the slowest order was final ${Math.round(slowest?.finalAfterMs ?? 0)} ms after the restart (${slowest?.stop.by} at ${slowest?.stop.point})\n`,
  );
}

function expectPromiseKept(matrix: Matrix, times: number): void {
  const { stops, killings, wrong } = matrix;
  say(matrix);
  expect(wrong).toEqual([]);
  const always = stops.filter((stop) => stop.always).length;
  expect(always).toBeGreaterThan(FEWEST_POINTS);
  expect(killings.filter(({ died }) => died).length).toBeGreaterThanOrEqual(times * always);
}

describeWith([needNats, needPostgres], "kill -9 of every node at every point that a purchase passes, twice", () => {
  let nats: BreakableServer;
  let postgres: BreakableServer;
  let logs: string;

  beforeAll(async () => {
    [nats, postgres] = await Promise.all([startNats(), startPostgres()]);
    logs = mkdtempSync(join(tmpdir(), "lonja-matrix-"));
  });
  afterAll(async () => {
    await Promise.all([nats?.stop(), postgres?.stop()]);
    rmSync(logs, { recursive: true, force: true });
  });

  test("in a cluster: the order is final within 15 s of the restart, its key says the same, the books agree", async () => {
    const shops = await Promise.all(
      Array.from({ length: LANES }, async (_, n) => {
        const db = { url: await newDatabase(postgres, `matrix_${n}`) };
        return {
          store: "postgres",
          bus: "nats",
          nodes: 1,
          servers: { nats, db },
          logs: join(logs, String(n)),
        } as const;
      }),
    );
    const matrix = await killMatrix(shops, TIMES);
    expectPromiseKept(matrix, TIMES);
    expect(places(matrix.stops)).toEqual([
      "catalog",
      "gateway",
      "inventory",
      "notifications",
      "orders",
      "payments",
      "sandbox",
    ]);
  });
});

/** It is the same code as the cluster's, and takes minutes: not with every change. */
const atNight = process.env.LONJA_TEST_NIGHT ? describe : describe.skip;

atNight("kill -9 of a shop in one process at every point that a purchase passes", () => {
  let logs: string;
  beforeAll(() => {
    logs = mkdtempSync(join(tmpdir(), "lonja-matrix-"));
  });
  afterAll(() => rmSync(logs, { recursive: true, force: true }));

  test("the order is final within 15 s of the restart, its key says the same, the books agree", async () => {
    const shops = Array.from({ length: LANES }, (_, n) => {
      return { store: "sqlite", bus: "tcp", nodes: 1, servers: {}, logs: join(logs, String(n)) } as const;
    });
    expectPromiseKept(await killMatrix(shops, 1), 1);
  });
});
