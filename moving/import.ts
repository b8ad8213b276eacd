import { node } from "../moleculer.config.ts";
import { command } from "./command.ts";
import { sourceOf } from "./file.ts";
import { openShop, placesOf } from "./shop.ts";
import { unpack } from "./unpack.ts";
import { isThere } from "./verdict.ts";

/** Brings a shop from a file into the stores that the environment names: `npm run import -- shop.ndjson`. */
await command({ text: "npm run import -- shop.ndjson, or - for standard input." }, async ({ path, reporter }) => {
  const source = await sourceOf(path);
  reporter.say(`Into ${placesOf(node.settings)}`);
  const shop = await openShop(node, { make: true });
  const unpacked = await unpack(shop.shelves, source, reporter);
  await shop.close();
  return isThere(unpacked, reporter) ? 0 : 1;
});
