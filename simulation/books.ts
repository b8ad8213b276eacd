import { createHash } from "node:crypto";
import type { StoredRecord } from "../mixins/store.ts";
import type { Movement } from "../services/inventory/inventory.contract.ts";
import type { Stock } from "../services/inventory/stock.ts";
import type { KeptMail } from "../services/notifications/mail.ts";
import { isOwing } from "../services/orders/checkout.ts";
import type { KeptOrder } from "../services/orders/order.ts";
import type { Order } from "../services/orders/orders.contract.ts";
import { contentOf, type KeptInvoice } from "../services/payments/invoice.ts";
import { type KeptPayment, nextAsk } from "../services/payments/payment.ts";
import type { LedgerEntry } from "../services/payments/payments.contract.ts";
import type { KeptCharge } from "../services/sandbox/charge.ts";
import { canonical } from "../services/shared/canonical.ts";
import { type Answer, type Buyer, opened, type People } from "./buyers.ts";
import type { Cluster } from "./cluster.ts";

/** Something that must not be. `about`: the order, the payment or the SKU. */
export interface Violation {
  what: string;
  about: string;
}

type Raw<T> = Omit<T, "id"> & StoredRecord;
const sum = (numbers: Iterable<number>): number => {
  let total = 0;
  for (const number of numbers) total += number;
  return total;
};

/** Whether an order is on its way: it waits neither for its buyer nor for staff, and is not at its end. */
const isDriven = (process: KeptOrder["process"]): boolean =>
  (process.phase === "doing" || process.phase === "undoing") && !isOwing(process);

/** Whether an order has waited for its buyer long enough. */
const hasWaited = ({ phase, deadlineAt }: KeptOrder["process"], { door }: Cluster): boolean =>
  phase === "waiting" && Date.parse(deadlineAt) <= door.world.now();

/** Watches every write, and knows since when what is not at its end is on its way. */
export class Watch {
  readonly violations: Violation[] = [];
  /** Orders that are being driven, with the time since when they are. */
  readonly driven = new Map<string, number>();
  /** When the provider has known the outcome of a charge, by the charge's key. */
  readonly settledAt = new Map<string, number>();
  /** What was told with a confirmation or its end: mails are to be of that. */
  readonly told: { orderId: string; template: string }[] = [];
  /** The orders' payments, as they are now. */
  readonly #payments = new Map<string, Raw<KeptPayment>>();
  readonly #now: () => number;
  readonly #mix: (value: number) => void;

  constructor(now: () => number, mix: (value: number) => void) {
    this.#now = now;
    this.#mix = mix;
  }

  see(table: string, before: StoredRecord | undefined, after: StoredRecord | undefined): void {
    this.#mix(table.length * 8191 + (after?.version ?? 0));
    if (after) this.#watches[table]?.(before as never, after as never);
  }

  readonly #watches: Record<string, (before: never, after: never) => void> = {
    inventory_stock: (before: Raw<Stock> | undefined, after: Raw<Stock>) => {
      const held = sum(Object.values(after.held).map(({ quantity }) => quantity));
      for (const [orderId, { as }] of Object.entries(after.settled))
        if ((as === "released" || as === "returned") && !before?.settled[orderId] && !this.#isGivenUp(orderId))
          this.#found(`${after._id} is for sale again, and the order may still be paid`, orderId);
      if (after.onHand < held) this.#found(`${after._id}: ${after.onHand} on hand, and ${held} are held`, after._id);
    },
    orders_orders: (before: Raw<KeptOrder> | undefined, after: Raw<KeptOrder>) => {
      const { _id, status, process } = after;
      if (!isDriven(process)) this.driven.delete(_id);
      else if (!this.driven.has(_id)) this.driven.set(_id, this.#now());
      if (before && before.status !== status) {
        if (["canceled", "expired"].includes(before.status))
          this.#found(`an order that was ${before.status} is ${status}`, _id);
        if (before.status === "confirmed" && status !== "canceled") this.#found(`a confirmed order is ${status}`, _id);
      }
      if (before?.status !== "confirmed" && status === "confirmed")
        this.told.push({ orderId: _id, template: "order_confirmed" });
      if (before?.status === "confirmed" && status === "canceled")
        this.told.push({ orderId: _id, template: "order_canceled" });
    },
    sandbox_charges: (_before: Raw<KeptCharge> | undefined, after: Raw<KeptCharge>) => {
      const { key, status, captured, amount, refunded } = after;
      if (status === "processing" || status === "requires_action") return;
      if (!this.settledAt.has(key)) this.settledAt.set(key, this.#now());
      if (captured > amount || refunded > captured)
        this.#found(`the provider has ${captured} of ${amount} and paid ${refunded} back`, key);
    },
    payments_payments: (_before: Raw<KeptPayment> | undefined, after: Raw<KeptPayment>) => {
      const { _id, orderId, toCapture, amount, refunds } = after;
      this.#payments.set(orderId, after);
      const back = sum(refunds.filter(({ status }) => status !== "failed").map(({ amount }) => amount.amount));
      if ((toCapture ?? 0) > amount.amount || back > (toCapture ?? 0))
        this.#found(`${toCapture} of ${amount.amount} are to be taken, ${back} to be paid back`, _id);
    },
  };

  #isGivenUp(orderId: string): boolean {
    const payment = this.#payments.get(orderId);
    return !payment || payment.reversed !== null;
  }

  #found(what: string, about: string): void {
    this.violations.push({ what, about });
  }
}

