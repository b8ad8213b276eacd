import { node } from "../moleculer.config.ts";
import { command } from "./command.ts";
import { digestOf } from "./digest.ts";
import { sourceOf } from "./file.ts";
import { count } from "./progress.ts";
import { openShop, placesOf } from "./shop.ts";
import { unpack } from "./unpack.ts";

/** Brings a shop from a file into the stores that the environment names: `npm run import -- shop.ndjson`. */
await command("npm run import -- shop.ndjson, or - for standard input.", [], async ({ path, reporter }) => {
  const source = await sourceOf(path);
  reporter.say(`Into ${placesOf(node.settings)}`);
  const shop = await openShop(node, { make: true });
  const { header, compared, known, written } = await unpack(shop.shelves, source, reporter);
  await shop.close();
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
  if (different.length > 0)
    reporter.say(
      "The stores do not hold what the file holds, and no node opens them: was a shop running there? Begin anew with empty stores.",
    );
  else {
    const sums = Object.fromEntries(
      compared.flatMap(({ collection, inStore }) => (inStore.records > 0 ? [[collection, inStore]] : [])),
    );
    reporter.say(`The shop of ${header.at} is there, record by record. Its digest is ${digestOf(sums)}.`);
  }
  return different.length === 0;
});
