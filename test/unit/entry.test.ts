import {
  behind,
  cursorBehind,
  entryOf,
  entryView,
  forgettable,
  type KeptEntry,
  numbered,
  positionIn,
} from "../../services/notifications/entry.ts";
import { anOrder } from "../an-order.ts";

const now = "2026-01-01T12:00:00.000Z";
const idOf = (n: number) => `evt_${String(n).padStart(10, "0")}`;
const entry = (number: number, keptAt = now): KeptEntry => ({
  id: idOf(number),
  version: 1,
  number,
  type: "order.confirmed",
  at: now,
  data: {},
  keptAt,
});
const entries = (...numbers: number[]) => numbers.map((number) => entry(number));
const numbersOf = (some: readonly KeptEntry[]) => some.map(({ number }) => number);
const lost = expect.objectContaining({ type: "invalid_input" });

describe("the journal", () => {
  test("has times that never go back, so that whoever asks for what came since one of them misses nothing", () => {
    const [early, late] = ["2026-11-26T10:00:00.000Z", "2026-11-26T10:00:05.000Z"];
    const at = (keptAt: string) => ({ ...entry(1), keptAt });
    const written = numbered([at(early), at(late)], { number: 7, keptAt: late });
    expect(written.map(({ number, keptAt }) => [number, keptAt])).toEqual([
      [8, late],
      [9, late],
    ]);
    expect(numbered([at(early)], undefined)).toMatchObject([{ number: 1, keptAt: early }]);
  });

  test("says of an order how it stands, and not where its buyer lives", () => {
    const order = anOrder();
    const kept = entryOf({ id: idOf(1), at: now }, { type: "order.confirmed", data: { order } }, now);
    const [written] = numbered([kept], { number: 41, keptAt: now });
    expect(entryView({ ...(written as KeptEntry), version: 1 })).toEqual({
      id: idOf(1),
      type: "order.confirmed",
      at: now,
      data: {
        order: {
          id: order.id,
          number: order.number,
          status: order.status,
          paymentStatus: order.paymentStatus,
          totals: order.totals,
        },
      },
    });
    expect(JSON.stringify(written)).not.toContain(order.email);
  });

  test("goes on behind a cursor, whether its own entry is still there or was forgotten a moment ago", () => {
    const position = positionIn(cursorBehind(entry(3)));
    expect(numbersOf(behind(entries(3, 4, 5), position))).toEqual([4, 5]);
    expect(numbersOf(behind(entries(4, 5), position))).toEqual([4, 5]);
    expect(behind(entries(3), position)).toEqual([]);
  });

  test("shows nothing behind a gap: what is missing there is being written", () => {
    expect(numbersOf(behind(entries(3, 4, 6, 7), positionIn(cursorBehind(entry(3)))))).toEqual([4]);
    expect(behind(entries(3, 5), positionIn(cursorBehind(entry(3))))).toEqual([]);
    expect(numbersOf(behind(entries(8, 9, 11), { number: 0 }))).toEqual([8, 9]);
  });

  test.each([
    ["what was forgotten", entries(7, 8)],
    ["what is not there yet", []],
    ["the same number of another journal", [{ ...entry(3), id: idOf(99) }, entry(4)]],
  ])("refuses a cursor of %s, since nobody can say what comes behind it", (_what, found) => {
    expect(() => behind(found, positionIn(cursorBehind(entry(3))))).toThrow(lost);
  });

  test.each([
    "",
    "3",
    "0.evt_0000000003",
    "3.ord_0000000003",
    "-1.evt_0",
    "1e3.evt_0",
    " 3.evt_0",
    `${"9".repeat(40)}.evt_0`,
  ])("%j is no cursor of it", (cursor) => {
    expect(() => positionIn(cursor)).toThrow(lost);
  });

  test("forgets what is older than thirty days, none before those in front of it, and never the last one", () => {
    const [old, young] = ["2025-11-01T12:00:00.000Z", "2025-12-20T12:00:00.000Z"];
    const forgotten = (...times: string[]) =>
      numbersOf(
        forgettable(
          times.map((time, n) => entry(n + 1, time)),
          Date.parse(now),
        ),
      );
    expect(forgotten(old, old, young, young)).toEqual([1, 2]);
    expect(forgotten(old, young, old, young)).toEqual([1]);
    expect(forgotten(old, old, old)).toEqual([1, 2]);
    expect(forgotten(old)).toEqual([]);
    expect(forgotten()).toEqual([]);
    expect(forgotten("2025-12-02T12:00:00.000Z", young)).toEqual([1]);
    expect(forgotten("2025-12-02T12:00:00.001Z", young)).toEqual([]);
  });
});
