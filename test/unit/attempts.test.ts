import { type Attempts, countersOf, failed, refuseTooMany } from "../../services/users/attempts.ts";

const at = (ms: number) => new Date(Date.parse("2026-01-01T00:00:00.000Z") + ms).toISOString();
const counter = { id: "login:account:eva@lonja.test", free: 3, forgiveMs: 60_000 };

/** Fails as often as it may for as long as it lasts, and gives the moments of the failures. */
function failAsOftenAsPossible(lastsMs: number): number[] {
  const times: number[] = [];
  let attempts: Attempts | undefined;
  for (let ms = 0; ms < lastsMs; ms += 1000) {
    try {
      attempts = failed(attempts, counter, at(ms));
      times.push(ms);
    } catch {
      // Has to wait.
    }
  }
  return times;
}

describe("attempts", () => {
  test("the first failures are free, then the wait doubles", () => {
    const times = failAsOftenAsPossible(120_000).slice(0, 8);
    const pauses = times.map((time, index) => time - (times[index - 1] ?? 0)).slice(1);

    expect(pauses).toEqual([1000, 1000, 1000, 2000, 4000, 8000, 16_000]);
  });

  test("whoever never gives up gets about one try per time of forgiving, and is never locked out", () => {
    const times = failAsOftenAsPossible(3_600_000);
    const pauses = times.map((time, index) => time - (times[index - 1] ?? 0));

    expect(times.length).toBeGreaterThan(60);
    expect(times.length).toBeLessThan(60 + 15);
    expect(Math.max(...pauses)).toBeLessThanOrEqual(128_000);
  });

  test("a try that comes too early is told how long to wait, and does not make the wait longer", () => {
    let attempts: Attempts | undefined;
    for (let n = 0; n < 3; n++) attempts = failed(attempts, counter, at(0));
    const tooEarly = () => failed(attempts, counter, at(100));

    expect(tooEarly).toThrow(expect.objectContaining({ type: "too_many_requests", data: { retryAfterSeconds: 1 } }));
    expect(() => refuseTooMany(attempts, counter, at(1000))).not.toThrow();
  });

  test("failures are forgiven one by one, and forgotten in the end", () => {
    let attempts: Attempts | undefined;
    for (let n = 0; n < 3; n++) attempts = failed(attempts, counter, at(0));

    expect(attempts?.dueAt).toBe(at(180_000));
    expect(failed(attempts, counter, at(60_000)).failures).toBe(3);
    expect(failed(attempts, counter, at(600_000)).failures).toBe(1);
  });

  test("an account and a client address are counted apart, and so is each deed", () => {
    const ids = (deed: "login" | "register" | "refresh") =>
      countersOf(deed, { account: "eva@lonja.test", address: "10.0.0.1" }).map(({ id }) => id);

    expect(ids("login")).toEqual(["login:account:eva@lonja.test", "login:address:10.0.0.1"]);
    expect(ids("refresh")).toEqual(["refresh:address:10.0.0.1"]);
    expect(countersOf("login", {})).toEqual([]);
  });
});
