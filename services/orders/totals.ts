import type { Offer } from "../catalog/catalog.contract.ts";
import type { Line } from "../inventory/inventory.contract.ts";
import type { Totals } from "../payments/payments.contract.ts";
import { type InputError, Refusal } from "../shared/refusal.ts";
import { MAX_AMOUNT, type Money } from "../shared/schema.ts";
import type { OrderLine } from "./orders.contract.ts";

export type PricedLine = Omit<OrderLine, "id">;

/** What comes on top of the lines, in minor units. Prices include tax, so `tax` is nothing extra yet. */
export interface Extras {
  discount: number;
  shipping: number;
  tax: number;
}
export const noExtras: Extras = { discount: 0, shipping: 0, tax: 0 };

/** Writes down what each line costs. What cannot be bought is named, each place of it. */
export function priceLines(lines: readonly Line[], offers: readonly Offer[]): PricedLine[] {
  const bySku = new Map(offers.map((offer) => [offer.sku, offer]));
  const unknown = lines.flatMap(({ sku }, index): InputError[] =>
    bySku.has(sku) ? [] : [{ path: `lines/${index}/sku`, message: "cannot be bought", sku }],
  );
  if (unknown.length) throw new Refusal("invalid_input", undefined, { errors: unknown });
  return lines.flatMap(({ sku, quantity }) => {
    const offer = bySku.get(sku);
    if (!offer) return [];
    const { title, unitPrice } = offer;
    return [{ sku, title, quantity, unitPrice, total: { ...unitPrice, amount: unitPrice.amount * quantity } }];
  });
}

/**
 * The only place where an order is added up: `total = subtotal - discount + shipping + tax`, in whole
 * minor units of one currency, never negative.
 */
export function totalsOf(
  lines: readonly Pick<PricedLine, "total">[],
  currency: string,
  extras: Extras = noExtras,
): Totals {
  const subtotal = lines.reduce((sum, { total }) => sum + total.amount, 0);
  const discount = Math.min(extras.discount, subtotal);
  const total = subtotal - discount + extras.shipping + extras.tax;
  if (!(subtotal <= MAX_AMOUNT && total <= MAX_AMOUNT))
    throw new Refusal("invalid_input", undefined, {
      errors: [{ path: "lines", message: "add up to more than one order may cost" }],
    });
  const money = (amount: number): Money => ({ amount, currency });
  return {
    subtotal: money(subtotal),
    discount: money(discount),
    shipping: money(extras.shipping),
    tax: money(extras.tax),
    total: money(total),
  };
}
