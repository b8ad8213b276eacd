import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { jest } from "@jest/globals";
import { flashSale } from "../../chaos/flash.ts";
import { needNats } from "../servers/nats.ts";
import { needPostgres } from "../servers/postgres.ts";
import { describeWith } from "../servers/server.ts";

/** In CI a sale of two fifths of the size; `npm run bench:flash` has 10,000 buyers for 500 units. */
const BUYERS = 4_000;
const UNITS = 200;

jest.setTimeout(580_000);

describeWith(
  [needNats, needPostgres],
  `${BUYERS} buyers for ${UNITS} units, at two gateways and two inventory nodes`,
  () => {
    let logs: string;
    beforeAll(() => {
      logs = mkdtempSync(join(tmpdir(), "lonja-flash-"));
    });
    afterAll(() => rmSync(logs, { recursive: true, force: true }));

    test("of which one is killed in the middle: exactly as many as there were are sold, and everybody else is told so", async () => {
      const shop = { store: "postgres", bus: "nats", nodes: 1, logs } as const;
      const sold = await flashSale(shop, { buyers: BUYERS, units: UNITS, atOnce: 500 });
      process.stderr.write(`${JSON.stringify(sold)}\n`);

      expect(sold).toMatchObject({ confirmed: UNITS, soldOut: BUYERS - UNITS, others: {}, wrong: [] });
      expect(sold.killed).toMatch(/^inventory-/);
      expect(sold.confirmedAtKill).toBeLessThan(UNITS);
    });
  },
);
