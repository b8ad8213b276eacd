import { type PutOff, Watch } from "../../mixins/ahead.ts";

const now = Date.parse("2026-01-01T12:00:00.000Z");
const iso = (ms: number) => new Date(ms).toISOString();
const HOUR_MS = 3_600_000;
/** Put off for five seconds, by a clock that was an hour ahead. */
const lease: PutOff = { id: "one", version: 1, at: iso(now + HOUR_MS), until: iso(now + HOUR_MS + 5_000) };

const watch = () => new Watch<PutOff>((one) => one);
/** After how many looks, a second apart, it is overdue; undefined: never in a minute. */
function overdueAfter(
  looks: Watch<PutOff>,
  at: (look: number) => { found: PutOff; nowMs: number },
): number | undefined {
  for (let look = 0; look < 60; look++) {
    const { found, nowMs } = at(look);
    if (looks.overdue([found], nowMs).length) return look;
  }
  return undefined;
}

describe("what a clock that was ahead has put off", () => {
  test("is due when it was seen to lie for as long as was meant, and a second more", () => {
    expect(overdueAfter(watch(), (look) => ({ found: lease, nowMs: now + look * 1_000 }))).toBe(6);
  });

  test("is not due while somebody works on it", () => {
    const found = (look: number) => ({ ...lease, version: Math.floor(look / 5) });
    expect(overdueAfter(watch(), (look) => ({ found: found(look), nowMs: now + look * 1_000 }))).toBeUndefined();
  });

  test("is waited for by looks: the clock of who looks may be put right meanwhile", () => {
    const jumps = (look: number) => now + look * 1_000 - (look > 2 ? HOUR_MS : 0);
    expect(overdueAfter(watch(), (look) => ({ found: lease, nowMs: jumps(look) }))).toBe(6);
  });

  test("is told from what was put off for an hour by a clock that is right", () => {
    const resting = { ...lease, at: iso(now) };
    expect(overdueAfter(watch(), () => ({ found: resting, nowMs: now }))).toBeUndefined();
    expect(overdueAfter(watch(), () => ({ found: { ...lease, at: undefined }, nowMs: now }))).toBeUndefined();
  });
});
