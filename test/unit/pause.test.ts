import { lookAfterMs, pauseMs } from "../../services/shared/pause.ts";

const pauses = { firstMs: 100, longestMs: 300_000 };
const minutes = (n: number) => n * 60_000;

describe("how long to leave alone what did not come off", () => {
  test("twice as long after each try, spread by chance", () => {
    expect(pauseMs({ tries: 0, waitedMs: 0 }, pauses, 1)).toBe(100);
    expect(pauseMs({ tries: 3, waitedMs: 0 }, pauses, 1)).toBe(800);
    expect(pauseMs({ tries: 3, waitedMs: 0 }, pauses, 0)).toBe(400);
  });

  test("never more than four seconds while somebody may be waiting, and then more and more", () => {
    const pauseAfter = (waitedMs: number) => pauseMs({ tries: 1000, waitedMs }, pauses, 1);
    expect([0, 1, 9.9, 10].map((n) => pauseAfter(minutes(n)))).toEqual([4_000, 4_000, 4_000, 4_000]);
    expect(pauseAfter(minutes(20))).toBe(minutes(1));
    expect(pauseAfter(minutes(600))).toBe(minutes(5));
  });

  test("what others move is looked at late by a tenth of its time", () => {
    const after = (waitedMs: number) => lookAfterMs({ looks: 0, waitedMs }, 60_000);
    expect([0, 40_000, 100_000, minutes(60)].map(after)).toEqual([4_000, 4_000, 10_000, 60_000]);
  });

  test("what a clock that was a day ahead has written is looked at less and less often, and not every four seconds", () => {
    let looks = 0;
    for (let ms = -minutes(24 * 60); ms < 0; looks++) ms += lookAfterMs({ looks, waitedMs: ms }, 300_000);
    expect(looks).toBeLessThan(700);
  });
});
