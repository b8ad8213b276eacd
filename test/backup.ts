import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { backUp, servicesOf } from "../backup/make.ts";
import type { Reconciliation } from "../backup/reconciliation.ts";
import { restore } from "../backup/restoring.ts";
import type { Voice } from "../moving/progress.ts";
import { readSettings } from "../services/shared/settings.ts";
import { realWorld } from "../services/shared/world.ts";
import { disagreements } from "./books.ts";
import { until } from "./client.ts";
import { openShop } from "./shop.ts";

const nobody: Voice = { begin() {}, advance() {}, say() {}, table() {} };
const nodeOf = (env: Record<string, string>) => ({ settings: readSettings(env), world: realWorld });

/** Backs up the shop that this environment names, and answers what was said of it and where it is. */
export async function backedUp(
  env: Record<string, string>,
  folder: string,
  { withSandbox = true, keep }: { withSandbox?: boolean; keep?: number } = {},
): Promise<{ path: string; said: string }> {
  const said: string[] = [];
  const reporter = { ...nobody, say: (text: string) => void said.push(text) };
  const services = servicesOf({ withSandbox });
  const plan = { folder, node: nodeOf(env), services, keep, passphrase: undefined, reporter, onEarlyEnd() {} };
  return { path: await backUp(plan), said: said.join("\n") };
}

/** Brings a backup into the stores that this environment names. */
export async function restored(
  path: string,
  env: Record<string, string>,
  { nextInvoice, isDry = false }: { nextInvoice?: number; isDry?: boolean } = {},
): Promise<Reconciliation> {
  const node = nodeOf(env);
  const found = await restore({ path, node, passphrase: undefined, nextInvoice, isDry, reporter: nobody });
  if (!found) throw new Error("the stores do not hold what the backup holds");
  return found;
}

/**
 * Restores a backup into an empty shop, with the provider's record of the same moment, opens it, lets it come to rest, and
 * names what does not agree in it.
 */
export async function disagreementsAfter(
  path: string,
  opened: Readonly<Record<string, number>>,
  stores: Record<string, string> = {},
): Promise<string[]> {
  const dataDir = mkdtempSync(join(tmpdir(), "lonja-restored-"));
  try {
    await restored(path, { DATA_DIR: dataDir, ...stores });
    const shop = await openShop({ dataDir, env: stores });
    const wrong = await until(
      () => disagreements(shop, opened),
      (found) => found.length === 0,
    );
    await shop.close();
    return wrong;
  } finally {
    rmSync(dataDir, { recursive: true, force: true });
  }
}
