import type { Order, OrderStatus } from "../services/orders/orders.contract.ts";
import type { Sales } from "./books.ts";
import { type Intention, REFUND } from "./intentions.ts";

/** One thing that a buyer was told. */
export interface Told {
  at: string;
  what: "place" | "repeat" | "look" | "cancel" | "refund";
  status: number;
  /** Byte for byte; of a look, the order's status. */
  text: string;
}

/** A purchase as its buyer knows it. */
export interface Purchase {
  intention: Intention;
  told: Told[];
  orderId?: string;
  guestToken?: string;
  status?: string;
  /** What the buyer gave up with. */
  failed?: string;
}

/** What an order may have become since its buyer was told this. */
const successors: Record<string, readonly OrderStatus[]> = {
  pending: ["pending", "requires_action", "confirmed", "completed", "canceled", "expired"],
  requires_action: ["pending", "requires_action", "confirmed", "completed", "canceled", "expired"],
  confirmed: ["confirmed", "completed"],
  completed: ["completed"],
  canceled: ["canceled"],
  expired: ["expired"],
};

/** The money that staff was told is paid back, by order. */
export function paidBack(purchases: readonly Purchase[]): Record<string, number> {
  const told = purchases.flatMap(({ orderId, told }) =>
    told.some(({ what, status }) => what === "refund" && status < 300) ? [[orderId ?? "", REFUND] as const] : [],
  );
  return Object.fromEntries(told);
}

/** All that buyers were told and that is not so, and what they were not told and is so. */
export function unkept(purchases: readonly Purchase[], { orders, charges, orderOf }: Sales): string[] {
  const wrong: string[] = [];
  const byId = new Map(orders.map((order) => [order.id, order]));
  const byEmail = Map.groupBy(orders, ({ email }) => email);
  const chargesOf = Map.groupBy(charges, ({ key }) => orderOf.get(key) ?? "");

  for (const { intention, told } of purchases) {
    const { key, email } = intention;
    const mine = byEmail.get(email) ?? [];
    byEmail.delete(email);
    const say = (text: string) => wrong.push(`${key}: ${text}`);
    if (mine.length > 1) say(`has ${mine.length} orders: ${mine.map(({ id }) => id).join(", ")}`);

    const [first, ...repeats] = told.filter(({ what }) => what === "place" || what === "repeat");
    for (const repeat of first ? repeats : [])
      if (repeat.status !== first?.status || repeat.text !== first?.text)
        say(`was told ${first?.status} ${first?.text} and then ${repeat.status} ${repeat.text}`);

    const [order] = mine;
    const wantedOut = told.some(({ what, status }) => what === "cancel" && status < 300);
    for (const [id, status] of told.flatMap(promiseOf)) {
      const there = id ? byId.get(id) : order;
      const may = [...(successors[status] ?? []), ...(wantedOut ? (["canceled"] as const) : [])];
      if (!there) say(`was told that ${id || "the order"} is ${status}, and it is not there`);
      else if (!may.includes(there.status)) say(`was told that ${there.id} is ${status}, and it is ${there.status}`);
      if (there && there.email !== email) say(`was told of ${there.id}, which is somebody else's`);
    }
    if (wantedOut && order?.status !== "canceled") say(`was told that it is canceled, and it is ${order?.status}`);

    if (first && first.status >= 400) {
      if (order && order.status !== "canceled" && order.status !== "expired")
        say(`was refused with ${first.status} ${codeOf(first)}, and ${order.id} is ${order.status}`);
      const taken = order && chargesOf.get(order.id)?.find(({ captured }) => captured > 0);
      if (taken && codeOf(first) === "insufficient_stock")
        say(`was told that there is not enough, and ${taken.captured} were taken (${taken.refunded} given back)`);
    }
    const canceled = order && ["canceled", "expired"].includes(order.status);
    const kept = order && (chargesOf.get(order.id) ?? []).reduce((sum, one) => sum + one.captured - one.refunded, 0);
    if (canceled && kept) say(`has paid ${kept} for ${order.id}, which is ${order.status}`);
  }
  for (const [email, strangers] of byEmail)
    if (email.startsWith("buyer-")) wrong.push(`${strangers[0]?.id} of ${email} was ordered by nobody`);
  return wrong;
}

/** The order and the status that were told. */
function promiseOf({ what, status, text }: Told): [id: string, status: string][] {
  if (what === "look") return text in successors ? [["", text]] : [];
  if (what === "cancel" || what === "refund" || status >= 300) return [];
  const order = JSON.parse(text) as Order;
  return [[order.id, order.status]];
}

function codeOf({ text }: Told): string {
  return /"code":"(\w+)"/.exec(text)?.[1] ?? "";
}
