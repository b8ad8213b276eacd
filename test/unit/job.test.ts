import { advanced, dropped, finished, type Job, LostJob, newJob, postponed, take } from "../../services/catalog/job.ts";

const at = (seconds: number) => new Date(Date.UTC(2026, 0, 1) + seconds * 1000).toISOString();
const fresh: Job = { ...newJob("imp_000000000001", { parts: 2, at: at(0), dueAt: at(0) }), version: 1 };
const taken = take(fresh, "one", at(0), at(15));
const progress = { imported: 2, skipped: 1, errors: [{ row: 3, message: "no" }] };

describe("an import", () => {
  test("is worked on by one run at a time", () => {
    expect(taken).toMatchObject({ status: "running", runner: "one", dueAt: at(15) });
    expect(take(taken, "two", at(14), at(30))).toBe(taken);
    expect(take(taken, "two", at(15), at(30))).toMatchObject({ runner: "two" });
  });

  test("who has lost it to another run cannot report any more", () => {
    const lost = take(taken, "two", at(15), at(30));
    expect(() => advanced(lost, "one", progress, at(40))).toThrow(LostJob);
    expect(() => finished(lost, "one", at(40))).toThrow(LostJob);
    expect(() => postponed(lost, "one", 0)).toThrow(LostJob);
  });

  test("counts what is settled, and keeps the first thousand errors", () => {
    const many = { imported: 0, skipped: 2000, errors: Array.from({ length: 2000 }, () => ({ row: 9, message: "x" })) };
    const job = advanced(advanced(taken, "one", progress, at(20)), "one", many, at(20));
    expect(job).toMatchObject({ imported: 2, skipped: 2001, settled: 2003 });
    expect(job.errors).toHaveLength(1000);
    expect(job.errors[0]).toEqual({ row: 3, message: "no" });
  });

  test("once finished it is over, and the reason of a failure is always told", () => {
    const full = { ...taken, errors: Array.from({ length: 1000 }, () => ({ row: 9, message: "x" })) };
    const failed = finished(full, "one", at(20), { row: 7, message: "broken" });
    expect(failed).toMatchObject({ status: "failed", finishedAt: at(20) });
    expect(failed.errors).toHaveLength(1000);
    expect(failed.errors.at(-1)).toEqual({ row: 7, message: "broken" });
    expect(take(failed, "two", at(99), at(100))).toBe(failed);
    expect(dropped(failed)).toMatchObject({ parts: 0, status: "failed" });
    expect(dropped(failed)).not.toHaveProperty("dueAt");
  });

  test("trouble makes pauses longer, progress makes them short again, and there is an end to it", () => {
    const now = Date.parse(at(0));
    const pauses: number[] = [];
    let job = taken;
    for (let n = 0; n < 10; n++) {
      job = postponed(job, "one", now, "inventory is away");
      pauses.push(Date.parse(job.dueAt ?? "") - now);
    }
    expect(pauses).toEqual(pauses.toSorted((a, b) => a - b));
    expect(pauses.at(-1)).toBe(30_000);
    expect(advanced(job, "one", progress, at(1)).troubles).toBe(0);
    for (let n = 0; job.status === "running" && n < 1000; n++) job = postponed(job, "one", now, "inventory is away");
    expect(job).toMatchObject({
      status: "failed",
      errors: [{ message: expect.stringContaining("inventory is away") }],
    });
  });

  test("a run that has to stop leaves it to the next at once", () => {
    expect(postponed(taken, "one", Date.parse(at(3)))).toMatchObject({ status: "running", dueAt: at(3), troubles: 0 });
  });
});
