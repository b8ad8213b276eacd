import type { Collection, Doc } from "../mixins/store.mixin.ts";
import type { ServiceName } from "../services/contracts.ts";
import type { LedgerEntry } from "../services/payments/payments.contract.ts";
import type { Page } from "../services/shared/schema.ts";
import { staff } from "./money.ts";
import type { Shop } from "./shop.ts";

async function whole<T>(ask: (cursor: string | undefined) => Promise<Page<T>>): Promise<T[]> {
  const all: T[] = [];
  let cursor: string | undefined;
  do {
    const page = await ask(cursor);
    all.push(...page.data);
    cursor = page.nextCursor ?? undefined;
  } while (cursor);
  return all;
}

const paging = (cursor: string | undefined) => ({ limit: 100, ...(cursor ? { cursor } : {}) });
const sum = (numbers: readonly number[]) => numbers.reduce((total, number) => total + number, 0);
const keepers: ServiceName[] = ["inventory", "orders", "payments", "sandbox", "notifications"];

/** The documents that a service keeps, as nobody outside of it can see them. */
const kept = <D extends Doc>({ broker }: Pick<Shop, "broker">, service: ServiceName, name: string): Collection<D> =>
  (broker.getLocalService(service) as unknown as Record<string, Collection<D>>)[name] as Collection<D>;

/** Orders whose process has not come to its end. */
export const unfinished = (shop: Pick<Shop, "broker">): Promise<number> =>
  kept(shop, "orders", "orders").count({ dueAt: { $ne: null } });

/**
 * Compares all that the services have written down, with each other and with the provider's own record, and
 * names what does not agree. `opened` is the stock that there was at first.
 */
export async function disagreements(shop: Shop, opened: Readonly<Record<string, number>>): Promise<string[]> {
  const { call } = shop;
  const wrong: string[] = [];
  const expect = (what: string, found: unknown, wanted: unknown) => {
    if (JSON.stringify(found) !== JSON.stringify(wanted))
      wrong.push(`${what}: ${JSON.stringify(found)}, not ${JSON.stringify(wanted)}`);
  };

  const orders = await whole((cursor) => call("orders.search", paging(cursor), staff));
  const charges = await whole((cursor) => call("sandbox.charges", paging(cursor), staff));
  const invoices = await whole((cursor) => call("payments.invoices", paging(cursor), staff));
  const entries = await whole((cursor) => call("payments.ledger", paging(cursor), staff));
  const mails = await whole((cursor) => call("notifications.mails", paging(cursor), staff));
  const payments = await whole((cursor) =>
    kept<Doc & { orderId: string }>(shop, "payments", "payments").find({ cursor }),
  );
  const orderOf = new Map(payments.map(({ id, orderId }) => [id, orderId]));

  for (const { id, status } of orders)
    if (!["confirmed", "canceled", "expired"].includes(status)) wrong.push(`${id} is still ${status}`);
  expect("orders whose process has not ended", await unfinished(shop), 0);

  for (const [sku, units] of Object.entries(opened)) {
    const sold = sum(
      orders
        .filter(({ status }) => status === "confirmed")
        .flatMap(({ lines }) => lines.flatMap((line) => (line.sku === sku ? [line.quantity] : []))),
    );
    const { onHand, held } = await call("inventory.level", { sku }, staff);
    expect(`${sku} on hand and held`, [onHand, held], [units - sold, 0]);
    const moved = await whole((cursor) => call("inventory.movements", { sku, ...paging(cursor) }, staff));
    expect(`movements of ${sku}`, sum(moved.map(({ delta }) => delta)), onHand);
    for (const [orderId, mine] of Map.groupBy(moved, ({ orderId }) => orderId)) {
      const times = (kind: string) => mine.filter((one) => one.kind === kind).length;
      if (orderId && (times("sold") > 1 || times("returned") > times("sold")))
        wrong.push(`${sku} of ${orderId} was sold ${times("sold")} and returned ${times("returned")} times`);
    }
  }

  const byOrder = Map.groupBy(charges, ({ key }) => orderOf.get(key) ?? `nobody's, ${key}`);
  for (const { id, status, totals, paymentStatus } of orders) {
    const mine = byOrder.get(id) ?? [];
    byOrder.delete(id);
    const money = sum(mine.map(({ captured, refunded }) => captured - refunded));
    expect(`kept money of ${id}, ${status}, ${paymentStatus}`, money, status === "confirmed" ? totals.total.amount : 0);
    if (mine.length > 1) wrong.push(`${id} was charged ${mine.length} times`);
    if (mine.some((charge) => !charge.closed)) wrong.push(`${id} still has money reserved`);

    const journal = entries.filter(({ orderId }) => orderId === id);
    expect(`journal of ${id}`, sum(journal.map(grossOf)), money);
    const issued = invoices.filter(({ orderId }) => orderId === id);
    expect(`invoices of ${id}`, issued.length, mine.some(({ captured }) => captured > 0) ? 1 : 0);
    const confirmations = mails.filter(({ orderId, template }) => orderId === id && template === "order_confirmed");
    if (status === "confirmed") expect(`confirmations of ${id}`, confirmations.length, 1);
  }
  expect("charges that belong to no order", [...byOrder.keys()], []);
  expect(
    "entries that do not balance",
    entries.filter(({ postings }) => sum(postings.map(({ debit, credit }) => debit - credit)) !== 0),
    [],
  );
  const numbers = invoices.map(({ sequence }) => sequence).toSorted((a, b) => a - b);
  expect(
    "invoice numbers",
    numbers,
    Array.from(numbers, (_, n) => n + 1),
  );

  for (const name of keepers) {
    const { waiting, deadLetters } = await call(`${name}.outbox`, {});
    expect(`undelivered and dead letters of ${name}`, [waiting, deadLetters], [0, 0]);
  }
  return wrong;
}

const grossOf = ({ kind, postings }: LedgerEntry) =>
  (kind === "capture" ? 1 : -1) * sum(postings.map(({ debit }) => debit));
