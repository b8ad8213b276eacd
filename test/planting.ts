import type { Collection, Doc } from "../mixins/store.mixin.ts";
import type { StoredRecord } from "../mixins/store.ts";
import type { ServiceName } from "../services/contracts.ts";
import type { Order } from "../services/orders/orders.contract.ts";
import { anOrder, Client, stockMugs, until } from "./client.ts";
import { park } from "./dead-letter.ts";
import { orderId } from "./money.ts";
import type { Shop } from "./shop.ts";

/** The documents that a service keeps, as nobody outside of it can see them. */
export const kept = <D extends Doc>(
  { broker }: Pick<Shop, "broker">,
  service: ServiceName,
  name: string,
): Collection<D> =>
  (broker.getLocalService(service) as unknown as Record<string, Collection<D>>)[name] as Collection<D>;

// biome-ignore lint/suspicious/noExplicitAny: what is planted is wrong on purpose.
type Anything = any;

/** Writes wrong documents past the services that keep them. */
export class Vandal {
  readonly shop: Shop;

  constructor(shop: Shop) {
    this.shop = shop;
  }

  #adapter(place: string) {
    const [service, name] = place.split(".") as [ServiceName, string];
    return kept<Doc>(this.shop, service, name).adapter;
  }

  async find(place: string, query: Record<string, string>): Promise<StoredRecord & Anything> {
    const record = await this.#adapter(place).findOne(query);
    if (!record) throw new Error(`there is no such thing in ${place}: ${JSON.stringify(query)}`);
    return record;
  }

  /** Answers the record as it was. */
  async change(place: string, query: Record<string, string>, change: (record: Anything) => object) {
    const record = await this.find(place, query);
    if (!(await this.#adapter(place).replace({ ...record, ...change(record) }, record.version)))
      throw new Error(`${record._id} has changed meanwhile`);
    return record;
  }

  async remove(place: string, query: Record<string, string>) {
    const record = await this.find(place, query);
    await this.#adapter(place).removeById(record._id);
    return record;
  }

  async add(place: string, record: StoredRecord): Promise<StoredRecord> {
    return this.#adapter(place).insert(record);
  }
}

export interface Plant {
  what: string;
  /** What of it is to be named, and by which checks: the first record of each finding. */
  plant(vandal: Vandal, order: Order, n: number): Promise<Record<string, string>>;
  /** The checks that find nothing any more after a repair. */
  gone?: readonly string[];
  /** What it is bought with, where it is not by an ordinary card. */
  token?: string;
}

const refundOf = (n: number, amount: object) => ({
  id: madeUp("ref", n),
  amount,
  reason: "",
  status: "succeeded",
  createdAt: "2026-01-01T00:00:00.000Z",
});
const madeUp = (prefix: string, n: number) => `${prefix}_${String(n).padStart(26, "9")}`;

/** Each spoils what belongs to one order, whose SKU nobody else buys. */
export const plants: readonly Plant[] = [
  {
    what: "stock that grew by itself",
    async plant(vandal, { lines: [line] }) {
      const { _id } = await vandal.change("inventory.stock", { _id: line?.sku ?? "" }, ({ onHand }) => ({
        onHand: onHand + 3,
      }));
      return { stock_movements: _id };
    },
  },
  {
    what: "stock below nothing",
    async plant(vandal, { lines: [line] }) {
      const { _id } = await vandal.change("inventory.stock", { _id: line?.sku ?? "" }, () => ({ onHand: -1 }));
      return { stock_movements: _id, stock_levels: _id };
    },
  },
  {
    what: "a hold of nobody",
    async plant(vandal, { lines: [line] }) {
      const { _id } = await vandal.change("inventory.stock", { _id: line?.sku ?? "" }, () => ({
        held: { [orderId(1)]: { quantity: 1, expiresAt: "2999-01-01T00:00:00.000Z" } },
      }));
      return { stock_holds: _id };
    },
    gone: ["stock_holds"],
  },
  {
    what: "a movement that was lost, and that the stock still knows",
    async plant(vandal, { id, lines: [line] }) {
      await vandal.remove("inventory.movements", { orderId: id });
      return { stock_movements: line?.sku ?? "", stock_sold: id };
    },
    gone: ["stock_movements", "stock_sold"],
  },
  {
    what: "units that were sold twice",
    async plant(vandal, { id, lines: [line] }, n) {
      const sold = await vandal.find("inventory.movements", { orderId: id });
      const onHand = sold.onHandAfter + sold.delta;
      await vandal.add("inventory.movements", { ...sold, _id: madeUp("mov", n), onHandAfter: onHand });
      await vandal.change("inventory.stock", { _id: line?.sku ?? "" }, () => ({ onHand }));
      return { stock_sold: id };
    },
  },
  {
    what: "an order that was added up wrongly",
    async plant(vandal, { id }) {
      await vandal.change("orders.orders", { _id: id }, ({ totals }) => ({
        totals: { ...totals, shipping: { amount: 5, currency: "EUR" } },
      }));
      return { order_totals: id };
    },
  },
  {
    what: "an order that is to be undone, and that nobody drives",
    async plant(vandal, { id }) {
      await vandal.change("orders.orders", { _id: id }, ({ process }) => ({
        status: "canceled",
        process: { ...process, phase: "undoing", step: "authorize", deadlineAt: "2999-01-01T00:00:00.000Z" },
      }));
      return { order_process: id };
    },
    gone: ["order_process"],
  },
  {
    what: "an order that was asked for again and again",
    async plant(vandal, { id }) {
      await vandal.change("orders.orders", { _id: id }, ({ process }) => ({
        status: "canceled",
        dueAt: "2999-01-01T00:00:00.000Z",
        process: { ...process, phase: "undoing", tries: 90, deadlineAt: "2999-01-01T00:00:00.000Z" },
      }));
      return { order_process: id };
    },
  },
  {
    what: "an order that was canceled, and whose money and stock were kept",
    async plant(vandal, { id }) {
      await vandal.change("orders.orders", { _id: id }, () => ({ status: "canceled" }));
      return { charges: id, stock_sold: id };
    },
  },
  {
    what: "an order that has not heard of its payment",
    async plant(vandal, { id }) {
      await vandal.change("orders.orders", { _id: id }, () => ({ paymentStatus: "authorized" }));
      return { order_knows_payment: id };
    },
  },
  {
    what: "an order that is gone, with all that belongs to it left",
    async plant(vandal, { id, payment }) {
      await vandal.remove("orders.orders", { _id: id });
      const { _id: mail } = await vandal.find("notifications.mails", { orderId: id });
      return { payments_have_orders: payment?.id ?? "", stock_sold: id, confirmation_mails: mail };
    },
  },
  {
    what: "a payment that is gone",
    async plant(vandal, { id }) {
      const { _id } = await vandal.remove("payments.payments", { orderId: id });
      const { number } = await vandal.find("payments.invoices", { orderId: id });
      const { _id: entry } = await vandal.find("payments.ledger", { orderId: id });
      return {
        orders_have_payments: id,
        charges: id,
        charges_have_payments: _id,
        invoices: number,
        ledger_journal: entry,
      };
    },
  },
  {
    what: "a payment that paid back more than it took",
    async plant(vandal, { id }, n) {
      const { _id } = await vandal.change("payments.payments", { orderId: id }, ({ amount }) => ({
        refunds: [refundOf(n, { ...amount, amount: 99_999 })],
      }));
      return { payment_sums: _id, provider_record: _id, ledger_journal: _id, order_knows_payment: id };
    },
  },
  {
    what: "a refund that nobody makes",
    async plant(vandal, { id }, n) {
      const { _id } = await vandal.change("payments.payments", { orderId: id }, ({ amount }) => ({
        refunds: [{ ...refundOf(n, { ...amount, amount: 10 }), status: "pending" }],
        dueAt: undefined,
      }));
      return { payment_process: _id };
    },
    gone: ["payment_process"],
  },
  {
    what: "news of the provider that never came",
    token: "tok_3ds",
    async plant(vandal, { id }) {
      const { _id: key } = await vandal.change("payments.payments", { orderId: id }, () => ({ dueAt: undefined }));
      await vandal.change("sandbox.charges", { key }, () => ({ status: "authorized" }));
      return { provider_record: key };
    },
    gone: ["provider_record"],
  },
  {
    what: "a provider that has taken less",
    async plant(vandal, { payment, id }) {
      await vandal.change("sandbox.charges", { key: payment?.id ?? "" }, () => ({ captured: 1 }));
      return { provider_record: payment?.id ?? "", charges: id };
    },
  },
  {
    what: "a charge for nothing",
    async plant(vandal, { payment }, n) {
      const charge = await vandal.find("sandbox.charges", { key: payment?.id ?? "" });
      await vandal.add("sandbox.charges", { ...charge, _id: madeUp("ch", n), key: madeUp("pay", n) });
      return { charges_have_payments: madeUp("pay", n) };
    },
  },
  {
    what: "an entry of the journal that is gone",
    async plant(vandal, { id, payment }) {
      await vandal.remove("payments.ledger", { orderId: id });
      return { ledger_journal: payment?.id ?? "" };
    },
    gone: ["ledger_journal"],
  },
  {
    what: "an entry that does not balance",
    async plant(vandal, { id }) {
      const { _id } = await vandal.change("payments.ledger", { orderId: id }, ({ postings: [first, ...rest] }) => ({
        postings: [first, ...rest.map((posting: Anything) => ({ ...posting, credit: posting.credit - 1 }))],
      }));
      return { ledger_balance: _id };
    },
  },
  {
    what: "an invoice that says something else",
    async plant(vandal, { id }) {
      const { number } = await vandal.change("payments.invoices", { orderId: id }, ({ bill }) => ({
        bill: { ...bill, email: "somebody@else.example" },
      }));
      return { invoice_content: number };
    },
  },
  {
    what: "an invoice in the middle of the row that is gone",
    async plant(vandal, { id, payment }) {
      const { sequence } = await vandal.remove("payments.invoices", { orderId: id });
      const after = `INV-${String(sequence + 1).padStart(6, "0")}`;
      return { invoices: payment?.id ?? "", invoice_numbers: after };
    },
    gone: ["invoices"],
  },
  {
    what: "a confirmation that was never written",
    async plant(vandal, { id }) {
      await vandal.remove("notifications.mails", { orderId: id });
      return { confirmation_mails: id };
    },
  },
  {
    what: "a dead letter",
    async plant(vandal, _order, n) {
      await park(vandal.shop, "PARKED", n);
      const { data } = await vandal.shop.call("inventory.deadLetters", {});
      return { dead_letters: data[0]?.id ?? "" };
    },
    gone: ["dead_letters"],
  },
  {
    what: "facts that wait too long",
    async plant(vandal) {
      const [at, to] = ["2026-01-01T00:00:00.000Z", "payments"];
      const [payment] = (await kept<Doc>(vandal.shop, "payments", "payments").find({ limit: 1 })).data;
      await vandal.change("payments.payments", { _id: payment?.id ?? "" }, () => ({
        outbox: [
          {
            id: "evt_00000000000000000000000001",
            type: "payments.changed",
            at,
            data: {},
            to,
            tries: 0,
            againAt: "2999-01-01T00:00:00.000Z",
          },
        ],
        outboxDueAt: "2999-01-01T00:00:00.000Z",
      }));
      return { outbox_lag: "payments" };
    },
  },
];

export interface Spoiled {
  check: string;
  about: string;
  isGone: boolean;
}

/** Makes a shop in which all of that is wrong at once, and nothing else. Answers what is to be found. */
export async function spoil(shop: Shop, admin: Client): Promise<Spoiled[]> {
  const buyer = new Client(shop.url);
  const orders: Order[] = [];
  for (const [n, { token = "tok_visa" }] of plants.entries()) {
    await stockMugs(admin, 10, `SKU-${n}`);
    const { body: placed } = await buyer.buy(anOrder(token, 1, `SKU-${n}`));
    // On a slow machine its outcome is not known at once.
    const { body } = await until(
      () => admin.get(`/v1/orders/${placed.id}`),
      ({ body }) => body.status !== "pending",
    );
    orders.push(body as Order);
  }
  await settled(shop);
  const spoiled: Spoiled[] = [];
  const vandal = new Vandal(shop);
  for (const [n, { plant, gone = [] }] of plants.entries())
    for (const [check, about] of Object.entries(await plant(vandal, orders[n] as Order, n)))
      spoiled.push({ check, about, isGone: gone.includes(check) });
  return spoiled;
}

/** All facts have been delivered. */
export const settled = (shop: Shop) =>
  until(
    async () =>
      Promise.all(
        (["inventory", "orders", "payments", "sandbox"] as const).map((name) => shop.call(`${name}.outbox`, {})),
      ),
    (states) => states.every(({ waiting }) => waiting === 0),
  );
