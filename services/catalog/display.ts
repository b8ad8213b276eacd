import { unchangingCopy } from "../shared/plain.ts";
import type { Page } from "../shared/schema.ts";
import type { Product, StoredProduct } from "./catalog.contract.ts";

interface Shown {
  available: number[];
  product: Product;
}

const MOST_PAGES = 1_000;

/**
 * Products and pages as they were shown last. While nothing has changed in them they are the very same objects again,
 * which nobody has to copy or to write out once more; whether something has changed is looked at each time.
 */
export class Display {
  readonly #products = new WeakMap<StoredProduct, Shown>();
  readonly #pages = new Map<string, Page<Product>>();

  /** `available`: units by SKU. */
  product(stored: StoredProduct, available: Readonly<Record<string, number>>): Product {
    const units = stored.variants.map(({ sku }) => available[sku] ?? 0);
    const last = this.#products.get(stored);
    if (last && isSame(last.available, units)) return last.product;
    const variants = stored.variants.map((variant, place) => ({ ...variant, available: units[place] ?? 0 }));
    const product = unchangingCopy({ ...stored, variants });
    this.#products.set(stored, { available: units, product });
    return product;
  }

  /** `asked` is what makes two pages the same one. */
  page(asked: object, page: Page<Product>): Page<Product> {
    const key = JSON.stringify(asked);
    const last = this.#pages.get(key);
    if (last && isSamePage(last, page)) return last;
    const shown = unchangingCopy(page);
    if (this.#pages.size >= MOST_PAGES) this.#pages.clear();
    this.#pages.set(key, shown);
    return shown;
  }
}

const isSamePage = (one: Page<Product>, other: Page<Product>): boolean =>
  one.nextCursor === other.nextCursor && isSame(one.data, other.data) && isSame(one.cursors ?? [], other.cursors ?? []);

const isSame = <T>(some: readonly T[], others: readonly T[]): boolean =>
  some.length === others.length && some.every((one, place) => one === others[place]);