/** What the services have written down, as it lies in their stores. */
const read = ({ memory }: Cluster) => ({
  orders: memory.all<Raw<KeptOrder>>("orders_orders"),
  stock: memory.all<Raw<Stock>>("inventory_stock"),
  movements: memory.all<Raw<Movement>>("inventory_movements"),
  payments: memory.all<Raw<KeptPayment>>("payments_payments"),
  invoices: memory.all<Raw<KeptInvoice>>("payments_invoices"),
  entries: memory.all<Raw<LedgerEntry>>("payments_ledger"),
  charges: memory.all<Raw<KeptCharge>>("sandbox_charges"),
  mails: memory.all<Raw<KeptMail>>("notifications_mails"),
});

/** What is not at its end yet. Orders that wait for their buyers are. */
export function* unfinished(cluster: Cluster): Generator<Violation> {
  const { orders, payments, mails } = read(cluster);
  for (const { _id, process, status } of orders)
    if (isDriven(process) || hasWaited(process, cluster))
      yield { what: `the order is ${status}, and ${process.phase} ${process.step}`, about: _id };
  for (const payment of payments) {
    const ask = nextAsk({ ...payment, id: payment._id } as unknown as KeptPayment);
    if (ask) yield { what: `the provider has still to be asked: ${ask.what}`, about: payment.orderId };
  }
  for (const { orderId, status } of mails)
    if (status === "queued") yield { what: "a mail has not left", about: orderId };
  for (const [name, table] of cluster.memory.tables)
    for (const { _id, outbox = [] } of table.records.values())
      for (const { type, to, error } of outbox)
        yield { what: `${name} have still to tell ${to} of ${type}: ${error ?? "not tried"}`, about: _id };
}

/** Orders that have been on their way for longer than they may, since the last fault or since they set out. */
export function* late(cluster: Cluster, watch: Watch, calmAt: number, limitMs: number): Generator<Violation> {
  const now = cluster.timeline.now;
  for (const [id, since] of watch.driven)
    if (now - Math.max(since, calmAt) > limitMs)
      yield { what: `not final ${limitMs / 1000} s after the last fault`, about: id };
  const { orders, payments } = read(cluster);
  const keys = new Map(payments.map(({ orderId, _id }) => [orderId, _id]));
  for (const { _id, process } of orders) {
    const settledAt = process.phase === "waiting" ? watch.settledAt.get(keys.get(_id) ?? "") : undefined;
    if (settledAt !== undefined && now - Math.max(settledAt, calmAt) > limitMs)
      yield { what: `still waits for a payment that was settled ${limitMs / 1000} s ago`, about: _id };
  }
}

