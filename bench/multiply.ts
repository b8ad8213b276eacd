import type { StoredRecord } from "../mixins/store.ts";
import { type OpenShop, openShop } from "../moving/shop.ts";
import { digest } from "../services/payments/digest.edge.ts";
import { type Draft, issued } from "../services/payments/invoice.ts";
import { readSettings } from "../services/shared/settings.ts";
import { realWorld } from "../services/shared/world.ts";

const AT_ONCE = 1_000;

// biome-ignore lint/suspicious/noExplicitAny: records of all kinds, as they are stored.
type Anything = StoredRecord & Record<string, any>;
const adapterOf = ({ shelves }: OpenShop, name: string) => {
  const shelf = shelves.find((one) => one.name === name);
  if (!shelf) throw new Error(`there is no ${name}`);
  return shelf.adapter;
};

/**
 * Fills a shop in a folder, in which one unit of the first SKU has been bought, with orders made after that one: all that
 * belongs to an order that went well, once for each. `skus`: over so many they are spread.
 */
export async function multiply(
  folder: string,
  orders: number,
  skus: number,
  skuOf: (n: number) => string,
): Promise<void> {
  const shop = await openShop({ settings: readSettings({ DATA_DIR: folder }), world: realWorld }, { make: false });
  const model = async (name: string) => (await adapterOf(shop, name).find({ sort: "-_id", limit: 1 }))[0] as Anything;
  const names = [
    "orders.orders",
    "payments.payments",
    "payments.ledger",
    "payments.invoices",
    "sandbox.charges",
    "notifications.mails",
    "inventory.movements",
  ] as const;
  const models = await Promise.all(names.map(model));
  const [order, payment, entry, invoice, charge, mail, movement] = models as [
    Anything,
    Anything,
    Anything,
    Anything,
    Anything,
    Anything,
    Anything,
  ];
  const copiesOf = (n: number): Anything[] => {
    const [orderId, paymentId] = [realWorld.id("ord"), realWorld.id("pay")];
    const led = realWorld.id("led");
    const lines = order.lines.map((line: object) => ({ ...line, sku: skuOf(n % skus) }));
    const { requestKey, ...rest } = order;
    const draft = { orderId, paymentId, currency: "EUR", bill: payment.bill, status: "paid" } as Draft;
    const { id, ...issue } = issued(draft, n + 1, { id: realWorld.id("inv"), now: invoice.issuedAt, digest });
    return [
      { ...rest, _id: orderId, number: `B${n}`, lines, payment: { id: paymentId } } as unknown as Anything,
      { ...payment, _id: paymentId, orderId, entries: [{ ...payment.entries[0], id: led, paymentId, orderId }] },
      { ...entry, _id: led, orderId, paymentId },
      { ...issue, _id: id, version: 1 },
      { ...charge, _id: realWorld.id("ch"), key: paymentId },
      { ...mail, _id: realWorld.id("evt").replace("evt", "mail"), orderId },
      { ...movement, _id: realWorld.id("mov"), orderId, sku: skuOf(n % skus), stockVersion: 1 },
    ];
  };
  for (let from = 1; from < orders; from += AT_ONCE) {
    const copies = Array.from({ length: Math.min(AT_ONCE, orders - from) }, (_, n) => copiesOf(from + n));
    await Promise.all(
      names.map((name, at) => adapterOf(shop, name).insertMany(copies.map((all) => all[at] as Anything))),
    );
  }
  const stock = adapterOf(shop, "inventory.stock");
  for (let n = 0; n < skus; n++) {
    const record = (await stock.findById(skuOf(n))) as Anything;
    const sold = Math.ceil((orders - n) / skus) - (n === 0 ? 1 : 0);
    await stock.replace({ ...record, onHand: record.onHand - sold, version: record.version + 1 }, record.version);
  }
  await shop.close();
}
