import type { AuditedOrder } from "../orders/orders.contract.ts";
import type { AuditedPayment } from "../payments/payments.contract.ts";
import type { AuditedCharge } from "../sandbox/sandbox.contract.ts";
import type { Finding, Remedy } from "./doctor.contract.ts";
import type { ChargeFile, NumberFile, OrderFile, OutboxFile, Source, StockFile } from "./files.ts";

/** One invariant of the shop. */
export interface Check<File> {
  name: string;
  needs: readonly Source[];
  /** What is counted as looked at: `12 orders`. */
  of: string;
  /** What a person should look at where it does not hold. */
  advice: string;
  /** What is wrong in one file at the time `now`. It may be under way: whoever calls looks again. */
  look(file: File, now: string): Finding[];
}

/** Who is driven at all is taken up within seconds; a node that died is missed within seconds, too. */
const OVERDUE_MS = 60_000;
/** The last question of a step may be asked up to a minute after its deadline. */
const LATE_MS = 120_000;
/** Asked for so often, it is refused or unanswered for minutes: `pauseMs` soon comes to two to four seconds. */
const MANY_TRIES = 60;
/** The reconciler keeps the same pauses. */
const MANY_LOOKS = 60;
/** What a hearer fails to take is a dead letter by about then: the rest waits for somebody who is away. */
const LONGEST_LAG_MS = 120_000;

const wrong = (about: readonly string[], found: string, expected: string, remedy: Remedy | null = null): Finding => ({
  about: [...about],
  found,
  expected,
  remedy,
});

/** How much of what a check is about is in a file. */
export function sizeOf(of: string, file: Partial<OrderFile>): number {
  const sizes: Record<string, number | undefined> = {
    orders: file.order ? 1 : 0,
    payments: file.payments?.length,
    entries: file.ledger?.length,
    invoices: file.invoices?.length,
  };
  return sizes[of] ?? 1;
}

const before = (now: string, ms: number) => new Date(Date.parse(now) - ms).toISOString();
const sum = <T>(all: readonly T[], of: (one: T) => number) => all.reduce((total, one) => total + of(one), 0);
const money = ({ amount, currency }: { amount: number; currency: string }) => `${amount} ${currency}`;

const isSold = ({ status }: AuditedOrder) => status === "confirmed" || status === "completed";
const isOff = ({ status }: AuditedOrder) => status === "canceled" || status === "expired";
const isOver = ({ process }: AuditedOrder) => process.phase === "done";
const isFree = ({ totals }: AuditedOrder) => totals.total.amount === 0;
/** The reconciler will look at it, and is on time. */
const isLookedAfter = ({ dueAt }: AuditedPayment, now: string) => dueAt !== null && dueAt >= before(now, OVERDUE_MS);

/** A fact of it is on its way, and what is to come of that is not missing yet. */
const isTelling = ({ tellsSince }: { tellsSince: string | null }, now: string) =>
  tellsSince !== null && tellsSince >= before(now, LONGEST_LAG_MS);
/** Journal and invoice follow the payment: by the answer that the order waits for, or by a fact. */
const isBooking = (payment: AuditedPayment, order: AuditedOrder | undefined, now: string) =>
  isTelling(payment, now) || (order !== undefined && !isOver(order));

const wake = (id: string): Remedy => ({ action: "orders.wake", params: { id } });
const mend = ({ id }: AuditedPayment): Remedy => ({ action: "payments.mend", params: { id } });

/** What an order has of each SKU. */
function units(order: AuditedOrder): Map<string, number> {
  const bySku = new Map<string, number>();
  for (const { sku, quantity } of order.lines) bySku.set(sku, (bySku.get(sku) ?? 0) + quantity);
  return bySku;
}

