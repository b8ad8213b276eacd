import MiniSearch from "minisearch";
import type { StoredProduct } from "./catalog.contract.ts";
import { folded } from "./naming.ts";

/** The best first. */
export type Hits = readonly { readonly id: string; readonly score: number }[];

const MOST_LETTERS = 5_000;
const MOST_TERMS = 8;
const MOST_REMEMBERED = 200;

const fields = { title: 6, skus: 6, tags: 2, type: 2, vendor: 2, text: 1 };

/**
 * Finds products by words: beginnings of words and small slips count, accents and case do not; every
 * word has to be found somewhere. Kept in memory.
 */
export class Search {
  readonly #index = new MiniSearch<ReturnType<typeof wordsOf>>({
    fields: Object.keys(fields),
    tokenize: termsOf,
    processTerm: folded,
    searchOptions: {
      combineWith: "AND",
      boost: fields,
      prefix: (term, place, terms) => term.length > (place === terms.length - 1 ? 1 : 2),
      fuzzy: (term) => (term.length > 3 ? 0.2 : false),
      maxFuzzy: 2,
      tokenize: (q) => termsOf(q).slice(0, MOST_TERMS),
    },
  });
  readonly #remembered = new Map<string, Hits>();

  put(product: StoredProduct): void {
    if (this.#index.has(product.id)) this.#index.discard(product.id);
    this.#index.add(wordsOf(product));
    this.#remembered.clear();
  }

  /** Answers are remembered until a product changes. */
  find(q: string): Hits {
    const known = this.#remembered.get(q);
    if (known) return known;
    const found = this.#index.search(q);
    const hits = found.map(({ id, score }) => ({ id: id as string, score }));
    hits.sort((a, b) => b.score - a.score || (a.id < b.id ? 1 : -1));
    if (this.#remembered.size >= MOST_REMEMBERED) this.#remembered.clear();
    this.#remembered.set(q, hits);
    return hits;
  }
}

const wordsOf = ({ id, title, vendor = "", type = "", tags, variants, description }: StoredProduct) => ({
  id,
  title,
  vendor,
  type,
  tags: tags.join(" "),
  skus: variants.map(({ sku }) => sku).join(" "),
  text: textOf(description).slice(0, MOST_LETTERS),
});

const termsOf = (text: string): string[] => text.split(/[\s\p{P}\p{S}]+/u).filter((term) => term);

/** What people read of HTML. The patterns take time in proportion to the text, whatever it is. */
const textOf = (html: string): string => html.replace(/<[^<>]*>/g, " ").replace(/&#?\w{1,10};/g, " ");
