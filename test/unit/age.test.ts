import { Ages } from "../../bus/age.ts";

describe("how long a packet has been under way", () => {
  test.each([0, 3_600_000, -3_600_000])("is known though the clocks are %d ms apart", (apart) => {
    const ages = new Ages();
    ages.of("a", 1_000 + apart, 1_002);

    expect(ages.of("a", 2_000 + apart, 2_002)).toBe(0);
    expect(ages.of("a", 3_000 + apart, 8_002)).toBe(5_000);
  });

  test("is not known of the first one, which counts as young", () => {
    expect(new Ages().of("a", 0, 100_000)).toBe(0);
  });

  test("each sender has a clock of its own", () => {
    const ages = new Ages();
    ages.of("a", 0, 0);

    expect(ages.of("b", 50_000, 10)).toBe(0);
  });

  test("after a long sleep, what has come in the meantime is old", () => {
    const ages = new Ages();
    for (let n = 0; n < 20; n++) ages.of("a", n * 1_000, n * 1_000);

    expect(ages.of("a", 20_000, 140_000)).toBe(120_000);
    expect(ages.of("a", 139_999, 140_000)).toBe(1);
  });

  test("a clock that has jumped is believed after twenty seconds", () => {
    const ages = new Ages();
    for (let n = 0; n < 20; n++) ages.of("a", n * 1_000, n * 1_000);
    const after = Array.from({ length: 25 }, (_, n) => ages.of("a", (n + 20) * 1_000, (n + 20) * 1_000 + 7_000));

    expect(after[0]).toBe(7_000);
    expect(after.at(-1)).toBe(0);
  });
});
