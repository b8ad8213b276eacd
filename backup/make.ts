import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import type { Node } from "../moleculer.config.ts";
import type { Asked } from "../moving/command.ts";
import { digestOf } from "../moving/digest.ts";
import { Reader, recordsIn, UnusableFile } from "../moving/format.ts";
import { pack } from "../moving/pack.ts";
import { count, type Progress, type Voice } from "../moving/progress.ts";
import { placesOf } from "../moving/shop.ts";
import { contracts, type ServiceName } from "../services/contracts.ts";
import { newArchive, openArchive } from "./archive.ts";
import { removeLeftOvers, removeOutdated } from "./folder.ts";
import { ClusterHush, nobodyToAsk } from "./hush.ts";
import { nameOf } from "./retention.ts";
import { openStill, type StillShop } from "./still.ts";

const { version: lonja } = createRequire(import.meta.url)("../package.json") as { version: string };

export interface Plan extends Pick<Asked, "onEarlyEnd"> {
  reporter: Voice;
  folder: string;
  node: Node;
  services: readonly ServiceName[];
  keep: number | undefined;
  passphrase: string | undefined;
}

/** What a provider has is not ours: it does not go back in time when a shop does. */
export const servicesOf = ({ withSandbox }: { withSandbox: boolean }): ServiceName[] =>
  (Object.keys(contracts) as ServiceName[]).filter((name) => withSandbox || name !== "sandbox");

/** Makes one backup, looks at it, removes those that are not kept any longer, and answers where it is. */
export async function backUp(plan: Plan): Promise<string> {
  const { folder, node, keep, reporter, services, onEarlyEnd } = plan;
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  removeLeftOvers(folder, node.settings.namespace, node.world.now());
  const scratch = mkdtempSync(join(folder, `.${node.settings.namespace}-copy-`));
  const cleanUp = () => rmSync(scratch, { recursive: true, force: true });
  onEarlyEnd(cleanUp);
  reporter.say(`From ${placesOf(node.settings, services)}`);
  const hush = await hushFor(node, services);
  try {
    const shop = await openStill(node, services, { scratch, hush });
    try {
      const name = await write(shop, plan, cleanUp);
      if (keep !== undefined) {
        const gone = removeOutdated(folder, node.settings.namespace, keep, name);
        if (gone.length > 0)
          reporter.say(`${gone.join(", ")} ${gone.length > 1 ? "are" : "is"} older than the newest ${keep}, and gone.`);
      }
      return join(folder, name);
    } finally {
      await shop.close();
    }
  } finally {
    if (hush instanceof ClusterHush) await hush.leave();
    cleanUp();
    onEarlyEnd(() => {});
  }
}

async function write(
  shop: StillShop,
  { folder, node, passphrase, reporter, onEarlyEnd }: Plan,
  cleanUp: () => void,
): Promise<string> {
  const { at, heldMs, shelves, absent } = shop;
  const name = nameOf(node.settings.namespace, at);
  const archive = await newArchive(join(folder, name), { lonja, at }, passphrase);
  onEarlyEnd(() => {
    archive.discard();
    cleanUp();
  });
  try {
    const about = { lonja, at, progress: reporter, isStill: true };
    const { sums, digest } = await pack(shelves, (text) => archive.write(text), about);
    const { part, bytes } = await archive.finish();
    await readBack(part, passphrase, digest, reporter);
    await archive.keep();
    const records = Object.values(sums).reduce((total, sum) => total + sum.records, 0);
    if (absent.length > 0) reporter.say(`There is no store of ${absent.join(", ")}, and nothing of it in the backup.`);
    reporter.say(
      `The ${count(records)} records of ${at} are in ${join(folder, name)} (${(bytes / 1e6).toFixed(1)} MB). ${heldMs > 0 ? `Writers were held back for ${heldMs} ms` : "Nobody was held back"}. The shop's digest is ${digest}.`,
    );
    return name;
  } catch (error) {
    archive.discard();
    throw error;
  }
}

/** What cannot be read is no backup. */
async function readBack(
  path: string,
  passphrase: string | undefined,
  digest: string,
  progress: Progress,
): Promise<void> {
  const { source } = await openArchive(path, passphrase);
  const reader = new Reader();
  for await (const text of source.lines()) {
    const said = reader.take(text);
    if (said && "collections" in said) progress.begin("Reading back", recordsIn(said));
    else progress.advance(1);
  }
  reader.finish();
  if (digestOf(reader.sums) !== digest) throw new UnusableFile("it does not hold what was written into it");
}

/** Only a store without snapshots needs the nodes for it. */
async function hushFor(node: Node, services: readonly ServiceName[]): Promise<ClusterHush | typeof nobodyToAsk> {
  const { stores, transporter } = node.settings;
  const isNeeded = services.some((name) => stores[name].startsWith("mongodb"));
  return isNeeded && transporter !== undefined ? ClusterHush.join(node) : nobodyToAsk;
}