export const orderChecks: readonly Check<OrderFile>[] = [
  {
    name: "order_process",
    needs: ["orders"],
    of: "orders",
    advice:
      "Look at the order's timeline: what it asks for is refused or not answered again and again. A refund that the provider refuses has to be paid in another way.",
    look({ order }, now) {
      if (!order) return [];
      const { id, status, dueAt, process } = order;
      const { phase, step, tries, deadlineAt } = process;
      if (phase === "done")
        return isSold(order) || isOff(order) ? [] : [wrong([id], `${status}, and its process is over`, "an end")];
      if (dueAt === null || dueAt < before(now, OVERDUE_MS))
        return [wrong([id], `${phase} ${step}, and nobody takes it up`, "somebody who drives it on", wake(id))];
      if (deadlineAt < before(now, LATE_MS)) return [wrong([id], `still ${phase} ${step}`, `an end by ${deadlineAt}`)];
      if (tries >= MANY_TRIES) return [wrong([id], `${phase} ${step} was asked for ${tries} times`, "an answer")];
      return [];
    },
  },
  {
    name: "order_totals",
    needs: ["orders"],
    of: "orders",
    advice:
      "The order was changed by something other than Lonja, or Lonja adds up wrongly: compare it with its invoice.",
    look({ order }) {
      if (!order) return [];
      const { id, currency, lines, totals } = order;
      const { subtotal, discount, shipping, tax, total } = totals;
      const inLines = sum(lines, (line) => line.total.amount);
      const inAll = subtotal.amount - discount.amount + shipping.amount + tax.amount;
      const foreign = [...lines.flatMap((line) => [line.unitPrice, line.total]), ...Object.values(totals)].filter(
        (one) => one.currency !== currency,
      );
      return [
        ...lines
          .filter((line) => line.total.amount !== line.unitPrice.amount * line.quantity)
          .map((line) =>
            wrong([id, line.sku], money(line.total), `${line.quantity} times ${money(line.unitPrice)} for the line`),
          ),
        ...(inLines === subtotal.amount
          ? []
          : [wrong([id], `a subtotal of ${money(subtotal)}`, `${inLines}, the sum of its lines`)]),
        ...(inAll === total.amount
          ? []
          : [wrong([id], `a total of ${money(total)}`, `${inAll}, the sum of what it is made of`)]),
        ...(foreign.length ? [wrong([id], `sums in ${foreign[0]?.currency}`, currency)] : []),
      ];
    },
  },
  {
    name: "orders_have_payments",
    needs: ["orders", "payments"],
    of: "orders",
    advice:
      "Goods were promised that nobody has paid for: look for the payment at the provider before they leave the house.",
    look({ order, payments }) {
      if (!order || !isSold(order) || isFree(order)) return [];
      const mine = payments.filter(({ hasBegun }) => hasBegun);
      const { id, paymentId, totals } = order;
      const [payment] = mine;
      if (!payment || mine.length > 1)
        return [wrong([id, ...mine.map(({ id }) => id)], `${mine.length} payments`, `one of ${money(totals.total)}`)];
      if (money(payment.amount) !== money(totals.total))
        return [wrong([id, payment.id], `a payment of ${money(payment.amount)}`, money(totals.total))];
      if (payment.id !== paymentId) return [wrong([id, payment.id], `the order names ${paymentId}`, payment.id)];
      return [];
    },
  },
  {
    name: "payments_have_orders",
    needs: ["orders", "payments"],
    of: "payments",
    advice: "Money may have been taken for nothing: refund it, unless the order is found.",
    look: ({ key, order, payments }) =>
      order
        ? []
        : payments.map(({ id, status }) => wrong([id, key], `a payment, ${status}, of no order`, `an order ${key}`)),
  },
  {
    name: "order_knows_payment",
    needs: ["orders", "payments"],
    of: "orders",
    advice: "News of the payment has not reached the order: look at the dead letters and at outbox_lag.",
    look({ order, payments }, now) {
      const [payment] = payments;
      if (!order || !isOver(order) || !payment?.hasBegun || payment.status === order.paymentStatus) return [];
      if (isTelling(payment, now)) return [];
      return [
        wrong([order.id, payment.id], `the order says ${order.paymentStatus}`, `${payment.status}, as the payment`),
      ];
    },
  },
  {
    name: "payment_process",
    needs: ["payments"],
    of: "payments",
    advice: "The provider does not answer what is asked of it: look at the payment there.",
    look: ({ payments }, now) =>
      payments.flatMap((payment) => {
        const { id, orderId, asks, looks, dueAt } = payment;
        if (dueAt === null ? asks !== null : !isLookedAfter(payment, now))
          return [
            wrong(
              [id, orderId],
              `to ${asks ?? "look"}, and nobody does`,
              "somebody who asks the provider",
              mend(payment),
            ),
          ];
        if (asks !== null && looks >= MANY_LOOKS)
          return [wrong([id, orderId], `${asks} was tried for after ${looks} looks`, "the provider's answer")];
        return [];
      }),
  },
  {
    name: "charges",
    needs: ["orders", "payments", "charges"],
    of: "orders",
    advice: "Compare the order with the provider's own page, and refund what is too much.",
    look({ order, payments, charges }, now) {
      if (!order || !isOver(order)) return [];
      const ids = [order.id, ...charges.map(({ key }) => key)];
      if (isSold(order)) return isFree(order) ? free(ids, charges) : charged(order, payments, charges);
      if (!isOff(order) || payments.some((payment) => isLookedAfter(payment, now))) return [];
      return charges.flatMap(({ key, captured, refunded, status, closed, amount }) => {
        if (captured > refunded)
          return [wrong([order.id, key], `${captured - refunded} kept, though the order is ${order.status}`, "0")];
        if (!closed && status !== "declined" && status !== "canceled" && captured === 0)
          return [
            wrong([order.id, key], `${money(amount)} ${status}, though the order is ${order.status}`, "given back"),
          ];
        return [];
      });
    },
  },
  {
    name: "provider_record",
    needs: ["payments", "charges"],
    of: "payments",
    advice:
      "The shop believes of the payment what the provider does not say: the provider's record is what the bank goes by.",
    look: ({ payments, charges }, now) =>
      payments.flatMap((payment) =>
        compared(
          payment,
          charges.find(({ key }) => key === payment.id),
          now,
        ),
      ),
  },
  {
    name: "payment_sums",
    needs: ["payments", "charges"],
    of: "payments",
    advice: "More was paid back than was taken, or more taken than was agreed: look at the payment at the provider.",
    look: ({ payments, charges }) => [
      ...payments.flatMap(({ id, orderId, amount, captured, refunded }) =>
        inOrder([id, orderId], refunded, captured, amount.amount),
      ),
      ...charges.flatMap(({ key, amount, captured, refunded }) => inOrder([key], refunded, captured, amount.amount)),
    ],
  },
  {
    name: "invoices",
    needs: ["payments", "invoices"],
    of: "payments",
    advice: "An invoice is never deleted: what is wrong about it is put right by a credit note.",
    look: ({ key, order, payments, invoices }, now) => [
      ...payments.flatMap((payment) => {
        if (isBooking(payment, order, now)) return [];
        const { id, captured, amount, hasBegun } = payment;
        const mine = invoices.filter((invoice) => invoice.paymentId === id);
        const wanted = hasBegun && captured > 0 ? 1 : 0;
        if (mine.length !== wanted)
          return [
            wrong(
              [id, key, ...mine.map(({ number }) => number)],
              `${mine.length} invoices for ${captured} captured`,
              String(wanted),
              mine.length < wanted ? mend(payment) : null,
            ),
          ];
        return mine.flatMap(({ number, total, status }) => {
          if (money(total) !== money(amount)) return [wrong([number, id], money(total), money(amount))];
          const isPaid = captured === amount.amount;
          return isPaid && status === "issued" ? [wrong([number, id], status, "paid", mend(payment))] : [];
        });
      }),
      ...invoices
        .filter((invoice) => !payments.some(({ id }) => id === invoice.paymentId))
        .map(({ number, paymentId }) => wrong([number, key], `it is for ${paymentId}`, "a payment of this order")),
    ],
  },
  {
    name: "invoice_content",
    needs: ["invoices"],
    of: "invoices",
    advice: "What the invoice says was changed after its issue: its buyer has another one. Look for it in a backup.",
    look: ({ invoices }) =>
      invoices
        .filter(({ isGenuine }) => !isGenuine)
        .map(({ number, id }) => wrong([number, id], "another content", "what it was issued with")),
  },
  {
    name: "ledger_balance",
    needs: ["ledger"],
    of: "entries",
    advice: "An entry of the journal was changed after it was written: its payment tells what it was.",
    look: ({ ledger }) =>
      ledger
        .filter(({ debit, credit }) => debit !== credit)
        .map(({ id, paymentId, debit, credit }) =>
          wrong([id, paymentId], `debit ${debit}, credit ${credit}`, "equal sums"),
        ),
  },
  {
    name: "ledger_journal",
    needs: ["payments", "ledger"],
    of: "payments",
    advice: "The journal does not say what was captured and refunded: compare it with the payment and the provider.",
    look: ({ key, order, payments, ledger }, now) => [
      ...payments.flatMap((payment) => {
        if (isBooking(payment, order, now)) return [];
        const { id, captured, refunded, amount, entries } = payment;
        const mine = ledger.filter(({ paymentId }) => paymentId === id);
        const missing = entries.filter((entry) => !mine.some(({ id }) => id === entry));
        if (missing.length)
          return [
            wrong([id, key, ...missing], `${missing.length} entries missing`, "all of the payment's", mend(payment)),
          ];
        const booked = (kind: "capture" | "refund") =>
          sum(
            mine.filter((entry) => entry.kind === kind && entry.currency === amount.currency),
            ({ debit }) => debit,
          );
        if (booked("capture") === captured && booked("refund") === refunded) return [];
        return [
          wrong(
            [id, key],
            `captures of ${booked("capture")} and refunds of ${booked("refund")} in the journal`,
            `${captured} and ${refunded}`,
          ),
        ];
      }),
      ...ledger
        .filter((entry) => !payments.some(({ id }) => id === entry.paymentId))
        .map(({ id, paymentId }) => wrong([id, key], `it is of ${paymentId}`, "a payment of this order")),
    ],
  },
  {
    name: "stock_sold",
    needs: ["orders", "stock", "movements"],
    of: "orders",
    advice: "Count the shelf, and correct the stock by an adjustment.",
    look({ key, order, movements }) {
      const times = (kind: string, sku: string) => movements.filter((one) => one.kind === kind && one.sku === sku);
      const skus = new Set(movements.map(({ sku }) => sku));
      if (!order)
        return [...skus].map((sku) => wrong([key, sku], "stock moved for an order that is not there", "an order"));
      if (!isOver(order)) return [];
      const wanted = isSold(order) ? units(order) : new Map<string, number>();
      return [...new Set([...skus, ...wanted.keys()])].flatMap((sku) => {
        const [sold, returned] = [times("sold", sku), times("returned", sku)];
        const gone = -sum([...sold, ...returned], ({ delta }) => delta);
        const isOnce = sold.length === (wanted.has(sku) ? 1 : returned.length) && sold.length <= 1;
        if (gone === (wanted.get(sku) ?? 0) && isOnce) return [];
        return [
          wrong(
            [order.id, sku],
            `sold ${sold.length} times, returned ${returned.length} times, ${gone} gone`,
            wanted.has(sku) ? `${wanted.get(sku)} sold once` : `nothing kept, since it is ${order.status}`,
          ),
        ];
      });
    },
  },
  {
    name: "confirmation_mails",
    needs: ["orders", "mails"],
    of: "orders",
    advice: "Write to the buyer by hand where no mail was made. A mail that was sent twice does no harm.",
    look({ key, order, mails }, now) {
      if (!order) return mails.map(({ id }) => wrong([id, key], "a mail about an order that is not there", "an order"));
      if (isTelling(order, now)) return [];
      const confirmations = mails.filter(({ template }) => template === "order_confirmed").length;
      if (isSold(order) ? confirmations === 1 : confirmations <= 1) return [];
      return [wrong([order.id], `${confirmations} confirmations`, isSold(order) ? "1" : "1 at most")];
    },
  },
];

