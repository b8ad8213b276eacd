import type { StoreAdapter } from "../mixins/store.ts";
import { openShop } from "../moving/shop.ts";
import { readSettings } from "../services/shared/settings.ts";
import { realWorld } from "../services/shared/world.ts";

/** One collection of each of these services, in this order. */
export const written = ["orders.orders", "payments.payments", "inventory.movements"] as const;

/** Writes the same record into one store after the other, again and again: each write is the cause of the next. */
export async function writeOn(adapters: readonly StoreAdapter[], goesOn: () => boolean): Promise<void> {
  for (let n = 0; goesOn(); n++) for (const adapter of adapters) await adapter.insert({ _id: `n${n}`, version: 1 });
}

export async function openWritten(env: Record<string, string>) {
  const { shelves, close } = await openShop({ settings: readSettings(env), world: realWorld }, { make: true });
  for (const { adapter } of shelves) await adapter.setSchemaVersion(1);
  const adapters = written.map((name) => shelves.find((shelf) => shelf.name === name)?.adapter as StoreAdapter);
  return { adapters, close };
}

async function write(): Promise<void> {
  const { adapters } = await openWritten(process.env as Record<string, string>);
  process.on("disconnect", () => process.exit());
  process.send?.("open");
  await writeOn(adapters, () => true);
}

/** As a process of its own, since the owner of a file can do nothing else while it waits to write. */
if (process.argv[1] === import.meta.filename) void write();
