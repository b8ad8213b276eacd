import { HALF_MOVED } from "../mixins/store.ts";
import { Digest, digestOf, equal, printOf, type Sums } from "./digest.ts";
import { Writer } from "./format.ts";
import { pagesOf } from "./pages.ts";
import type { Progress } from "./progress.ts";
import type { Shelf } from "./shop.ts";

/** The shop, or what is in its place, cannot be moved as it is. */
export class CannotMove extends Error {
  override readonly name = "CannotMove";
}

export interface Packed {
  sums: Sums;
  digest: string;
}

/**
 * Writes a whole shop as lines. Nothing stops others from changing it meanwhile, so it is read twice: where both times
 * are equal, this is what it was between the two. One that stands still is read once.
 */
export async function pack(
  shelves: readonly Shelf[],
  write: (text: string) => Promise<void>,
  { lonja, at, progress, isStill = false }: { lonja: string; at: string; progress: Progress; isStill?: boolean },
): Promise<Packed> {
  const collections = (await Promise.all(shelves.map(described))).flat();
  if (collections.length === 0) throw new CannotMove("There is no shop: nothing has ever been kept there.");
  const full = shelves.filter((shelf) => collections.some(({ name }) => name === shelf.name));
  const records = collections.reduce((sum, one) => sum + one.records, 0);

  const writer = new Writer();
  await write(writer.header({ lonja, at, collections }));
  progress.begin("Reading", records);
  for (const { name, adapter } of full)
    for await (const page of pagesOf(adapter)) {
      await write(page.map((record) => writer.record(name, record)).join(""));
      progress.advance(page.length);
    }
  if (!isStill) progress.begin("Reading again to compare", records);
  const again = isStill ? writer.sums : await sumsOf(full, progress);
  const changed = full.filter(({ name }) => !equal(again[name], writer.sums[name]));
  const counted = collections.filter((one) => one.records !== (writer.sums[one.name]?.records ?? 0));
  if (changed.length + counted.length > 0) {
    const names = new Set([...changed, ...counted].map(({ name }) => name));
    throw new CannotMove(
      `The shop has changed while it was read (${[...names].join(", ")}), and what was read is no whole: stop all nodes first.`,
    );
  }
  await write(writer.end());
  return { sums: again, digest: digestOf(again) };
}

async function described({ name, adapter }: Shelf) {
  const [schemaVersion, records] = [await adapter.storedSchemaVersion(), await adapter.count()];
  if (schemaVersion === HALF_MOVED)
    throw new CannotMove(`An import into ${name} has not come to its end: there is no whole shop to be read.`);
  return schemaVersion > 0 || records > 0 ? [{ name, schemaVersion: Math.max(1, schemaVersion), records }] : [];
}

/** What there is, by reading all of it. */
export async function sumsOf(shelves: readonly Shelf[], progress: Progress): Promise<Sums> {
  const sums: [string, Sums[string]][] = [];
  for (const { name, adapter } of shelves) {
    const digest = new Digest();
    for await (const page of pagesOf(adapter)) {
      for (const record of page) digest.add(printOf(record));
      progress.advance(page.length);
    }
    if (digest.sum.records > 0) sums.push([name, digest.sum]);
  }
  return Object.fromEntries(sums);
}