const free = (ids: readonly string[], charges: readonly AuditedCharge[]): Finding[] =>
  charges.length ? [wrong(ids, `${charges.length} charges`, "none, since it costs nothing")] : [];

/** A sold order has one charge, of all that it costs, and it was taken if the order's process has taken it. */
function charged(
  { id, totals, process }: AuditedOrder,
  payments: readonly AuditedPayment[],
  charges: readonly AuditedCharge[],
): Finding[] {
  const wanted = money(totals.total);
  const [charge] = charges;
  if (!charge || charges.length > 1)
    return [wrong([id, ...charges.map(({ key }) => key)], `${charges.length} charges`, `one of ${wanted}`)];
  const about = [id, charge.key];
  if (money(charge.amount) !== wanted) return [wrong(about, `a charge of ${money(charge.amount)}`, wanted)];
  // Staff may give up what is reserved, and take less than all.
  if (payments.some(({ isReversed, failure }) => isReversed || failure !== null)) return [];
  if (!["authorized", "captured"].includes(charge.status))
    return [wrong(about, `a charge that is ${charge.status}`, wanted)];
  if (process.step === "capture" && charge.captured !== totals.total.amount)
    return [wrong(about, `${charge.captured} captured`, wanted)];
  return [];
}

const ranks = ["processing", "requires_action", "authorized", "declined", "canceled", "captured"];

