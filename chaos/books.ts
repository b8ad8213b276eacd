import type { ServiceName } from "../services/contracts.ts";
import type { Movement, StockLevel } from "../services/inventory/inventory.contract.ts";
import type { Mail } from "../services/notifications/notifications.contract.ts";
import type { Order } from "../services/orders/orders.contract.ts";
import type { Invoice, LedgerEntry, Payment } from "../services/payments/payments.contract.ts";
import type { Charge } from "../services/sandbox/sandbox.contract.ts";
import type { Client } from "../test/client.ts";

const sum = (numbers: readonly number[]) => numbers.reduce((total, number) => total + number, 0);
const keepers: ServiceName[] = ["inventory", "orders", "payments", "sandbox", "notifications"];

/** The orders, and the provider's own record. */
export interface Sales {
  orders: readonly Order[];
  charges: readonly Charge[];
  /** The order that a charge is for, by the charge's key. */
  orderOf: ReadonlyMap<string, string>;
}

/** All that the services have written down, too. */
interface Books extends Sales {
  invoices: readonly Invoice[];
  entries: readonly LedgerEntry[];
  mails: readonly Mail[];
  stock: Readonly<Record<string, { level: StockLevel; moved: readonly Movement[] }>>;
  /** Facts that are not delivered, and those that could not be. */
  outboxes: Readonly<Record<string, readonly [waiting: number, deadLetters: number]>>;
}

export async function salesOf(admin: Client): Promise<Sales> {
  const charges = await admin.all<Charge>("/v1/admin/sandbox/charges");
  const orders = await admin.all<Order>("/v1/admin/orders");
  const orderOf = new Map(orders.map(({ id, payment }) => [payment?.id ?? "", id]));
  for (const { key } of charges)
    if (!orderOf.has(key)) orderOf.set(key, (await admin.read<Payment>(`/v1/payments/${key}`)).orderId);
  return { orders, charges, orderOf };
}

/**
 * A second opinion beside doctor's, which shares no code with it: compares all that the services have written down, as
 * it is seen through the door, with each other and with the provider's own record, and names what does not agree.
 * `opened` is the stock that there was at first, `paidBack` what staff has paid back, by order.
 */
export async function disagreementsSeenBy(
  admin: Client,
  opened: Readonly<Record<string, number>>,
  paidBack: Readonly<Record<string, number>> = {},
): Promise<string[]> {
  const sales = await salesOf(admin);
  // One after the other: there may be many, and a shop that has just been broken is not to be overrun.
  const stock: Record<string, { level: StockLevel; moved: Movement[] }> = {};
  for (const sku of Object.keys(opened))
    stock[sku] = {
      level: await admin.read<StockLevel>(`/v1/admin/inventory/${sku}`),
      moved: await admin.all<Movement>(`/v1/admin/inventory/${sku}/movements`),
    };
  const metrics = (await admin.get("/metrics")).text;
  const gauge = (name: string, service: string) =>
    Number(new RegExp(`^${name}\\{service="${service}"\\} (\\d+)$`, "m").exec(metrics)?.[1] ?? Number.NaN);
  return compared(
    opened,
    {
      ...sales,
      invoices: await admin.all<Invoice>("/v1/admin/invoices"),
      entries: await admin.all<LedgerEntry>("/v1/admin/ledger"),
      mails: await admin.all<Mail>("/v1/admin/mails"),
      stock,
      outboxes: Object.fromEntries(
        keepers.map((name) => [name, [gauge("lonja_outbox_waiting", name), gauge("lonja_dead_letters", name)]]),
      ),
    },
    paidBack,
  );
}

function compared(
  opened: Readonly<Record<string, number>>,
  { orders, charges, invoices, entries, mails, orderOf, stock, outboxes }: Books,
  paidBack: Readonly<Record<string, number>> = {},
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
    const owed = status === "confirmed" ? totals.total.amount - (paidBack[id] ?? 0) : 0;
    expect(`kept money of ${id}, ${status}, ${paymentStatus}`, money, owed);
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
