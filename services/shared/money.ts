import { MAX_AMOUNT, type Money } from "./schema.ts";

/** How many digits of a currency are minor units, by ISO 4217, where it is not two. */
const exponents: Readonly<Record<number, string>> = {
  0: "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF",
  3: "BHD IQD JOD KWD LYD OMR TND",
  4: "CLF UYW",
};

/** Intl has digits of its own, by custom and not by ISO: with them 100 forints would read as 10,000. */
export const exponentOf = (currency: string): number =>
  Number(Object.keys(exponents).find((digits) => exponents[Number(digits)]?.includes(currency)) ?? 2);

/**
 * Minor units of a plain decimal number with a dot, such as 12.5 or 1299.00; undefined for anything
 * else. Thousands marks are not guessed at: 1,299 may mean two things. Decimals that the currency does
 * not have are taken as long as they are zero.
 */
export function minorUnits(text: string, currency: string): number | undefined {
  const digits = exponentOf(currency);
  const [, whole, fraction = ""] = /^(\d{1,15})(?:\.(\d{1,15}))?$/.exec(text) ?? [];
  if (whole === undefined || /[^0]/.test(fraction.slice(digits))) return undefined;
  const amount = Number(whole + fraction.slice(0, digits).padEnd(digits, "0"));
  return amount <= MAX_AMOUNT ? amount : undefined;
}

const writers = new Map<string, (money: Money) => string>();

/** Writes sums of one currency, such as `€1,234.50`, without ever going through a fraction. */
export function moneyWriter(currency: string, locale = "en"): (money: Money) => string {
  const name = `${currency} ${locale}`;
  const writer = writers.get(name) ?? newWriter(currency, locale);
  writers.set(name, writer);
  return writer;
}

/** Dear to make. */
function newWriter(currency: string, locale: string): (money: Money) => string {
  const digits = exponentOf(currency);
  const format = new Intl.NumberFormat(locale, {
    style: "currency",
    currency,
    minimumFractionDigits: digits,
    maximumFractionDigits: digits,
  });
  return ({ amount }) => format.format(`${amount}E-${digits}` as `${number}`);
}
