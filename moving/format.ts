import { hash } from "node:crypto";
import type { StoredRecord } from "../mixins/store.ts";
import { canonical } from "../services/shared/canonical.ts";
import { Digest, digestOf, printOf, type Sums } from "./digest.ts";

/**
 * A shop as lines of JSON: a header, each record with its collection, and what all of them come to. Each line ends with a
 * checksum of itself and of all lines before it, so that the first one that is not as it was written is known by its number.
 */
export const FORMAT = "lonja-shop";
export const FORMAT_VERSION = 1;

export interface Header {
  format: typeof FORMAT;
  formatVersion: number;
  /** The version of Lonja that wrote it. */
  lonja: string;
  at: string;
  collections: readonly HeaderCollection[];
}
export interface HeaderCollection {
  name: string;
  schemaVersion: number;
  records: number;
}

export const recordsIn = ({ collections }: Header): number =>
  collections.reduce((sum, { records }) => sum + records, 0);

/** What the last line says. */
export interface End {
  collections: Sums;
  digest: string;
}

/** A line with a record. */
export interface Line {
  number: number;
  collection: string;
  record: StoredRecord;
  print: string;
  letters: number;
}

/** Something is wrong with the file, and this line of it, or none, is where. */
export class UnusableFile extends Error {
  override readonly name = "UnusableFile";
}

const SUM_DIGITS = 16;
const sumPattern = /,"sum":"([\da-f]{16})"\}$/;
const SUM_LENGTH = ',"sum":""}'.length + SUM_DIGITS;

/** The checksum of a line, without its own checksum, after what the line before it has. */
const sumOf = (before: string, body: string): string => hash("sha256", before + body).slice(0, SUM_DIGITS);

/** Makes the lines, one after the other. */
export class Writer {
  #sum = "";
  readonly #digests = new Map<string, Digest>();

  header(header: Omit<Header, "format" | "formatVersion">): string {
    return this.#line(JSON.stringify({ format: FORMAT, formatVersion: FORMAT_VERSION, ...header }));
  }

  record(collection: string, record: StoredRecord): string {
    digestIn(this.#digests, collection).add(printOf(record));
    return this.#line(JSON.stringify({ c: collection, r: record }));
  }

  get sums(): Sums {
    return sumsOf(this.#digests);
  }

  end(): string {
    const end: End = { collections: this.sums, digest: digestOf(this.sums) };
    return this.#line(JSON.stringify({ end }));
  }

  #line(json: string): string {
    const body = json.slice(0, -1);
    this.#sum = sumOf(this.#sum, body);
    return `${body},"sum":"${this.#sum}"}\n`;
  }
}

/** Takes the lines, one after the other, and believes none that is not as it was written. */
export class Reader {
  #sum = "";
  #lines = 0;
  #header: Header | undefined;
  #end: End | undefined;
  readonly #digests = new Map<string, Digest>();

  get sums(): Sums {
    return sumsOf(this.#digests);
  }

  /** What the line says; the last one, which is compared with what came before it, says nothing new. */
  take(text: string): Header | Line | undefined {
    this.#lines++;
    if (this.#end) throw new UnusableFile(`line ${this.#lines} comes after the end`);
    if (!this.#header) this.#refuseForeign(text);
    this.#check(text);
    const said = parsed(text) as { c?: string; r?: StoredRecord; end?: End };
    if (!this.#header) return (this.#header = said as unknown as Header);
    if (said.end) this.#end = this.#checkedEnd(said.end);
    else if (said.r && this.#header.collections.some(({ name }) => name === said.c))
      return this.#noted(said.c as string, said.r, text.length);
    else throw new UnusableFile(`line ${this.#lines} is no record of a collection that line 1 names`);
    return undefined;
  }

  /** To be called after the last line. */
  finish(): Header {
    if (!this.#header) throw new UnusableFile("it is empty");
    if (!this.#end) throw new UnusableFile(`it ends after line ${this.#lines}, before its end: it is not complete`);
    return this.#header;
  }

  /** What others have made, and what is of another format, is not even looked at for damage. */
  #refuseForeign(text: string): void {
    const { format, formatVersion, lonja, collections } = parsed(text) as Partial<Header>;
    if (format !== FORMAT || !Array.isArray(collections))
      throw new UnusableFile("line 1 is not the first line of a shop that was exported");
    if (typeof formatVersion !== "number" || formatVersion > FORMAT_VERSION)
      throw new UnusableFile(
        `it has format ${formatVersion}, of Lonja ${lonja}; this one reads format ${FORMAT_VERSION}: use the newer one`,
      );
  }

  #check(text: string): void {
    const [, sum] = sumPattern.exec(text.slice(-SUM_LENGTH)) ?? [];
    const wanted = sumOf(this.#sum, text.slice(0, -SUM_LENGTH));
    if (sum !== wanted)
      throw new UnusableFile(
        `line ${this.#lines} is not what was written there: it was changed, moved, cut or left out`,
      );
    this.#sum = wanted;
  }

  #checkedEnd(end: End): End {
    const found = this.sums;
    const counted = this.#header?.collections.every(({ name, records }) => records === (found[name]?.records ?? 0));
    if (!counted || canonical(end) !== canonical({ collections: found, digest: digestOf(found) }))
      throw new UnusableFile(`line ${this.#lines} does not fit the lines before it`);
    return end;
  }

  #noted(collection: string, record: StoredRecord, letters: number): Line {
    if (typeof record._id !== "string" || typeof record.version !== "number")
      throw new UnusableFile(`line ${this.#lines} is no record: it has no _id or no version`);
    const print = printOf(record);
    digestIn(this.#digests, collection).add(print);
    return { number: this.#lines, collection, record, print, letters };
  }
}

function parsed(text: string): object {
  try {
    return { ...JSON.parse(text) };
  } catch {
    // Whatever it is, it is not ours; the caller says so.
    return {};
  }
}

function digestIn(digests: Map<string, Digest>, collection: string): Digest {
  const known = digests.get(collection) ?? new Digest();
  digests.set(collection, known);
  return known;
}

const sumsOf = (digests: ReadonlyMap<string, Digest>): Sums =>
  Object.fromEntries([...digests].map(([name, { sum }]) => [name, sum]));
