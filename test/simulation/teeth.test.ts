import { jest } from "@jest/globals";
import { breaks } from "../../simulation/broken.ts";
import { runSeed } from "../../simulation/seed.ts";

jest.setTimeout(300_000);
const MOST_SEEDS = 300;

describe("a shop that is broken on purpose is found out", () => {
  test.each(Object.keys(breaks))("%s", async (name) => {
    const found: string[] = [];
    let seeds = 0;
    while (found.length === 0 && seeds < MOST_SEEDS) {
      const { violations } = await runSeed(++seeds, { broken: breaks[name] });
      found.push(...violations.map(({ what }) => what));
    }
    expect(found).not.toEqual([]);
  });
});
