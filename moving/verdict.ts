import { digestOf } from "./digest.ts";
import { count, type Voice } from "./progress.ts";
import type { Unpacked } from "./unpack.ts";

/** Says what became of a shop that was brought in, and whether all of it is there. */
export function isThere({ header, compared, known, written }: Unpacked, reporter: Voice): boolean {
  reporter.table(
    ["collection", "in the file", "in the store", "digest", ""],
    compared.map(({ collection, inFile, inStore, differs }) => [
      collection,
      count(inFile.records),
      count(inStore.records),
      inStore.digest.slice(0, 12),
      differs ? "differs" : "equal",
    ]),
  );
  if (known > 0) reporter.say(`${count(known)} records were there already, ${count(written)} were written now.`);
  const different = compared.filter(({ differs }) => differs);
  for (const { collection, differs } of different) reporter.say(`${collection}: ${differs}.`);
  if (different.length > 0) {
    reporter.say(
      "The stores do not hold what the file holds, and no node opens them: was a shop running there? Begin anew with empty stores.",
    );
    return false;
  }
  const sums = Object.fromEntries(
    compared.flatMap(({ collection, inStore }) => (inStore.records > 0 ? [[collection, inStore]] : [])),
  );
  reporter.say(`The shop of ${header.at} is there, record by record. Its digest is ${digestOf(sums)}.`);
  return true;
}
