import type { Node } from "../moleculer.config.ts";
import { UnusableCommand } from "../moving/command.ts";
import type { Voice } from "../moving/progress.ts";
import { openShop, placesOf } from "../moving/shop.ts";
import { type Source, unpack } from "../moving/unpack.ts";
import { isThere } from "../moving/verdict.ts";
import { openArchive } from "./archive.ts";
import { booksIn } from "./books.ts";
import { servicesOf } from "./make.ts";
import { chargesOf, NoRecord } from "./provider.ts";
import { type Reconciliation, reconcile, unreconciled } from "./reconciliation.ts";
import { holdsSandbox, settle } from "./settle.ts";

export interface Plan {
  path: string;
  reporter: Voice;
  node: Node;
  passphrase: string | undefined;
  nextInvoice: number | undefined;
  /** Nothing is written. */
  isDry: boolean;
}

/**
 * Brings a shop from a backup into empty stores, and answers what that means for the payments made since. Undefined: the
 * stores do not hold what the backup holds, and nobody opens them.
 */
export async function restore(plan: Plan): Promise<Reconciliation | undefined> {
  const { path, node, passphrase, nextInvoice, isDry, reporter } = plan;
  const { label, source } = await openArchive(path, passphrase);
  const books = await booksIn(source, reporter);
  if (nextInvoice !== undefined && nextInvoice <= books.lastInvoice)
    throw new UnusableCommand(
      `--next-invoice ${nextInvoice} cannot be used: the backup has invoices up to ${books.lastInvoice}.`,
    );
  if (!isDry && !(await bringIn(source, plan))) return undefined;
  const found = await chargesOf(node).then(
    (charges) => reconcile(label.at, books, charges, nextInvoice),
    (error) => {
      if (!(error instanceof NoRecord)) throw error;
      return unreconciled(label.at, books, nextInvoice, error.message);
    },
  );
  if (!isDry) await settle(node, found);
  return found;
}

async function bringIn(source: Source, { node, reporter }: Plan): Promise<boolean> {
  const services = servicesOf({ withSandbox: await holdsSandbox(source) });
  reporter.say(`Into ${placesOf(node.settings, services)}`);
  const shop = await openShop(node, { make: true, services });
  try {
    return isThere(await unpack(shop.shelves, source, reporter), reporter);
  } finally {
    await shop.close();
  }
}
