import { readFileSync } from "node:fs";
import type { ImportJob } from "../services/catalog/catalog.contract.ts";
import { until } from "./client.ts";
import type { Shop } from "./shop.ts";

/** A small product CSV with most of what real ones contain. Five products, eight variants, all good. */
export const marketStall = readFileSync(new URL("./fixtures/market-stall.csv", import.meta.url), "utf8");

/** A product CSV with this many products, each of them with three variants. */
export function longFile(products: number): string {
  const rows = Array.from({ length: products }, (_, n) => [
    `long-${n},Thing ${n},Size,S,,${n % 9},${n + 1}.50`,
    `long-${n},,,M,,1,${n + 2}.50`,
    `long-${n},,,L,,,${n + 3}.50`,
  ]);
  return [
    "Handle,Title,Option1 Name,Option1 Value,Variant SKU,Variant Inventory Qty,Variant Price",
    ...rows.flat(),
    "",
  ].join("\r\n");
}

export const startImport = (shop: Shop, body: string): Promise<ImportJob> => shop.call("catalog.startImport", { body });

/** The import when it is over. */
export const importOver = ({ call }: Shop, { id }: { id: string }): Promise<ImportJob> =>
  until(
    () => call("catalog.getImport", { id }),
    ({ finishedAt }) => finishedAt !== null,
  );

export const importFile = async (shop: Shop, body: string): Promise<ImportJob> =>
  importOver(shop, await startImport(shop, body));
