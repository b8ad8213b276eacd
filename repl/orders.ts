import type { Order, TimelineEntry } from "../services/orders/orders.contract.ts";
import { OrderStatus } from "../services/orders/orders.contract.ts";
import type { Payment } from "../services/payments/payments.contract.ts";
import { facts, line, moment, price, remark, table, time } from "../terminal.ts";
import { type Command, Misread, whole } from "./command.ts";
import type { Desk } from "./desk.ts";
import { sentence } from "./sentence.ts";

const statuses = (OrderStatus as unknown as { enum: readonly OrderStatus[] }).enum;
const MOST_SHOWN = 100;
const MOST_PAGES = 10;
const seenOrders = ({ seen }: Desk) => [...seen.orders];

export const order: Command = {
  name: "order",
  params: ["order"],
  about: "An order with its lines, totals, payment and timeline",
  more: "By its id, its number, or the buyer's e-mail address; where there are several, they are listed.",
  example: "order ada@example.com",
  complete: { order: seenOrders },
  async run(desk, { params: { order: wanted = "" } }) {
    const { data } = await desk.call("orders.search", { q: wanted.slice(0, 254) });
    const [found] = data;
    if (!found) throw new Misread(`There is no order of ${wanted}: it is looked for by id, number or e-mail address.`);
    if (data.length === 1) return showOrder(desk, found);
    list(desk, data);
    return remark(`${data.length} orders of ${wanted}. One is shown by its number: order ${found.number}`);
  },
};

export const orders: Command = {
  name: "orders",
  options: {
    status: { value: "status", about: statuses.join(", ") },
    email: { value: "email", about: "of this buyer" },
    limit: { value: "count", about: `at most so many, 20 where nothing is said, ${MOST_SHOWN} at most` },
  },
  about: "The newest orders",
  example: "orders --status pending --limit 5",
  complete: { "--status": () => statuses },
  async run(desk, { options: { status, email, limit = "20" } }) {
    const wanted = statuses.find((one) => one === status);
    if (status !== undefined && !wanted)
      throw new Misread(`${status} is no status: it is one of ${statuses.join(", ")}.`);
    const count = whole(limit, "count");
    if (count < 1 || count > MOST_SHOWN) throw new Misread(`${limit} is no count: it is from 1 to ${MOST_SHOWN}.`);
    const { data, nextCursor } = await desk.call("orders.search", {
      limit: count,
      ...(wanted ? { status: wanted } : {}),
      ...(email ? { q: email } : {}),
    });
    if (data.length === 0) return remark("There are no such orders.");
    list(desk, data);
    if (nextCursor) remark("There are more: --limit shows them.");
  },
};

function list(desk: Desk, all: readonly Order[]): void {
  for (const { number } of all) desk.seen.orders.add(number);
  table(
    all.map(({ number, createdAt, status, paymentStatus, fulfillmentStatus, totals, email, id }) => ({
      number,
      at: moment(createdAt),
      status,
      payment: paymentStatus,
      fulfillment: fulfillmentStatus,
      total: price(totals.total),
      email,
      id,
    })),
  );
  line();
}

/** Its parts come from two services; where payments is away, the order is shown nevertheless. */
export async function showOrder(desk: Desk, shown: Order): Promise<void> {
  desk.seen.orders.add(shown.number);
  const [payment, timeline] = await Promise.all([paymentOf(desk, shown), timelineOf(desk, shown.id)]);
  const { shippingAddress: to } = shown;
  facts({
    order: `${shown.number}   ${shown.id}`,
    placed: `${moment(shown.createdAt)} by ${shown.email}${shown.customerId ? ` (${shown.customerId})` : ", a guest"}`,
    status: `${shown.status}, ${shown.paymentStatus}, ${shown.fulfillmentStatus}`,
    canceled: shown.cancelReason ?? undefined,
    "goes to": `${to.name}, ${to.line1}, ${to.postalCode} ${to.city}, ${to.country}`,
    payment,
    "to be done":
      shown.payment?.nextAction && `the buyer has to open ${desk.secrets.hide(shown.payment.nextAction.url)}`,
  });
  table(
    shown.lines.map(({ sku, title, quantity, unitPrice, total }) => ({
      sku,
      title,
      quantity,
      price: price(unitPrice),
      total: price(total),
    })),
  );
  // In this order whatever the store has made of theirs.
  const { subtotal, discount, shipping, tax, total } = shown.totals;
  const sums = { subtotal, discount, shipping, tax, total };
  table([Object.fromEntries(Object.entries(sums).map(([name, money]) => [name, price(money)]))]);
  const began = Date.parse(timeline[0]?.at ?? "");
  table(
    timeline.map(({ at, type, detail = "" }) => ({
      at: time(at),
      "+ms": Date.parse(at) - began,
      event: type,
      detail: desk.secrets.hide(detail),
    })),
  );
  line();
}

async function paymentOf(desk: Desk, { payment }: Order): Promise<string | undefined> {
  if (!payment?.id) return undefined;
  try {
    return wordsFor(await desk.call("payments.get", { id: payment.id }));
  } catch (error) {
    return `${payment.id}: ${sentence(error)}`;
  }
}

const wordsFor = ({ id, status, provider, amount, captured, refunded, failure }: Payment): string =>
  [
    `${id}   ${status} by ${provider}: ${price(captured)} of ${price(amount)} taken`,
    ...(refunded.amount > 0 ? [`${price(refunded)} paid back`] : []),
    ...(failure ? [failure] : []),
  ].join(", ");

async function timelineOf(desk: Desk, id: string): Promise<TimelineEntry[]> {
  const entries: TimelineEntry[] = [];
  let cursor: string | null | undefined;
  for (let page = 0; page < MOST_PAGES && cursor !== null; page++) {
    const { data, nextCursor } = await desk.call("orders.events", { id, limit: 100, ...(cursor ? { cursor } : {}) });
    entries.push(...data);
    cursor = nextCursor;
  }
  return entries;
}
