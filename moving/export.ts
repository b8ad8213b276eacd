import { createRequire } from "node:module";
import { node } from "../moleculer.config.ts";
import { timeAt } from "../services/shared/world.ts";
import { command } from "./command.ts";
import { sinkOf } from "./file.ts";
import { pack } from "./pack.ts";
import { count } from "./progress.ts";
import { openShop, placesOf } from "./shop.ts";

const { version: lonja } = createRequire(import.meta.url)("../package.json") as { version: string };

/** Writes the shop that the environment names into a file: `npm run export -- shop.ndjson`. */
const usage = { text: "npm run export -- shop.ndjson [--force], or - for standard output.", flags: ["--force"] };
await command(usage, async (asked) => {
  const { path, flags, reporter, onEarlyEnd } = asked;
  const sink = await sinkOf(path, flags.has("--force"));
  onEarlyEnd(() => sink.discard());
  reporter.say(`From ${placesOf(node.settings)}`);
  const shop = await openShop(node, { make: false });
  const about = { lonja, at: timeAt(node.world), progress: reporter };
  const { sums, digest } = await pack(shop.shelves, (text) => sink.write(text), about);
  await sink.keep();
  await shop.close();
  reporter.table(
    ["collection", "records", "digest"],
    Object.entries(sums).map(([name, sum]) => [name, count(sum.records), sum.digest.slice(0, 12)]),
  );
  if (shop.absent.length > 0)
    reporter.say(`There is no store of ${shop.absent.join(", ")}, and nothing of it in the file.`);
  const records = Object.values(sums).reduce((total, sum) => total + sum.records, 0);
  reporter.say(
    `${count(records)} records are in ${path === "-" ? "what was sent" : path}. The shop's digest is ${digest}.`,
  );
  return 0;
});
