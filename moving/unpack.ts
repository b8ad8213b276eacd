import { Prints } from "./digest.ts";
import { type Header, type Line, Reader, recordsIn } from "./format.ts";
import { Batch } from "./pages.ts";
import type { Progress } from "./progress.ts";
import type { Shelf } from "./shop.ts";
import { type Comparison, Target } from "./target.ts";

/** Where lines come from. */
export interface Source {
  /** It can be read more than once: a file, and not what comes through a pipe. */
  isLasting: boolean;
  /** Its lines, in bounded memory. */
  lines(): AsyncIterable<string>;
}

export interface Unpacked {
  header: Header;
  compared: readonly Comparison[];
  /** How many records were there before, and how many were written. */
  known: number;
  written: number;
}

/**
 * Brings a shop from lines into stores that are empty, or hold a part of the same lines from an import that was
 * interrupted. A lasting source is read to its end before anything is written.
 */
export async function unpack(shelves: readonly Shelf[], source: Source, progress: Progress): Promise<Unpacked> {
  const foreseen = source.isLasting ? await foresee(source, progress) : new Map<string, Prints>();
  const target = new Target(shelves, progress);
  const reader = new Reader();
  const prints = new Map<string, Prints>();
  const batch = new Batch<Line>();
  let collection = "";
  for await (const said of readFrom(source, reader)) {
    if (!("record" in said)) {
      await target.prepare(said, foreseen);
      continue;
    }
    if (said.collection !== collection) await target.put(batch.empty());
    ({ collection } = said);
    printsIn(prints, said).add(said.print, said.number);
    if (batch.add(said, said.letters)) await target.put(batch.empty());
  }
  await target.put(batch.empty());
  const header = reader.finish();
  const compared = await target.compare(header, reader.sums, prints);
  if (compared.every(({ differs }) => !differs)) await target.open(header);
  const { known, written } = target;
  return { header, compared, known, written };
}

/** What will come, and that it is all there. */
async function foresee(source: Source, progress: Progress): Promise<ReadonlyMap<string, Prints>> {
  const reader = new Reader();
  const prints = new Map<string, Prints>();
  for await (const said of readFrom(source, reader)) {
    if (!("record" in said)) progress.begin("Checking the file", recordsIn(said));
    else {
      printsIn(prints, said).add(said.print, said.number);
      progress.advance(1);
    }
  }
  return prints;
}

async function* readFrom(source: Source, reader: Reader): AsyncGenerator<Header | Line> {
  for await (const text of source.lines()) {
    const said = reader.take(text);
    if (said) yield said;
  }
  reader.finish();
}

function printsIn(all: Map<string, Prints>, { collection }: Line): Prints {
  const known = all.get(collection) ?? new Prints();
  all.set(collection, known);
  return known;
}
