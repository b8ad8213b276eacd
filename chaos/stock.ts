import type { Client } from "../test/client.ts";

const PER_PRODUCT = 50;

/** Puts goods on the shelves: a price for each, and as many as there are to be. */
export async function stock(staff: Client, units: Readonly<Record<string, number>>): Promise<void> {
  const skus = Object.keys(units);
  for (let from = 0; from < skus.length; from += PER_PRODUCT) {
    const some = skus.slice(from, from + PER_PRODUCT);
    const variants = some.map((sku) => ({ sku, options: { Kind: sku }, price: { amount: 1900, currency: "EUR" } }));
    const options = [{ name: "Kind", values: some }];
    const product = { title: `Goods ${from}`, status: "active", options, variants };
    const made = await staff.post("/v1/admin/products", product);
    if (made.status !== 201) throw new Error(`no product: ${made.status} ${made.text}`);
  }
  await Promise.all(
    Object.entries(units).map(async ([sku, delta]) => {
      const { status, text } = await staff.post(`/v1/admin/inventory/${sku}/adjustments`, {
        delta,
        reason: "delivery",
      });
      if (status !== 200) throw new Error(`no stock: ${status} ${text}`);
    }),
  );
}
