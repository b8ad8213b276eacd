import { minorUnits } from "../../services/catalog/price.ts";
import { exponentOf } from "../../services/shared/money.ts";

describe("a price in a file", () => {
  test.each([
    ["12", 1200],
    ["12.5", 1250],
    ["12.50", 1250],
    ["0", 0],
    ["1299.00", 129_900],
    ["9.9900", 999],
    ["0.01", 1],
    ["10000000000.00", 1_000_000_000_000],
  ])("%s EUR are %i cents", (text, amount) => expect(minorUnits(text, 2)).toBe(amount));

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
  ])("%j is none", (text) => expect(minorUnits(text, 2)).toBeUndefined());

  test.each([
    ["JPY", "1500", 1500],
    ["JPY", "1500.00", 1500],
    ["JPY", "1500.50", undefined],
    ["KWD", "1.5", 1500],
    ["KWD", "1.2345", undefined],
    ["HUF", "1500", 150_000],
  ])("in %s, %s is %s minor units", (currency, text, amount) => {
    expect(minorUnits(text, exponentOf(currency))).toBe(amount);
  });
});
