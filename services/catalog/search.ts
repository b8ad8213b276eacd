import MiniSearch from "minisearch";
import type { StoredProduct } from "./catalog.contract.ts";
import { folded } from "./naming.ts";

/** The best first. */
export type Hits = readonly { readonly id: string; readonly score: number }[];

const MOST_LETTERS = 5_000;
const MOST_TERMS = 8;
/** Products that are remembered under the words by which they were found, about 20 MB. */
const MOST_REMEMBERED = 200_000;

const fields = { title: 6, skus: 6, tags: 2, type: 2, vendor: 2, text: 1 };

/** Score by id. */
type Scores = ReadonlyMap<string, number>;

/**
 * Finds products by words: beginnings of words count, accents and case do not; a word that nobody has is read as those
 * that are most like it. Every word has to be found somewhere. Kept in memory.
 */
export class Search {
  readonly #index = new MiniSearch<ReturnType<typeof wordsOf>>({
    fields: Object.keys(fields),
    tokenize: termsOf,
    processTerm: folded,
    searchOptions: { boost: fields, maxFuzzy: 2, tokenize: (term) => [term] },
  });
  /** What has a word is remembered until a product changes. */
  readonly #byWord = new Map<string, Scores>();
  #remembered = 0;

  put(product: StoredProduct): void {
    if (this.#index.has(product.id)) this.#index.discard(product.id);
    this.#index.add(wordsOf(product));
    this.#forget();
  }

  find(q: string): Hits {
    const terms = termsOf(q)
      .map(folded)
      .filter((term) => term)
      .slice(0, MOST_TERMS);
    // Somebody may still be writing the last one.
    const found = terms.map((term, place) => this.#having(term, place === terms.length - 1));
    const [rarest, ...others] = found.toSorted((a, b) => a.size - b.size);
    const hits: { id: string; score: number }[] = [];
    for (const [id, first] of rarest ?? []) {
      const scores = others.map((scores) => scores.get(id));
      if (scores.every((score) => score !== undefined)) hits.push({ id, score: scores.reduce((a, b) => a + b, first) });
    }
    return hits.sort((a, b) => b.score - a.score || (a.id < b.id ? 1 : -1));
  }

  #having(term: string, isLast: boolean): Scores {
    const prefix = term.length > (isLast ? 1 : 2);
    const key = `${prefix} ${term}`;
    const known = this.#byWord.get(key);
    if (known) return known;
    const exact = this.#index.search(term, { prefix });
    const found = exact.length || term.length < 4 ? exact : this.#index.search(term, { prefix, fuzzy: 0.2 });
    const scores: Scores = new Map(found.map(({ id, score }) => [id as string, score]));
    if (this.#remembered > MOST_REMEMBERED) this.#forget();
    this.#byWord.set(key, scores);
    this.#remembered += scores.size + 1;
    return scores;
  }

  #forget(): void {
    this.#byWord.clear();
    this.#remembered = 0;
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
