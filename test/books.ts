import type { Collection, Doc } from "../mixins/store.mixin.ts";
import type { ServiceName } from "../services/contracts.ts";
import type { Movement, StockLevel } from "../services/inventory/inventory.contract.ts";
import type { Mail } from "../services/notifications/notifications.contract.ts";
import type { Order } from "../services/orders/orders.contract.ts";
import type { Invoice, LedgerEntry, Payment } from "../services/payments/payments.contract.ts";
import type { Charge } from "../services/sandbox/sandbox.contract.ts";
import type { Page } from "../services/shared/schema.ts";
import type { Client } from "./client.ts";
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

/** All that the services have written down, and the provider's own record. */
interface Books {
  orders: readonly Order[];
  charges: readonly Charge[];
  invoices: readonly Invoice[];
  entries: readonly LedgerEntry[];
  mails: readonly Mail[];
  /** The order that a charge is for, by the charge's key. */
  orderOf: ReadonlyMap<string, string>;
  stock: Readonly<Record<string, { level: StockLevel; moved: readonly Movement[] }>>;
  /** Facts that are not delivered, and those that could not be. */
  outboxes: Readonly<Record<string, readonly [waiting: number, deadLetters: number]>>;
}

/**
 * Compares all that the services have written down, with each other and with the provider's own record, and
 * names what does not agree. `opened` is the stock that there was at first.
 */
export async function disagreements(shop: Shop, opened: Readonly<Record<string, number>>): Promise<string[]> {
  const { call } = shop;
  const payments = await whole((cursor) =>
    kept<Doc & { orderId: string }>(shop, "payments", "payments").find({ cursor }),
  );
  const stock = Object.keys(opened).map(async (sku) => [
    sku,
    {
      level: await call("inventory.level", { sku }, staff),
      moved: await whole((cursor) => call("inventory.movements", { sku, ...paging(cursor) }, staff)),
    },
  ]);
  const outboxes = keepers.map(async (name) => {
    const { waiting, deadLetters } = await call(`${name}.outbox`, {});
    return [name, [waiting, deadLetters]];
  });
  const wrong = compared(opened, {
    orders: await whole((cursor) => call("orders.search", paging(cursor), staff)),
    charges: await whole((cursor) => call("sandbox.charges", paging(cursor), staff)),
    invoices: await whole((cursor) => call("payments.invoices", paging(cursor), staff)),
    entries: await whole((cursor) => call("payments.ledger", paging(cursor), staff)),
    mails: await whole((cursor) => call("notifications.mails", paging(cursor), staff)),
    orderOf: new Map(payments.map(({ id, orderId }) => [id, orderId])),
    stock: Object.fromEntries(await Promise.all(stock)),
    outboxes: Object.fromEntries(await Promise.all(outboxes)),
  });
  const left = await unfinished(shop);
  return left ? [...wrong, `${left} orders whose process has not ended`] : wrong;
}

/** The same through the door, where nothing else can be reached. */
export async function disagreementsSeenBy(admin: Client, opened: Readonly<Record<string, number>>): Promise<string[]> {
  const get = async <T>(path: string): Promise<T> => {
    const { status, body, text } = await admin.get(path);
    if (status !== 200) throw new Error(`${path}: ${status} ${text}`);
    return body as T;
  };
  const list = <T>(path: string) =>
    whole((cursor) => get<Page<T>>(`${path}?limit=100${cursor ? `&cursor=${encodeURIComponent(cursor)}` : ""}`));
  const charges = await list<Charge>("/v1/admin/sandbox/charges");
  const orders = await list<Order>("/v1/admin/orders");
  const orderOf = new Map(orders.map(({ id, payment }) => [payment?.id ?? "", id]));
  for (const { key } of charges)
    if (!orderOf.has(key)) orderOf.set(key, (await get<Payment>(`/v1/payments/${key}`)).orderId);
  const stock = Object.keys(opened).map(async (sku) => [
    sku,
    {
      level: await get<StockLevel>(`/v1/admin/inventory/${sku}`),
      moved: await list<Movement>(`/v1/admin/inventory/${sku}/movements`),
    },
  ]);
  const metrics = (await admin.get("/metrics")).text;
  const gauge = (name: string, service: string) =>
    Number(new RegExp(`^${name}\\{service="${service}"\\} (\\d+)$`, "m").exec(metrics)?.[1] ?? Number.NaN);
  return compared(opened, {
    orders,
    charges,
    orderOf,
    invoices: await list<Invoice>("/v1/admin/invoices"),
    entries: await list<LedgerEntry>("/v1/admin/ledger"),
    mails: await list<Mail>("/v1/admin/mails"),
    stock: Object.fromEntries(await Promise.all(stock)),
    outboxes: Object.fromEntries(
      keepers.map((name) => [name, [gauge("lonja_outbox_waiting", name), gauge("lonja_dead_letters", name)]]),
    ),
  });
}

