import type { AuditedMovement, AuditedStock } from "../inventory/inventory.contract.ts";
import type { AuditedOrder } from "../orders/orders.contract.ts";
import { type Check, chargeChecks, numberChecks, orderChecks, outboxChecks, stockChecks } from "./checks.ts";
import type { ChargeFile, NumberFile, OrderFile, OutboxFile, StockFile } from "./files.ts";
import { firstKey, keepers, type Reader, Stream } from "./reader.edge.ts";

/** A kind of file: what is checked of it, where all of them come from, and how some of them are looked at again. */
export interface Inspection<File> {
  checks: readonly Check<File>[];
  all(reader: Reader): AsyncGenerator<File[]>;
  /** The same files after a pause, made of what is stored by then. */
  again(reader: Reader, keys: readonly string[], pause: () => Promise<void>): Promise<File[]>;
}

const AT_ONCE = 250;
const MOST_LETTERS = 100;

/** Whatever stands under one order's id in any of the services: each record is read once, in step with the others. */
const orders: Inspection<OrderFile> = {
  checks: orderChecks,

  async *all(reader) {
    const byOrder = (record: { orderId: string | null }) => record.orderId ?? "";
    const stream = <O extends "payments" | "ledger" | "invoices" | "movements" | "mails">(origin: O) =>
      new Stream((cursor) => reader.page(origin, cursor ? { cursor } : {}), byOrder as never);
    const streams = {
      order: new Stream(
        (cursor) => reader.page("orders", cursor ? { cursor } : {}),
        ({ id }: AuditedOrder) => id,
      ),
      payments: stream("payments"),
      ledger: stream("ledger"),
      invoices: stream("invoices"),
      movements: stream("movements"),
      mails: stream("mails"),
    };
    const each = Object.values(streams) as unknown as Stream<never>[];
    let files: OrderFile[] = [];
    for (let key = await firstKey(each); key !== undefined; key = await firstKey(each)) {
      const [order] = await streams.order.take(key);
      files.push({
        key,
        order,
        payments: await streams.payments.take(key),
        ledger: await streams.ledger.take(key),
        invoices: await streams.invoices.take(key),
        movements: await streams.movements.take(key),
        mails: await streams.mails.take(key),
        charges: [],
      } as OrderFile);
      if (files.length < AT_ONCE) continue;
      yield withCharges(reader, files);
      files = [];
    }
    yield withCharges(reader, files);
  },

  async again(reader, keys, pause) {
    await pause();
    // Who tells is asked before who hears: what is not told any more has been heard by then.
    const [orders, payments] = await Promise.all([reader.of("orders", keys), reader.of("payments", keys)]);
    const told = await toldOf(reader, orders);
    const [ledger, invoices, movements, mails] = await Promise.all([
      reader.of("ledger", keys),
      reader.of("invoices", keys),
      reader.of("movements", keys),
      reader.of("mails", keys),
    ]);
    const known = new Set(movements.map(({ id }) => id));
    movements.push(...told.filter(({ id }) => !known.has(id)));
    const of = <T extends { orderId: string | null }>(all: readonly T[], key: string) =>
      all.filter(({ orderId }) => orderId === key);
    const files = keys.map((key) => ({
      key,
      order: orders.find(({ id }) => id === key),
      payments: of(payments, key),
      ledger: of(ledger, key),
      invoices: of(invoices, key),
      movements: of(movements, key),
      mails: of(mails, key),
      charges: [],
    }));
    return withCharges(reader, files);
  },
};

/** What stocks have told of these orders' SKUs: it may not be on record yet. */
async function toldOf(reader: Reader, orders: readonly AuditedOrder[]): Promise<AuditedMovement[]> {
  const skus = new Set(orders.flatMap(({ lines }) => lines.map(({ sku }) => sku)));
  return (await reader.of("stock", [...skus])).flatMap(({ told }) => told);
}

/** The provider is asked last: it never knows less than the payment. */
async function withCharges(reader: Reader, files: OrderFile[]): Promise<OrderFile[]> {
  const byKey = new Map(files.flatMap((file) => file.payments.map(({ id }) => [id, file] as const)));
  for (const charge of await reader.of("charges", [...byKey.keys()])) byKey.get(charge.key)?.charges.push(charge);
  return files;
}

