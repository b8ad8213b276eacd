import { exponentOf, minorUnits, moneyWriter } from "../../services/shared/money.ts";

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

describe("money as people write it", () => {
  test.each([
    ["12", 1200],
    ["12.5", 1250],
    ["12.50", 1250],
    ["0", 0],
    ["1299.00", 129_900],
    ["9.9900", 999],
    ["0.01", 1],
    ["10000000000.00", 1_000_000_000_000],
  ])("%s EUR are %i cents", (text, amount) => expect(minorUnits(text, "EUR")).toBe(amount));

  test.each([
    "",
    "1,299.00",
    "12,50",
    "9.999",
    "-1",
    "+1",
    "1e3",
    ".5",
    "5.",
    "€9.99",
    "9.99 EUR",
    " 9",
    "NaN",
    "0x10",
    "10000000000.01",
    "9".repeat(400),
  ])("%j is none", (text) => expect(minorUnits(text, "EUR")).toBeUndefined());

  test.each([
    ["JPY", "1500", 1500],
    ["JPY", "1500.00", 1500],
    ["JPY", "1500.50", undefined],
    ["KWD", "1.5", 1500],
    ["KWD", "1.2345", undefined],
    ["HUF", "1500", 150_000],
  ])("in %s, %s is %s minor units", (currency, text, amount) => {
    expect(minorUnits(text, currency)).toBe(amount);
  });
});