/** Compares all that was written down with each other, with the provider's record and with what people were told. */
export function* disagreements(cluster: Cluster, watch: Watch, people: People): Generator<Violation> {
  yield* watch.violations;
  const books = read(cluster);
  const { orders, payments, charges, invoices, entries } = books;
  const paymentOf = new Map(payments.map((payment) => [payment.orderId, payment]));
  const chargesOf = Map.groupBy(charges, ({ key }) => key);
  const entriesOf = Map.groupBy(entries, ({ orderId }) => orderId);
  const invoicesOf = Map.groupBy(invoices, ({ orderId }) => orderId);

  for (const order of orders) {
    const { _id: id, status, totals, lines } = order;
    const is = (isSo: boolean, what: string): Violation[] =>
      isSo ? [] : [{ what: `${status} order: ${what}`, about: id }];
    yield* is(["confirmed", "canceled", "expired"].includes(status), "it is not final");
    yield* is(
      totals.total.amount === sum(lines.map(({ total }) => total.amount)),
      "its lines do not add up to its total",
    );
    const payment = paymentOf.get(id);
    const mine = payment ? (chargesOf.get(payment._id) ?? []) : [];
    const [charge] = mine;
    yield* is(mine.length <= 1, `${mine.length} charges`);
    chargesOf.delete(payment?._id ?? "");
    const kept = sum(mine.map(({ captured, refunded }) => captured - refunded));
    if (status === "confirmed") {
      yield* is(charge !== undefined, "it was never charged");
      const paid = charge?.status === "captured" || (cluster.captureLater && charge?.status === "authorized");
      yield* is(paid, `the charge is ${charge?.status}`);
      const { taken = charge?.captured, paidBack = charge?.refunded } = {
        taken: people.taken.get(charge?.key ?? ""),
        paidBack: people.paidBack.get(charge?.key ?? ""),
      };
      yield* is(taken === charge?.captured, `staff were told that ${taken} were taken, and ${charge?.captured} were`);
      yield* is(
        paidBack === charge?.refunded,
        `staff were told that ${paidBack} were paid back, and ${charge?.refunded} were`,
      );
      yield* is(
        cluster.captureLater || charge?.captured === totals.total.amount,
        `${charge?.captured} of ${totals.total.amount} were taken`,
      );
    } else {
      const refusesRefunds = charge?.token === "tok_refund_fails" && order.attention !== undefined;
      yield* is(kept === 0 || refusesRefunds, `${kept} of the money is kept`);
      yield* is(
        mine.every(({ closed }) => closed),
        "money is still reserved",
      );
    }
    const isRefused = order.refusal?.type === "insufficient_stock";
    yield* is(!isRefused || mine.length === 0, "it could not be had, and was charged");
    const own = entriesOf.get(id) ?? [];
    entriesOf.delete(id);
    yield* is(sum(own.map(grossOf)) === kept, `the journal says ${sum(own.map(grossOf))}, the provider has ${kept}`);
    yield* is(new Set(own.map(({ _id }) => _id)).size === own.length, "an entry stands twice in the journal");
    const taken = mine.some(({ captured }) => captured > 0);
    yield* is(
      (invoicesOf.get(id)?.length ?? 0) === (taken ? 1 : 0),
      `${invoicesOf.get(id)?.length ?? 0} invoices, and ${charge?.captured ?? 0} were taken`,
    );
  }
  for (const [key, more] of chargesOf)
    if (more.some(({ captured, refunded, closed }) => captured > refunded || !closed))
      yield { what: "a charge belongs to no order", about: key };
  for (const { _id, postings, orderId } of entries)
    if (sum(postings.map(({ debit, credit }) => debit - credit)) !== 0)
      yield { what: `${_id} does not balance`, about: orderId };
  yield* invoicesAreInOrder(invoices);
  yield* stockAgrees(books, people);
  yield* mailsAreOne(cluster, watch, books.mails);
}

function* invoicesAreInOrder(invoices: readonly Raw<KeptInvoice>[]): Generator<Violation> {
  const numbers = invoices.map(({ sequence }) => sequence).toSorted((a, b) => a - b);
  const gap = numbers.findIndex((number, n) => number !== n + 1);
  if (gap >= 0) yield { what: `there is no invoice ${gap + 1}`, about: "invoices" };
  for (const { _id, version: _version, inbox: _inbox, ...rest } of invoices) {
    const content = contentOf({ id: _id, ...rest } as unknown as KeptInvoice);
    const digest = createHash("sha256").update(canonical(content)).digest("hex");
    if (digest !== rest.contentHash) yield { what: `${rest.number} does not say what it said`, about: rest.orderId };
  }
}

