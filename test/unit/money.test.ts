import { exponentOf, moneyWriter } from "../../services/shared/money.ts";

const written = (amount: number, currency: string) => moneyWriter(currency)({ amount, currency }).replace(/\s/g, " ");

describe("money", () => {
  test.each([
    [1999, "EUR", "€19.99"],
    [5, "EUR", "€0.05"],
    [0, "EUR", "€0.00"],
    [1999, "JPY", "¥1,999"],
    [1999, "KWD", "KWD 1.999"],
    [199_900, "HUF", "HUF 1,999.00"],
    [1_000_000_000_000, "USD", "$10,000,000,000.00"],
    [999_999_999_999, "EUR", "€9,999,999,999.99"],
  ])("%i minor units of %s are %s", (amount, currency, text) => {
    expect(written(amount, currency)).toBe(text);
  });

  test("a currency that nobody has heard of has two digits", () => {
    expect(exponentOf("ZZZ")).toBe(2);
  });
});
