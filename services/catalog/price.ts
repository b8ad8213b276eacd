import { MAX_AMOUNT } from "../shared/schema.ts";

/**
 * Minor units of a plain decimal number with a dot, such as 12.5 or 1299.00; undefined for anything
 * else. Thousands marks are not guessed at: 1,299 may mean two things. Decimals that the currency does
 * not have are taken as long as they are zero.
 */
export function minorUnits(text: string, decimals: number): number | undefined {
  const [, whole, fraction = ""] = /^(\d{1,15})(?:\.(\d{1,15}))?$/.exec(text) ?? [];
  if (whole === undefined || /[^0]/.test(fraction.slice(decimals))) return undefined;
  const amount = Number(whole + fraction.slice(0, decimals).padEnd(decimals, "0"));
  return amount <= MAX_AMOUNT ? amount : undefined;
}