/** The stock is read before its movements, of which those count that were there by then. */
const stock: Inspection<StockFile> = {
  checks: stockChecks,

  async *all(reader) {
    const stocks = new Stream(
      (cursor) => reader.page("stock", cursor ? { cursor } : {}),
      ({ sku }: AuditedStock) => sku,
    );
    const movements = new Stream(
      (cursor) => reader.page("movementsOfSkus", cursor ? { cursor } : {}),
      ({ sku }) => sku,
    );
    const each = [stocks, movements] as unknown as Stream<never>[];
    let files: StockFile[] = [];
    await stocks.fill();
    for (let key = await firstKey(each); key !== undefined; key = await firstKey(each)) {
      const [stock] = await stocks.take(key);
      const file = { ...newFile(key, stock), stock };
      // One at a time: a SKU that sells has more movements than one wants to have at once.
      for (let taken = await movements.takeSome(key); taken.length > 0; taken = await movements.takeSome(key))
        count(file, taken);
      files.push(file);
      if (files.length < AT_ONCE) continue;
      yield withHolders(reader, files);
      files = [];
    }
    yield withHolders(reader, files);
  },

  async again(reader, keys, pause) {
    const counted = new Map((await reader.of("stock", keys)).map((stock) => [stock.sku, stock]));
    await pause();
    const files: StockFile[] = [];
    for (const key of keys) {
      const file = newFile(key, counted.get(key));
      await reader.each("movementsOfSkus", [key], (movements) => count(file, movements));
      files.push(file);
    }
    const now = new Map((await reader.of("stock", keys)).map((stock) => [stock.sku, stock]));
    return withHolders(
      reader,
      files.map((file) => ({ ...file, stock: now.get(file.key) })),
    );
  },
};

const newFile = (key: string, counted: AuditedStock | undefined): StockFile => ({
  key,
  stock: undefined,
  counted,
  moved: 0,
  movements: 0,
  told: new Map(counted?.told.map(({ id, delta }) => [id, delta])),
  holders: new Map(),
});

function count(file: StockFile, movements: readonly AuditedMovement[]): void {
  const version = file.counted?.version ?? Number.POSITIVE_INFINITY;
  file.movements += movements.length;
  for (const { id, delta, stockVersion } of movements) {
    file.told.delete(id);
    if (stockVersion <= version) file.moved += delta;
  }
}

async function withHolders(reader: Reader, files: StockFile[]): Promise<StockFile[]> {
  const holding = files.filter(({ stock }) => stock?.held.length);
  const ids = new Set(holding.flatMap(({ stock }) => stock?.held.map(({ orderId }) => orderId) ?? []));
  const holders = new Map((await reader.of("orders", [...ids])).map((order) => [order.id, order]));
  return files.map((file) => (file.stock?.held.length ? { ...file, holders } : file));
}

const charges: Inspection<ChargeFile> = {
  checks: chargeChecks,

  async *all(reader) {
    for (let cursor: string | null | undefined; cursor !== null; ) {
      const page = await reader.page("charges", cursor ? { cursor } : {});
      const payments = await reader.of(
        "paymentsById",
        page.data.map(({ key }) => key),
      );
      const byId = new Map(payments.map((payment) => [payment.id, payment]));
      yield page.data.map((charge) => ({ key: charge.key, charge, payment: byId.get(charge.key) }));
      cursor = page.nextCursor;
    }
  },

  async again(reader, keys, pause) {
    await pause();
    const charges = await reader.of("charges", keys);
    const byId = new Map((await reader.of("paymentsById", keys)).map((payment) => [payment.id, payment]));
    return charges.map((charge) => ({ key: charge.key, charge, payment: byId.get(charge.key) }));
  },
};

/** Whether a number is missing only the whole row tells. */
const numbers: Inspection<NumberFile> = {
  checks: numberChecks,

  async *all(reader) {
    const gaps = (await reader.ask("invoices", "payments.auditGaps", {})) ?? [];
    const after = (number: number): number => {
      const gap = gaps.find(({ from }) => from === number + 1);
      return gap ? after(gap.to) : number + 1;
    };
    let due = after(0);
    for (let cursor: string | null | undefined; cursor !== null; ) {
      const page = await reader.page("numbers", cursor ? { cursor } : {});
      yield page.data.map((invoice) => {
        const file = { key: String(invoice.sequence), invoice, due };
        due = after(invoice.sequence);
        return file;
      });
      cursor = page.nextCursor;
    }
  },

  async again(reader, keys, pause) {
    await pause();
    const wanted = new Set(keys);
    const found: NumberFile[] = [];
    for await (const files of numbers.all(reader)) found.push(...files.filter(({ key }) => wanted.has(key)));
    return found;
  },
};

const outboxes: Inspection<OutboxFile> = {
  checks: outboxChecks,

  async *all(reader) {
    yield await Promise.all(keepers.map((name) => outboxOf(reader, name)));
  },

  async again(reader, keys, pause) {
    await pause();
    return Promise.all(keepers.filter((name) => keys.includes(name)).map((name) => outboxOf(reader, name)));
  },
};

async function outboxOf(reader: Reader, name: (typeof keepers)[number]): Promise<OutboxFile> {
  const file: OutboxFile = { key: name, away: undefined, waiting: 0, oldestAt: undefined, deadLetters: 0, letters: [] };
  try {
    const state = await reader.askOnce(`${name}.outbox`, {});
    const { data } = state.deadLetters
      ? await reader.askOnce(`${name}.deadLetters`, { limit: MOST_LETTERS })
      : { data: [] };
    return { ...file, ...state, oldestAt: state.oldestAt, letters: data };
  } catch (error) {
    return { ...file, away: (error as Error).message };
  }
}

/** In the order in which a report names them. */
export const inspections = [orders, stock, charges, numbers, outboxes] as unknown as readonly Inspection<{
  key: string;
}>[];