/** What the payment knows of its charge. It may know it a little later than the provider, and never before. */
function compared(payment: AuditedPayment, charge: AuditedCharge | undefined, now: string): Finding[] {
  const { id, orderId, amount, hasBegun, captured, refunded, chargeStatus: status } = payment;
  const known = status === null ? undefined : { status, captured, refunded };
  const about = [id, orderId];
  const told = (one: { status: string; captured: number; refunded: number } | null | undefined) =>
    one ? `${one.status}, ${one.captured} captured, ${one.refunded} refunded` : "no charge";
  if (hasBegun && charge && money(charge.amount) !== money(amount))
    return [wrong(about, `a payment of ${money(amount)}`, `${money(charge.amount)}, as the provider says`)];
  const isEqual = told(known) === told(charge) || (!charge && known?.status === "declined");
  if (isEqual) return [];
  const rank = (one: { status: string } | null | undefined) => (one ? ranks.indexOf(one.status) : -1);
  const isAhead =
    rank(known) > rank(charge) ||
    (known?.captured ?? 0) > (charge?.captured ?? 0) ||
    (known?.refunded ?? 0) > (charge?.refunded ?? 0);
  if (!isAhead && isLookedAfter(payment, now)) return [];
  return [wrong(about, told(known), `${told(charge)}, as the provider says`, isAhead ? null : mend(payment))];
}

