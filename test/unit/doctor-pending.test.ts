import { repaired, type Way } from "../../repl/doctor.ts";
import type { Repair, Report } from "../../services/doctor/doctor.contract.ts";
import { Refusal } from "../../services/shared/refusal.ts";

const newRepair = (n: number, outcome: Repair["outcome"]) => ({ id: `rep_${1_000 + n}`, outcome }) as Repair;
const report = { ok: true } as Report;

/** A doctor whose repairs take longer than a call, and are over when it was asked for its report `asked` times. */
function slowWay(count: number, asked: number): Way {
  const records = [newRepair(0, "repaired")];
  let reports = 0;
  return {
    async repairs(limit, cursor = "0") {
      const from = Number(cursor);
      const data = records.toReversed().slice(from, from + limit);
      const isLast = from + limit >= records.length;
      // Those that are looked at again and again are over at some time.
      if (++reports > asked) for (const record of records) record.outcome = "repaired";
      return { data, nextCursor: isLast ? null : String(from + limit) };
    },
    async repair() {
      for (let n = 1; n <= count; n++) records.push(newRepair(n, "asked"));
      return { repairs: [], report: null };
    },
    async examine() {
      if (++reports === 2) throw new Refusal("unavailable");
      return report;
    },
  };
}

describe("repairs that take longer than a call", () => {
  test("are shown when they have come to their end, all of them, and those of before are not", async () => {
    const { repairs, report: seen } = await repaired(slowWay(230, 3));
    expect(seen).toBe(report);
    expect(repairs.map(({ id }) => id)).toEqual(Array.from({ length: 230 }, (_, n) => `rep_${1_001 + n}`));
    expect(repairs.every(({ outcome }) => outcome === "repaired")).toBe(true);
  });
});
