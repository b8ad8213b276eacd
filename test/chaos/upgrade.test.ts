import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { jest } from "@jest/globals";
import { rollBetween, type Step, type Version } from "../../chaos/rolling.ts";
import type { ServiceName } from "../../services/contracts.ts";
import type { Failure } from "../buyers.ts";
import { needNats } from "../servers/nats.ts";
import { needPostgres } from "../servers/postgres.ts";
import { describeWith, ours } from "../servers/server.ts";

jest.setTimeout(580_000);

const HERE = join(import.meta.dirname, "../..");
const needs = [needNats, needPostgres, ours("LONJA_TEST_NATS_URL", "LONJA_TEST_POSTGRES_URL")];

/** Somebody has asked for something and got no answer. */
const isLeftWithout = ({ what, why }: Failure) => what.startsWith("POST") && /SOCKET|ECONNRESET/.test(why);

describeWith(needs, "a shop whose nodes are exchanged while people buy", () => {
  let steps: Step[];
  let isOver: AbortController;
  let rolled: Promise<string[]> | undefined;
  beforeEach(() => {
    steps = [];
    isOver = new AbortController();
  });
  // Whatever has become of the test.
  afterEach(async () => {
    isOver.abort();
    await rolled?.catch(() => {});
  });
  const roll = (other: Version, ...services: ServiceName[]) => {
    rolled = rollBetween({ other, services, onStep: (step) => steps.push(step), signal: isOver.signal });
    return rolled;
  };

  test("goes on as if nothing had been", async () => {
    expect(await roll({ folder: HERE }, "orders", "gateway")).toEqual([]);
    expect(steps.flatMap(({ failures }) => failures)).toEqual([]);
    expect(steps.map(({ to, service }) => `${service} of ${to}`)).toEqual([
      "orders of this",
      "gateway of this",
      "orders of other",
      "gateway of other",
      "orders of this",
      "gateway of this",
    ]);
    expect(Math.min(...steps.map(({ confirmed }) => confirmed))).toBeGreaterThan(10);
  });

  test("by ones that drop what they have begun is found out", async () => {
    const rude = { env: { NODE_OPTIONS: `--import=${join(import.meta.dirname, "broken/leaves-at-once.ts")}` } };
    expect(await roll(rude, "gateway")).toEqual([]);
    expect(steps.map(({ to, failures }) => [to, failures.some(isLeftWithout)])).toEqual([
      ["this", true],
      ["other", false],
      ["this", true],
    ]);
  });
});

test.each([
  [[], /^npm run upgrade -- FOLDER/],
  [["/nowhere"], /^There is no Lonja in \/nowhere\.\n$/],
  [[HERE, "--only", "orders,shipping"], /^There is no service "shipping"\. There are users, /],
  [[HERE, "--twice"], /^Unknown option '--twice'/],
])("what it cannot do is said: %j", (words, message) => {
  const { status, stderr } = spawnSync(process.execPath, ["chaos/upgrade.ts", ...words], {
    cwd: HERE,
    encoding: "utf8",
  });
  expect([status, stderr]).toEqual([2, expect.stringMatching(message)]);
});
