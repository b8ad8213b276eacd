import { type Position, pageOf, readCursor, writeCursor } from "../shared/page.ts";
import { PAGE_SIZE, type Page, type Paging } from "../shared/schema.ts";
import type { ProductStatus, StoredProduct } from "./catalog.contract.ts";
import { folded } from "./naming.ts";
import { priceOf } from "./product.ts";
import type { Hits } from "./search.ts";

const sortFields = ["createdAt", "title", "price"] as const;
type SortField = (typeof sortFields)[number];
type Sort = SortField | `-${SortField}`;

/** What is known of every product, whatever its status; of active ones, all there is to show. */
export interface Card {
  readonly id: string;
  readonly version: number;
  readonly handle: string;
  readonly status: ProductStatus;
  readonly categories: readonly string[];
  readonly createdAt: string;
  readonly title: string;
  readonly price: number;
  readonly product: StoredProduct | undefined;
}

/** Cursors carry what is sorted by, and have a limited length. */
const MOST_SORTED_LETTERS = 60;

interface Asked extends Paging {
  status?: ProductStatus | undefined;
  category?: string | undefined;
}

/**
 * Products in memory, in every order in which they are listed, so that a list costs no read and no
 * sorting. A page begins after the values of the last product of the page before, wherever those would
 * stand by now: what is added in the meantime moves nothing.
 */
export class Showcase {
  readonly #cards = new Map<string, Card>();
  readonly #byHandle = new Map<string, Card>();
  readonly #lists = new Map<string, SortedCards>();
  /** Grows with every change. */
  revision = 0;