const inOrder = (about: readonly string[], refunded: number, captured: number, amount: number): Finding[] =>
  refunded <= captured && captured <= amount && refunded >= 0
    ? []
    : [wrong(about, `${refunded} refunded, ${captured} captured, ${amount} authorized`, "each at most the next")];

export const stockChecks: readonly Check<StockFile>[] = [
  {
    name: "stock_levels",
    needs: ["stock"],
    of: "SKUs",
    advice: "More was promised than there is: count the shelf, and look at the orders that hold it.",
    look({ key, stock }) {
      if (!stock) return [];
      const available = stock.onHand - sum(stock.held, ({ quantity }) => quantity);
      if (stock.onHand >= 0 && available >= 0) return [];
      return [wrong([key], `${stock.onHand} on hand, ${available} available`, "nothing below 0")];
    },
  },
  {
    name: "stock_movements",
    needs: ["stock", "movements"],
    of: "SKUs",
    advice:
      "Count the shelf: either the stock is wrong, or a movement was lost. An adjustment puts both right only if they agree.",
    look({ key, counted, moved, movements, told }) {
      if (!counted) return movements ? [wrong([key], `${movements} movements of no stock`, "a stock")] : [];
      const inAll = moved + sum([...told.values()], (units) => units);
      if (counted.onHand === inAll) return [];
      const remedy: Remedy = { action: "inventory.putOnRecord", params: { sku: key } };
      return [wrong([key], `${counted.onHand} on hand`, `${inAll}, the sum of its movements`, remedy)];
    },
  },
  {
    name: "stock_holds",
    needs: ["stock", "orders"],
    of: "SKUs",
    advice: "Stock is held for an order that is sold: look whether its units have left the shelf, too.",
    look({ key, stock, holders }, now) {
      return (stock?.held ?? []).flatMap(({ orderId, quantity, expiresAt }) => {
        const order = holders.get(orderId);
        const about = [key, orderId];
        const remedy: Remedy = {
          action: "inventory.release",
          params: { orderId, lines: [{ sku: key, quantity: Math.max(1, quantity) }] },
        };
        if (!order) return [wrong(about, `${quantity} held for an order that is not there`, "no hold", remedy)];
        if (isOver(order))
          return [
            wrong(
              about,
              `${quantity} held, though the order is ${order.status}`,
              "no hold",
              isOff(order) ? remedy : null,
            ),
          ];
        if (expiresAt < before(now, OVERDUE_MS)) return [wrong(about, `held beyond ${expiresAt}`, "let go")];
        const wanted = units(order).get(key) ?? 0;
        return quantity === wanted ? [] : [wrong(about, `${quantity} held`, `${wanted}, as ordered`)];
      });
    },
  },
];

