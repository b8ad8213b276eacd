import type { Query, StoreAdapter, StoredRecord } from "../mixins/store.ts";

const MOST_RECORDS = 500;
const MOST_LETTERS = 2_000_000;
const FIRST_RECORDS = 50;

/** All records of a collection by their ids, a page at a time, each about as large as is good for memory. */
export async function* pagesOf(adapter: StoreAdapter): AsyncGenerator<StoredRecord[]> {
  let limit = FIRST_RECORDS;
  let query: Query = {};
  for (;;) {
    const page = await adapter.find({ query, sort: "_id", limit });
    if (page.length > 0) yield page;
    const last = page.at(-1);
    if (!last || page.length < limit) return;
    query = { _id: { $gt: last._id } };
    const letters = JSON.stringify(page).length / page.length;
    limit = Math.max(1, Math.min(MOST_RECORDS, Math.floor(MOST_LETTERS / letters)));
  }
}

/** Gathers records until there are as many as are written at once. */
export class Batch<R> {
  #records: R[] = [];
  #letters = 0;

  /** True: it is full. */
  add(record: R, letters: number): boolean {
    this.#letters += letters;
    return this.#records.push(record) >= MOST_RECORDS || this.#letters >= MOST_LETTERS;
  }

  empty(): R[] {
    const records = this.#records;
    this.#records = [];
    this.#letters = 0;
    return records;
  }
}
