import { HALF_MOVED, isDuplicate } from "../mixins/store.ts";
import { Digest, equal, Prints, printOf, type Sum, type Sums } from "./digest.ts";
import { type Header, type Line, recordsIn } from "./format.ts";
import { CannotMove } from "./pack.ts";
import { pagesOf } from "./pages.ts";
import { count, type Progress } from "./progress.ts";
import type { Shelf } from "./shop.ts";

/** What became of a collection. */
export interface Comparison {
  collection: string;
  inFile: Sum;
  inStore: Sum;
  /** What differs, in words. */
  differs: string | undefined;
}

const nothing = new Digest().sum;
const MOST_NAMED = 3;

/** The stores that a shop is brought into. No node opens them before all of it is there. */
export class Target {
  readonly #shelves: ReadonlyMap<string, Shelf>;
  readonly #progress: Progress;
  /** Collections in which some records are already. */
  readonly #begun = new Set<string>();
  known = 0;
  written = 0;

  constructor(shelves: readonly Shelf[], progress: Progress) {
    this.#shelves = new Map(shelves.map((shelf) => [shelf.name, shelf]));
    this.#progress = progress;
  }

  /** Refuses what cannot be brought in, and whatever is there and does not belong to it, before anything is written. */
  async prepare(header: Header, foreseen: ReadonlyMap<string, Prints>): Promise<void> {
    for (const { name, schemaVersion } of header.collections) {
      const shelf = this.#shelves.get(name);
      if (!shelf)
        throw new CannotMove(`${name} is not known here: the file is from Lonja ${header.lonja}, use that one.`);
      if (schemaVersion > shelf.schemaVersion)
        throw new CannotMove(
          `${name} has schema version ${schemaVersion}, this Lonja knows ${shelf.schemaVersion}: use Lonja ${header.lonja}.`,
        );
      const stored = await shelf.adapter.storedSchemaVersion();
      if (stored > schemaVersion)
        throw new CannotMove(
          `The store has schema version ${stored} of ${name}, and the file has ${schemaVersion}: begin with an empty store.`,
        );
    }
    await this.#refuseStrangers(foreseen);
    const filled = new Set(header.collections.filter(({ records }) => records > 0).map(({ name }) => name));
    for (const { name, adapter } of this.#shelves.values())
      if ((await adapter.storedSchemaVersion()) === 0 || (filled.has(name) && !this.#begun.has(name)))
        await adapter.setSchemaVersion(HALF_MOVED);
    this.#progress.begin("Writing", recordsIn(header));
  }

  /** Records of one collection. Those that are there already are equal. */
  async put(lines: readonly Line[]): Promise<void> {
    const [first] = lines;
    if (!first) return;
    const { name, adapter } = this.#shelves.get(first.collection) as Shelf;
    const there = this.#begun.has(name) ? await adapter.findByIds(lines.map(({ record }) => record._id)) : [];
    const ids = new Set(there.map(({ _id }) => _id));
    const fresh = lines.filter(({ record }) => !ids.has(record._id));
    try {
      if (fresh.length > 0) await adapter.insertMany(fresh.map(({ record }) => record));
    } catch (error) {
      if (!isDuplicate(error)) throw error;
      throw new CannotMove(
        `A record of ${name} in lines ${first.number} to ${lines.at(-1)?.number} cannot be written: ${error.message}.`,
      );
    }
    this.known += ids.size;
    this.written += fresh.length;
    this.#progress.advance(lines.length);
  }

  /** Reads all that is there. */
  async compare(header: Header, sums: Sums, prints: ReadonlyMap<string, Prints>): Promise<Comparison[]> {
    this.#progress.begin("Comparing", recordsIn(header));
    const compared: Comparison[] = [];
    for (const { name, adapter } of this.#shelves.values()) {
      const [found, wanted] = [new Digest(), prints.get(name) ?? new Prints()];
      const strangers: string[] = [];
      for await (const page of pagesOf(adapter)) {
        for (const record of page) {
          const print = printOf(record);
          found.add(print);
          if (!wanted.find(print)) strangers.push(record._id);
        }
        this.#progress.advance(page.length);
      }
      const [inFile, inStore] = [sums[name] ?? nothing, found.sum];
      const differs = equal(inFile, inStore) ? undefined : difference(strangers, wanted);
      if (inFile.records + inStore.records > 0) compared.push({ collection: name, inFile, inStore, differs });
    }
    return compared;
  }

  /** From now on it is a shop like any other. */
  async open({ collections }: Header): Promise<void> {
    const versions = new Map(collections.map(({ name, schemaVersion }) => [name, schemaVersion]));
    for (const { name, schemaVersion, adapter } of this.#shelves.values())
      await adapter.setSchemaVersion(versions.get(name) ?? schemaVersion);
  }

  async #refuseStrangers(foreseen: ReadonlyMap<string, Prints>): Promise<void> {
    const strangers: string[] = [];
    for (const shelf of this.#shelves.values()) {
      if ((await shelf.adapter.findOne({})) === null) continue;
      this.#begun.add(shelf.name);
      strangers.push(...(await strangersIn(shelf, foreseen.get(shelf.name) ?? new Prints())));
    }
    if (strangers.length > 0)
      throw new CannotMove(
        `There is something else already: ${strangers.join(", ")}. An import begins with empty stores, or goes on where one of the same file was interrupted.`,
      );
  }
}

/** How many records there are, with one that the file does not have as it is; empty where it has all. */
async function strangersIn({ name, adapter }: Shelf, foreseen: Prints): Promise<string[]> {
  for await (const page of pagesOf(adapter))
    for (const record of page)
      if (!foreseen.has(printOf(record))) return [`${count(await adapter.count())} in ${name} (such as ${record._id})`];
  return [];
}

function difference(strangers: readonly string[], wanted: Prints): string {
  const lost = wanted.unfound();
  return [
    ...(strangers.length > 0 ? [`${few(strangers)} ${strangers.length > 1 ? "are" : "is"} not as in the file`] : []),
    ...(lost.length > 0 ? [`not there as in the file: line ${few([...lost].map(String))}`] : []),
  ].join("; ");
}

const few = (names: readonly string[]): string =>
  names.length > MOST_NAMED
    ? `${names.slice(0, MOST_NAMED).join(", ")} and ${count(names.length - MOST_NAMED)} more`
    : names.join(", ");