  /** Takes in a product as it was saved. False: a later version of it is here already. */
  put(product: StoredProduct): boolean {
    const before = this.#cards.get(product.id);
    if (before && before.version >= product.version) return false;
    this.revision++;
    if (before) {
      for (const list of this.#listsOf(before)) list.remove(before);
      if (this.#byHandle.get(before.handle) === before) this.#byHandle.delete(before.handle);
    }
    const card = cardOf(product);
    this.#cards.set(card.id, card);
    this.#byHandle.set(card.handle, card);
    for (const list of this.#listsOf(card)) list.add(card);
    return true;
  }

  /** An active product. */
  get(idOrHandle: string): StoredProduct | undefined {
    return (this.#cards.get(idOrHandle) ?? this.#byHandle.get(idOrHandle))?.product;
  }

  /** One page in this order; with `hits`, of these only. */
  page({ status, category, ...asked }: Asked, sort: Sort, hits?: Hits): Page<Card> {
    const { limit = PAGE_SIZE, cursor } = asked;
    const field = (sort.startsWith("-") ? sort.slice(1) : sort) as SortField;
    const list = this.#lists.get(listKey(field, status, category));
    const wanted = hits && new Set(hits.map(({ id }) => id));
    const after =
      cursor === undefined ? undefined : readCursor(cursor, sort, [field === "price" ? "number" : "string"]);
    const cards = list?.after(after, sort !== field, limit + 1, wanted) ?? [];
    return pageOf(cards, asked, ({ id, [field]: value }) => writeCursor(sort, value, id));
  }

  /** One page of what was found, the best first. */
  ranked({ status, category, ...asked }: Asked, hits: Hits): Page<Card> {
    const { limit = PAGE_SIZE, cursor } = asked;
    const start = cursor === undefined ? 0 : placeAfter(hits, readCursor(cursor, "relevance", ["number"]));
    const cards: Card[] = [];
    const scores = new Map<string, number>();
    for (let place = start; place < hits.length && cards.length <= limit; place++) {
      const { id = "", score = 0 } = hits[place] ?? {};
      const card = this.#cards.get(id);
      if (!card || (status && card.status !== status) || (category && !card.categories.includes(category))) continue;
      cards.push(card);
      scores.set(id, score);
    }
    return pageOf(cards, asked, ({ id }) => writeCursor("relevance", scores.get(id) ?? 0, id));
  }

  /** The categories of active products with how many there are, by handle. */
  categories(asked: Paging): Page<{ handle: string; products: number }> {
    const after = asked.cursor === undefined ? "" : readCursor(asked.cursor, "category", ["string"])[0];
    const found = [...this.#lists]
      .filter(([key, { size }]) => key.startsWith("title active ") && size > 0)
      .map(([key, { size }]) => ({ handle: key.slice("title active ".length), products: size }))
      .filter(({ handle }) => handle > String(after))
      .sort((a, b) => (a.handle < b.handle ? -1 : 1));
    return pageOf(found, asked, ({ handle }) => writeCursor("category", handle, ""));
  }

  #listsOf(card: Card): SortedCards[] {
    return sortFields.flatMap((field) =>
      [card.status, undefined].flatMap((status) =>
        [...card.categories, undefined].map((category) => {
          const key = listKey(field, status, category);
          const list = this.#lists.get(key) ?? new SortedCards(field);
          this.#lists.set(key, list);
          return list;
        }),
      ),
    );
  }
}

/** Cards in the order of a field and then of the id. They are sorted when somebody looks for the first time. */
class SortedCards {
  readonly #field: SortField;
  #cards: Card[] = [];
  #isSorted = false;

  constructor(field: SortField) {
    this.#field = field;
  }

  get size(): number {
    return this.#cards.length;
  }

  add(card: Card): void {
    if (this.#isSorted) this.#cards.splice(this.#place([card[this.#field], card.id]), 0, card);
    else this.#cards.push(card);
  }

  remove(card: Card): void {
    this.#sort();
    const place = this.#place([card[this.#field], card.id]) - 1;
    if (this.#cards[place] === card) this.#cards.splice(place, 1);
  }

  /** Up to `limit` cards that come after a position, upwards or downwards. */
  after(position: Position | undefined, down: boolean, limit: number, wanted?: ReadonlySet<string>): Card[] {
    this.#sort();
    const step = down ? -1 : 1;
    const found: Card[] = [];
    let place = down ? this.#cards.length - 1 : 0;
    if (position) place = down ? this.#place(position, false) - 1 : this.#place(position);
    for (; found.length < limit; place += step) {
      const card = this.#cards[place];
      if (!card) break;
      if (!wanted || wanted.has(card.id)) found.push(card);
    }
    return found;
  }

  /** How many cards come before this position, or stand right at it. */
  #place(position: Position, orAt = true): number {
    let [low, high] = [0, this.#cards.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      const order = this.#order(this.#cards[middle], position);
      if (order < 0 || (orAt && order === 0)) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #order(card: Card | undefined, [value, id]: Position): number {
    if (!card) return 1;
    const mine = card[this.#field];
    if (mine !== value) return mine < value ? -1 : 1;
    return card.id === id ? 0 : card.id < id ? -1 : 1;
  }

  #sort(): void {
    if (this.#isSorted) return;
    this.#isSorted = true;
    this.#cards.sort((a, b) => this.#order(a, [b[this.#field], b.id]));
  }
}

const cardOf = (product: StoredProduct): Card => ({
  id: product.id,
  version: product.version,
  handle: product.handle,
  status: product.status,
  categories: product.categories,
  createdAt: product.createdAt,
  title: folded(product.title).slice(0, MOST_SORTED_LETTERS),
  price: priceOf(product),
  product: product.status === "active" ? product : undefined,
});

const listKey = (field: SortField, status: ProductStatus | undefined, category: string | undefined) =>
  `${field} ${status ?? "any"} ${category ?? ""}`;

/** Scores change a little as products come and go; where the last one stands by now counts first. */
function placeAfter(hits: Hits, [score, id]: Position): number {
  const place = hits.findIndex((hit) => hit.id === id);
  if (place >= 0) return place + 1;
  const next = hits.findIndex((hit) => hit.score < Number(score) || (hit.score === score && hit.id < id));
  return next < 0 ? hits.length : next;
}
