import { hash } from "node:crypto";
import type { StoredRecord } from "../mixins/store.ts";
import { canonical } from "../services/shared/canonical.ts";

/** How much there is of something, and what it is: equal for equal records in whatever order. */
export interface Sum {
  records: number;
  digest: string;
}
/** Of each collection that has records, by its name. */
export type Sums = Readonly<Record<string, Sum>>;

/** SHA-256 of a record as hexadecimal digits: of what it says, not of how a store orders its fields. */
export const printOf = (record: StoredRecord): string => hash("sha256", canonical(record));

const MODULUS = 2n ** 256n;

/** Adds up prints. A sum, unlike XOR, does not forget what came twice. */
export class Digest {
  #sum = 0n;
  #records = 0;

  add(print: string): void {
    this.#sum = (this.#sum + BigInt(`0x${print}`)) % MODULUS;
    this.#records++;
  }

  get sum(): Sum {
    return { records: this.#records, digest: this.#sum.toString(16).padStart(64, "0") };
  }
}

/** One digest for the whole shop, the same in whatever store it is. */
export const digestOf = (sums: Sums): string => hash("sha256", canonical(sums));

export const equal = (one: Sum | undefined, other: Sum | undefined): boolean =>
  one?.records === other?.records && one?.digest === other?.digest;

const FIRST_SIZE = 1024;

/**
 * The prints of many records, with the line of the file that each stood in, in twelve to forty bytes a record: 52 bits of a
 * print are enough to name records by, what is equal is decided by digests.
 */
export class Prints {
  #keys = new Float64Array(FIRST_SIZE);
  #lines = new Uint32Array(FIRST_SIZE);
  #size = 0;

  add(print: string, line: number): void {
    if (++this.#size * 2 > this.#keys.length) this.#grow();
    this.#put(keyOf(print), line);
  }

  has(print: string): boolean {
    return this.#keys[this.#placeOf(keyOf(print))] !== 0;
  }

  /** From now on it counts as found. False: it was not there. */
  find(print: string): boolean {
    const place = this.#placeOf(keyOf(print));
    this.#lines[place] = 0;
    return this.#keys[place] !== 0;
  }

  /** The lines of what was not found, lowest first. */
  unfound(): number[] {
    return [...this.#lines.filter((line) => line > 0).sort()];
  }

  #put(key: number, line: number): void {
    const place = this.#placeOf(key);
    this.#keys[place] = key;
    this.#lines[place] = line;
  }

  /** Where the key is, or would be. */
  #placeOf(key: number): number {
    let place = key % this.#keys.length;
    while (this.#keys[place] !== 0 && this.#keys[place] !== key) place = (place + 1) % this.#keys.length;
    return place;
  }

  #grow(): void {
    const [keys, lines] = [this.#keys, this.#lines];
    this.#keys = new Float64Array(keys.length * 2);
    this.#lines = new Uint32Array(keys.length * 2);
    for (const [place, key] of keys.entries()) if (key !== 0) this.#put(key, lines[place] ?? 0);
  }
}

/** 0 stands for nobody. */
const keyOf = (print: string): number => Number.parseInt(print.slice(0, 13), 16) + 1;
