import { demoCategories, demoProducts } from "./demo/products.ts";
import type { Load } from "./importer.edge.ts";

/** The import that fills a new shop. */
export const DEMO_IMPORT = "imp_democatalogue";

/** The demo catalogue, in the currency of the shop. */
export function demoLoad(currency: string): Load {
  const titles: Readonly<Record<string, string>> = demoCategories;
  const entries = demoProducts.map(({ stock, ...product }, place) => ({
    row: place + 1,
    product: {
      ...product,
      variants: product.variants.map(({ compareAtPrice, ...variant }) => ({
        ...variant,
        price: { ...variant.price, currency },
        ...(compareAtPrice ? { compareAtPrice: { ...compareAtPrice, currency } } : {}),
      })),
    },
    variants: product.variants.map(({ sku = "" }) => ({ row: place + 1, onHand: stock[sku] ?? 0 })),
    categories: Object.fromEntries((product.categories ?? []).map((handle) => [handle, titles[handle] ?? handle])),
    errors: [],
  }));
  return { size: entries.length, entries, reservedSkus: new Set() };
}