function* stockAgrees({ orders, stock, movements }: ReturnType<typeof read>, people: People): Generator<Violation> {
  const sold = new Map<string, number>();
  const confirmed = new Set<string>();
  for (const { _id, status, lines } of orders) {
    if (status !== "confirmed") continue;
    confirmed.add(_id);
    for (const { sku, quantity } of lines) sold.set(sku, (sold.get(sku) ?? 0) + quantity);
  }
  for (const { _id: sku, onHand, held } of stock) {
    const adjusted = sum(people.adjustments.map((one) => (one.sku === sku ? one.delta : 0)));
    const expected = (opened[sku] ?? 0) + adjusted - (sold.get(sku) ?? 0);
    if (onHand !== expected) yield { what: `${onHand} on hand, and ${expected} should be`, about: sku };
    if (Object.keys(held).length) yield { what: `held for ${Object.keys(held)}`, about: sku };
    const mine = movements.filter((one) => one.sku === sku);
    const moved = sum(mine.map(({ delta }) => delta));
    if (moved !== onHand) yield { what: `${onHand} on hand, and the movements say ${moved}`, about: sku };
  }
  for (const [key, mine] of Map.groupBy(movements, ({ orderId, sku }) => `${orderId} ${sku}`)) {
    const [orderId = ""] = key.split(" ");
    if (orderId === "null") continue;
    const times = (kind: string) => mine.filter((one) => one.kind === kind).length;
    if (times("sold") !== 1 || times("returned") !== (confirmed.has(orderId) ? 0 : 1))
      yield {
        what: `${key.split(" ")[1]} was sold ${times("sold")} times and returned ${times("returned")} times`,
        about: orderId,
      };
  }
}

/** Each confirmation, and each end of a confirmed order, makes one mail, which leaves. */
function* mailsAreOne(cluster: Cluster, { told }: Watch, mails: readonly Raw<KeptMail>[]): Generator<Violation> {
  const keyOf = ({ orderId, template }: { orderId: string; template: string }) => `${orderId} ${template}`;
  const expected = told.map(keyOf).toSorted();
  const written = mails.map(keyOf).toSorted();
  const left = [...cluster.mails.values()].map(keyOf).toSorted();
  if (expected.join() === written.join() && expected.join() === left.join()) return;
  for (const key of new Set([...expected, ...written, ...left])) {
    const count = (keys: readonly string[]) => keys.filter((one) => one === key).length;
    const [orderId = "", template] = key.split(" ");
    if (count(expected) !== count(written) || count(written) !== count(left))
      yield {
        what: `${template}: told ${count(expected)} times, written ${count(written)} times, ${count(left)} have left`,
        about: orderId,
      };
  }
}

/** What an order may be for somebody who was told that it is this. Nothing else is for good. */
const lasting: Readonly<Record<string, readonly string[]>> = {
  confirmed: ["confirmed"],
  canceled: ["canceled", "expired"],
};

/** What a buyer was told holds, and is told again. */
export function brokenPromise({ key, order, refused, canceled }: Buyer, now: Answer<Order>): Violation[] {
  const said = "answer" in now ? `${now.answer.id} ${now.answer.status}` : now.refused;
  const broken = (was: string): Violation[] => [
    { what: `${key} was told ${was}, and now: ${said}`, about: order?.id ?? key },
  ];
  if (refused) return said === refused ? [] : broken(refused);
  if (!order) return [];
  const was = canceled ? "canceled" : order.status;
  const holds =
    "answer" in now
      ? now.answer.id === order.id && (lasting[was] ?? [now.answer.status]).includes(now.answer.status)
      : was !== "confirmed";
  return holds ? [] : broken(`${order.id} ${was}`);
}

const grossOf = ({ kind, postings }: Pick<LedgerEntry, "kind" | "postings">): number =>
  (kind === "capture" ? 1 : -1) * sum(postings.map(({ debit }) => debit));
