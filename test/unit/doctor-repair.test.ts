import type { Finding, Report } from "../../services/doctor/doctor.contract.ts";
import { begun, type KeptRepair, seen } from "../../services/doctor/repair.ts";

const finding = (id: string): Finding => ({
  about: [id],
  found: "nobody takes it up",
  expected: "somebody",
  remedy: null,
});
const remedy = { action: "orders.wake" as const, params: { id: "ord_1" } };
const asked: KeptRepair = {
  ...begun({ ...finding("ord_1"), check: "order_process", remedy }, { id: "rep_1", at: "", by: "usr_1" }),
  version: 1,
};

/** What an examination says that came after it. */
const report = (check: { ok: boolean; found: number; findings: Finding[] }): Report => ({
  ok: check.ok,
  checks: [{ name: "order_process", detail: "", examined: 9, advice: null, ...check }],
  startedAt: "",
  endedAt: "",
});
const outcome = (check: { ok: boolean; found: number; findings: Finding[] }) => seen(asked, report(check)).outcome;

describe("a repair", () => {
  test("has come off where what was found is found no more", () => {
    expect(outcome({ ok: true, found: 0, findings: [] })).toBe("repaired");
    expect(outcome({ ok: false, found: 1, findings: [finding("ord_2")] })).toBe("repaired");
  });

  test("has not where it is found again", () => {
    expect(outcome({ ok: false, found: 1, findings: [finding("ord_1")] })).toBe("still_wrong");
  });

  test("is not said to have come off where it may be among what is not listed, or was not looked at", () => {
    expect(outcome({ ok: false, found: 2, findings: [finding("ord_2")] })).toBe("asked");
    expect(outcome({ ok: false, found: 0, findings: [] })).toBe("asked");
  });
});
