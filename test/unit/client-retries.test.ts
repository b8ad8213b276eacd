import fc from "fast-check";
import { ConnectionError, Refusal, SignedOutError } from "../../sdk/src/errors.ts";
import type { RefusalCode } from "../../sdk/src/generated.ts";
import { happened, LONGEST_PAUSE_MS, mayRepeat, pauseAfter, retryAfterOf } from "../../sdk/src/retry.ts";
import { refusals } from "../../services/shared/refusal.ts";

const refused = (code: RefusalCode) =>
  new Refusal({ type: "", title: "", detail: "", requestId: "", status: refusals[code][0], code });
const passing: RefusalCode[] = [
  "request_timeout",
  "too_many_requests",
  "request_in_progress",
  "unavailable",
  "internal_error",
];
const onItsMerits = (Object.keys(refusals) as RefusalCode[]).filter((code) => !passing.includes(code));
const lost = new ConnectionError("lost", { cause: { code: "ECONNRESET" } });
const neverReached = new ConnectionError("away", { cause: { code: "ECONNREFUSED" } });

describe("what is asked again", () => {
  test.each(onItsMerits)("not what was refused on its merits: %s", (code) => {
    for (const method of ["GET", "POST", "PATCH", "DELETE"]) expect(mayRepeat({ method }, refused(code))).toBe(false);
  });

  test.each(passing)("what may go otherwise next time, if it changes nothing, or has a key: %s", (code) => {
    for (const method of ["GET", "POST", "DELETE"]) expect(mayRepeat({ method }, refused(code))).toBe(true);
  });

  test("a change without a key only where nothing can have happened", () => {
    const change = { method: "PATCH" };

    expect(mayRepeat(change, neverReached)).toBe(true);
    expect(mayRepeat(change, refused("too_many_requests"))).toBe(true);
    expect(mayRepeat(change, lost)).toBe(false);
    expect(mayRepeat(change, refused("unavailable"))).toBe(false);
    expect(mayRepeat(change, refused("internal_error"))).toBe(false);
  });

  test("what is for one version only is not deleted twice: the second time would be refused for the first", () => {
    expect(mayRepeat({ method: "DELETE" }, lost)).toBe(true);
    expect(mayRepeat({ method: "DELETE", ifVersion: 3 }, lost)).toBe(false);
    expect(mayRepeat({ method: "DELETE", ifVersion: 3 }, neverReached)).toBe(true);
  });

  test("a bug is looked at three times", () => {
    const bug = refused("internal_error");

    expect(mayRepeat({ method: "GET" }, Object.assign(bug, { tries: 2 }))).toBe(true);
    expect(mayRepeat({ method: "GET" }, Object.assign(bug, { tries: 3 }))).toBe(false);
  });

  test("what a proxy says counts by its status, and an answer that cannot be read as one that was lost", () => {
    const said = (status: number) => happened(new ConnectionError("proxy", { status }));

    expect([502, 503, 504].map(said)).toEqual(["unknown", "unknown", "unknown"]);
    expect([401, 403, 404, 413].map(said)).toEqual([undefined, undefined, undefined, undefined]);
    expect(said(200)).toBe("unknown");
  });

  test("nothing is said in another name", () => {
    expect(mayRepeat({ method: "GET" }, new SignedOutError("gone"))).toBe(false);
  });
});

describe("how long is waited", () => {
  const chance = fc.double({ min: 0, max: 1, noNaN: true });

  test("never shorter than the shop asks for, and otherwise up to a most", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 100 }), fc.nat(100_000), chance, (tries, retryAfterMs, luck) => {
        expect(pauseAfter(tries, 250, retryAfterMs, luck)).toBeGreaterThanOrEqual(retryAfterMs);
        expect(pauseAfter(tries, 250, undefined, luck)).toBeLessThanOrEqual(LONGEST_PAUSE_MS);
      }),
    );
  });

  test("longer each time, and by everybody differently", () => {
    const pauses = [1, 2, 3, 4].map((tries) => pauseAfter(tries, 100, undefined, 0));

    expect(pauses).toEqual([50, 100, 200, 400]);
    expect(pauseAfter(1, 100, undefined, 1)).toBe(100);
  });

  test("Retry-After is in seconds or a date", () => {
    const now = Date.parse("2026-03-01T12:00:00Z");

    expect(retryAfterOf("3", now)).toBe(3_000);
    expect(retryAfterOf("Sun, 01 Mar 2026 12:00:07 GMT", now)).toBe(7_000);
    expect(retryAfterOf("Sun, 01 Mar 2026 11:00:00 GMT", now)).toBe(0);
    expect(retryAfterOf("soon", now)).toBeUndefined();
    expect(retryAfterOf(null, now)).toBeUndefined();
  });
});
