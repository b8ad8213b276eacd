import type { SQLInputValue } from "node:sqlite";
import type { StoredRecord } from "./store.ts";

interface Known {
  id: string;
  /** Read when somebody wants it. */
  text: string | undefined;
  record: StoredRecord | undefined;
  columns: readonly SQLInputValue[];
  letters: number;
}

/**
 * What some tables may remember together, in letters of JSON. What was not wanted for longest is forgotten first, so that
 * each of them has as much as it has use for.
 */
export class Capacity {
  readonly most: number;
  readonly #inside = new Map<Known, Lately>();
  #letters = 0;

  /** With 0 letters nothing is remembered. */
  constructor(mostLetters: number) {
    this.most = mostLetters;
  }

  enter(known: Known, lately: Lately): void {
    this.#inside.set(known, lately);
    this.#letters += known.letters;
    for (const [oldest, where] of this.#inside) {
      if (this.#letters <= this.most) break;
      where.forget(oldest.id);
    }
  }

  touch(known: Known, lately: Lately): void {
    this.#inside.delete(known);
    this.#inside.set(known, lately);
  }

  leave(known: Known): void {
    if (this.#inside.delete(known)) this.#letters -= known.letters;
  }
}

const MOST_ANSWERS = 100;
const MOST_IN_ANSWER = 20;

/**
 * What was read or changed lately of one table: records, as far as there is room for them, and what was found since the table was
 * changed last. For a store whose only writer this process is.
 * A record is given to all who want it, so nobody may change one in place.
 */
export class Lately {
  readonly #capacity: Capacity;
  readonly #known = new Map<string, Known>();
  readonly #answers = new Map<string, readonly StoredRecord[]>();
  /** Questions that were asked once. */
  readonly #asked = new Set<string>();
  /** Of each record that is being changed, the last one of those changes. */
  readonly #changes = new Map<string, object>();

  constructor(capacity: Capacity) {
    this.#capacity = capacity;
  }

  get(id: string): StoredRecord | undefined {
    const known = this.#known.get(id);
    if (!known) return undefined;
    this.#capacity.touch(known, this);
    if (known.text !== undefined) [known.record, known.text] = [JSON.parse(known.text), undefined];
    return known.record;
  }

  /** Whether it is what would be given to whoever wants this record now. */
  has(record: StoredRecord): boolean {
    const known = this.#known.get(record._id);
    if (known?.record !== record) return false;
    this.#capacity.touch(known, this);
    return true;
  }

  /** What stands beside it in its row. */
  columnsOf(id: string): readonly SQLInputValue[] | undefined {
    return this.#known.get(id)?.columns;
  }

  /** As it is in the table: what JSON leaves out is not there afterwards either. What would take the place of many is not kept. */
  put(id: string, text: string, columns: readonly SQLInputValue[], record?: StoredRecord): void {
    this.forget(id);
    if (text.length > this.#capacity.most / 10) return;
    const known = { id, text: record ? undefined : text, record, columns, letters: text.length };
    this.#known.set(id, known);
    this.#capacity.enter(known, this);
  }

  forget(id: string): void {
    const known = this.#known.get(id);
    if (!known) return;
    this.#known.delete(id);
    this.#capacity.leave(known);
  }

  /** What was found by a question that is asked again in the same words. */
  answer(question: string, find: () => readonly StoredRecord[]): readonly StoredRecord[] {
    const known = this.#answers.get(question);
    if (known) return known;
    const found = find();
    // Whoever looks for what is due asks with the time, and so never twice in the same words.
    if (!this.#asked.delete(question)) this.#asked.add(question);
    else if (found.length <= MOST_IN_ANSWER && this.#capacity.most > 0) this.#answers.set(question, found);
    if (this.#asked.size > MOST_ANSWERS) this.#asked.clear();
    if (this.#answers.size > MOST_ANSWERS) this.#answers.clear();
    return found;
  }

  /** This record is about to be changed, made or removed. Answers by what the change is known until it is `over`. */
  changes(id: string): object {
    const change = {};
    this.#answers.clear();
    this.forget(id);
    this.#changes.set(id, change);
    return change;
  }

  /** Any of them may be about to be changed. */
  changeAll(): void {
    this.#answers.clear();
    this.#changes.clear();
    for (const id of [...this.#known.keys()]) this.forget(id);
  }

  /** The record is like this for good, unless it has been changed once more in the same breath. */
  over(id: string, change: object | undefined, text?: string, columns: readonly SQLInputValue[] = []): void {
    if (change === undefined || this.#changes.get(id) !== change) return;
    this.#changes.delete(id);
    if (text !== undefined) this.put(id, text, columns);
  }
}