function compared(
  opened: Readonly<Record<string, number>>,
  { orders, charges, invoices, entries, mails, orderOf, stock, outboxes }: Books,
): string[] {
  const wrong: string[] = [];
  const expect = (what: string, found: unknown, wanted: unknown) => {
    if (JSON.stringify(found) !== JSON.stringify(wanted))
      wrong.push(`${what}: ${JSON.stringify(found)}, not ${JSON.stringify(wanted)}`);
  };

  for (const { id, status } of orders)
    if (!["confirmed", "canceled", "expired"].includes(status)) wrong.push(`${id} is still ${status}`);

  for (const [sku, units] of Object.entries(opened)) {
    const sold = sum(
      orders
        .filter(({ status }) => status === "confirmed")
        .flatMap(({ lines }) => lines.flatMap((line) => (line.sku === sku ? [line.quantity] : []))),
    );
    const { level, moved = [] } = stock[sku] ?? {};
    expect(`${sku} on hand and held`, [level?.onHand, level?.held], [units - sold, 0]);
    expect(`movements of ${sku}`, sum(moved.map(({ delta }) => delta)), level?.onHand);
    for (const [orderId, mine] of Map.groupBy(moved, ({ orderId }) => orderId)) {
      const times = (kind: string) => mine.filter((one) => one.kind === kind).length;
      if (orderId && (times("sold") > 1 || times("returned") > times("sold")))
        wrong.push(`${sku} of ${orderId} was sold ${times("sold")} and returned ${times("returned")} times`);
    }
  }

  const byOrder = Map.groupBy(charges, ({ key }) => orderOf.get(key) ?? `nobody's, ${key}`);
  const entriesOf = Map.groupBy(entries, ({ orderId }) => orderId);
  const invoicesOf = Map.groupBy(invoices, ({ orderId }) => orderId);
  const mailsOf = Map.groupBy(mails, ({ orderId }) => orderId);
  for (const { id, status, totals, paymentStatus } of orders) {
    const mine = byOrder.get(id) ?? [];
    byOrder.delete(id);
    const money = sum(mine.map(({ captured, refunded }) => captured - refunded));
    expect(`kept money of ${id}, ${status}, ${paymentStatus}`, money, status === "confirmed" ? totals.total.amount : 0);
    if (mine.length > 1) wrong.push(`${id} was charged ${mine.length} times`);
    if (mine.some((charge) => !charge.closed)) wrong.push(`${id} still has money reserved`);

    expect(`journal of ${id}`, sum((entriesOf.get(id) ?? []).map(grossOf)), money);
    const issued = invoicesOf.get(id) ?? [];
    expect(`invoices of ${id}`, issued.length, mine.some(({ captured }) => captured > 0) ? 1 : 0);
    const confirmations = (mailsOf.get(id) ?? []).filter(({ template }) => template === "order_confirmed");
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
  for (const [name, counts] of Object.entries(outboxes))
    expect(`undelivered and dead letters of ${name}`, counts, [0, 0]);
  return wrong;
}

const grossOf = ({ kind, postings }: LedgerEntry) =>
  (kind === "capture" ? 1 : -1) * sum(postings.map(({ debit }) => debit));