export const chargeChecks: readonly Check<ChargeFile>[] = [
  {
    name: "charges_have_payments",
    needs: ["charges", "payments"],
    of: "charges",
    advice: "Somebody was charged for nothing that the shop knows of: refund it at the provider.",
    look: ({ key, charge, payment }) =>
      payment ? [] : [wrong([key], `a charge of ${money(charge.amount)}, ${charge.status}`, "a payment in the shop")],
  },
];

export const numberChecks: readonly Check<NumberFile>[] = [
  {
    name: "invoice_numbers",
    needs: ["invoices"],
    of: "invoices",
    advice: "An invoice is missing, or has another one's number. The tax office will ask: look for it in a backup.",
    look({ invoice: { id, number, sequence }, due }) {
      const own = `INV-${String(sequence).padStart(6, "0")}`;
      return [
        ...(sequence === due ? [] : [wrong([number, id], `it comes after ${due - 1}`, `number ${due} before it`)]),
        ...(number === own ? [] : [wrong([number, id], number, own)]),
      ];
    },
  },
];

export const outboxChecks: readonly Check<OutboxFile>[] = [
  {
    name: "services",
    needs: [],
    of: "services",
    advice: "Start it, or look why it does not answer. What others have to tell it waits.",
    look: unasked,
  },
  {
    name: "outbox_lag",
    needs: [],
    of: "services",
    advice: "Facts are not delivered: look whether the services that hear them are up, and at their logs.",
    look(file, now) {
      const { key, waiting, oldestAt } = file;
      if (oldestAt === undefined || oldestAt >= before(now, LONGEST_LAG_MS)) return unasked(file);
      return [wrong([key], `${waiting} records wait to tell, the oldest since ${oldestAt}`, "told within two minutes")];
    },
  },
  {
    name: "dead_letters",
    needs: [],
    of: "services",
    advice: "A service could not take a fact: its log says why. Replay the letter when that is mended.",
    look: (file) => [
      ...unasked(file),
      ...file.letters.map(({ id, event, to, error }) =>
        wrong([id], `${event.type} of ${event.subject} could not be delivered to ${to}: ${error}`, "delivered", {
          action: "replay",
          params: { id },
        }),
      ),
    ],
  },
];

function unasked({ key, away }: OutboxFile): Finding[] {
  return away === undefined ? [] : [wrong([key], `it could not be asked: ${away}`, "an answer")];
}

/** All of them, in the order in which a report names them. */
export const checkNames: readonly string[] = [
  orderChecks,
  stockChecks,
  chargeChecks,
  numberChecks,
  outboxChecks,
].flatMap((checks) => checks.map(({ name }) => name));
