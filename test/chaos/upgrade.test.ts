import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { jest } from "@jest/globals";
import { rollBetween, type Step } from "../../chaos/rolling.ts";
import { needNats } from "../servers/nats.ts";
import { needPostgres } from "../servers/postgres.ts";
import { describeWith, ours } from "../servers/server.ts";

jest.setTimeout(240_000);

const HERE = join(import.meta.dirname, "../..");
const needs = [needNats, needPostgres, ours("LONJA_TEST_NATS_URL", "LONJA_TEST_POSTGRES_URL")];

describeWith(needs, "a shop whose nodes are exchanged while people buy", () => {
  test("goes on as if nothing had been", async () => {
    const steps: Step[] = [];
    const services = ["orders", "gateway"] as const;
    const wrong = await rollBetween({ other: { folder: HERE }, services, onStep: (step) => steps.push(step) });
    expect(wrong).toEqual([]);
    expect(steps.flatMap(({ failures }) => failures)).toEqual([]);
    expect(steps.map(({ to, service }) => `${service} of ${to}`)).toEqual([
      "orders of this",
      "gateway of this",
      "orders of other",
      "gateway of other",
      "orders of this",
      "gateway of this",
    ]);
    expect(Math.min(...steps.map(({ purchases }) => purchases))).toBeGreaterThanOrEqual(30);
  });

  test("by ones that drop what they have begun is found out", async () => {
    const steps: Step[] = [];
    const rude = { env: { NODE_OPTIONS: `--import=${join(import.meta.dirname, "broken/leaves-at-once.ts")}` } };
    const wrong = await rollBetween({ other: rude, services: ["gateway"], onStep: (step) => steps.push(step) });
    expect(wrong).toEqual([]);
    expect(steps.flatMap(({ failures }) => failures)).not.toEqual([]);
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
