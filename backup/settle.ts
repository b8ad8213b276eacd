import type { Collection, Doc } from "../mixins/store.mixin.ts";
import type { Node } from "../moleculer.config.ts";
import { Reader } from "../moving/format.ts";
import { type KnownShelf, openShop } from "../moving/shop.ts";
import type { Source } from "../moving/unpack.ts";
import type { Gap } from "../services/payments/invoicing.edge.ts";
import { hurried, type KeptPayment } from "../services/payments/payment.ts";
import { timeAt } from "../services/shared/world.ts";
import type { Reconciliation } from "./reconciliation.ts";

/** Whether a backup has the sandbox's record too, as its first line says. */
export async function holdsSandbox(source: Source): Promise<boolean> {
  for await (const text of source.lines()) {
    const said = new Reader().take(text);
    return (
      said !== undefined && "collections" in said && said.collections.some(({ name }) => name.startsWith("sandbox."))
    );
  }
  return false;
}

/** Prepares a shop that was restored for what has happened since: which numbers are left out, which payments are looked at. */
export async function settle(node: Node, { invoices, differences }: Reconciliation): Promise<void> {
  const shop = await openShop(node, { make: true, services: ["payments"] });
  try {
    const { last, next } = invoices;
    if (next > last + 1)
      await collectionOf<Gap>(shop.shelves, "payments.gaps").insertOnce({
        id: String(last + 1),
        from: last + 1,
        to: next - 1,
      });
    const payments = collectionOf<KeptPayment>(shop.shelves, "payments.payments");
    const now = timeAt(node.world);
    for (const { paymentId, here, there } of differences)
      if (here && there) await payments.change(paymentId, (payment) => hurried(payment, now));
  } finally {
    await shop.close();
  }
}

const collectionOf = <D extends Doc>(shelves: readonly KnownShelf[], name: string): Collection<D> => {
  const shelf = shelves.find((one) => one.name === name);
  if (!shelf) throw new Error(`there are no ${name}`);
  return shelf.collection as unknown as Collection<D>;
};
