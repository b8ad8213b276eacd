import { Line } from "../inventory/inventory.contract.ts";
import { NextAction, PaymentStatus, Token, Totals } from "../payments/payments.contract.ts";
import { auditing, Sum, TellsSince } from "../shared/auditing.ts";
import { contract } from "../shared/contract.ts";
import {
  Address,
  Currency,
  Email,
  Id,
  Maybe,
  Money,
  Nothing,
  Nullable,
  OneOf,
  PageOf,
  paging,
  Quantity,
  Shape,
  Sku,
  type Static,
  Text,
  Time,
  Type,
  Version,
} from "../shared/schema.ts";

export const OrderStatus = OneOf(
  ["pending", "requires_action", "confirmed", "completed", "canceled", "expired"],
  "How far an order has come.",
);
export type OrderStatus = Static<typeof OrderStatus>;

export const FulfillmentStatus = OneOf(
  [
    "not_fulfilled",
    "partially_fulfilled",
    "fulfilled",
    "partially_shipped",
    "shipped",
    "partially_delivered",
    "delivered",
    "canceled",
  ],
  "How far the goods have come.",
);

export const Attention = OneOf(
  ["refund_refused"],
  "Why somebody has to look at an order: `refund_refused`, it is canceled, and the provider does not pay back.",
);

export const OrderLine = Shape("What was bought, as it was then.", {
  id: Id("line"),
  sku: Sku,
  title: Text(1, 520),
  quantity: Quantity,
  unitPrice: Money,
  total: Money,
});
export type OrderLine = Static<typeof OrderLine>;

export const Order = Shape("What somebody has bought, or wants to.", {
  id: Id("ord"),
  number: Type.String({ description: "For people: short, without letters that look alike." }),
  status: OrderStatus,
  paymentStatus: PaymentStatus,
  fulfillmentStatus: FulfillmentStatus,
  currency: Currency,
  lines: Type.Array(OrderLine),
  totals: Totals,
  email: Email,
  customerId: Nullable(Id("usr")),
  shippingAddress: Address,
  billingAddress: Address,
  payment: Nullable(Shape({ id: Nullable(Id("pay")), nextAction: Maybe(NextAction) })),
  cancelReason: Nullable(Type.String()),
  attention: Maybe(Attention),
  createdAt: Time,
  updatedAt: Time,
  version: Version,
});
export type Order = Static<typeof Order>;

export const PlacedOrder = Shape("What the maker of an order is told; the token lets a guest see it again.", {
  ...Order.properties,
  guestToken: Type.String(),
});
export type PlacedOrder = Static<typeof PlacedOrder>;

export const TimelineEntry = Shape("Something that has happened to an order.", {
  at: Time,
  type: Type.String({ description: "Such as `stock_held`, `payment_authorized`, `confirmed`." }),
  detail: Maybe(Type.String()),
});
export type TimelineEntry = Static<typeof TimelineEntry>;

export const PlaceOrder = Shape("What is to be bought, where it goes, and what it is paid with.", {
  email: Email,
  currency: Maybe(Currency),
  lines: Type.Array(Line, { minItems: 1, maxItems: 200 }),
  shippingAddress: Address,
  billingAddress: Maybe(Address),
  shippingMethod: Maybe(OneOf(["standard"])),
  payment: Shape({ token: Token }),
});
export type PlaceOrder = Static<typeof PlaceOrder>;

const Step = Shape({
  phase: OneOf(["doing", "waiting", "undoing", "done"]),
  step: OneOf(["hold", "authorize", "commit", "capture"]),
  tries: Type.Integer(),
  deadlineAt: Type.String(),
});

/** What doctor has to know of an order. */
export const AuditedOrder = Shape({
  id: Type.String(),
  status: OrderStatus,
  paymentStatus: PaymentStatus,
  currency: Type.String(),
  lines: Type.Array(Shape({ sku: Type.String(), quantity: Type.Integer(), unitPrice: Sum, total: Sum })),
  totals: Shape({ subtotal: Sum, discount: Sum, shipping: Sum, tax: Sum, total: Sum }),
  paymentId: Nullable(Type.String()),
  process: Step,
  dueAt: Nullable(Type.String()),
  tellsSince: TellsSince,
});
export type AuditedOrder = Static<typeof AuditedOrder>;

const ById = Shape({ id: Id("ord") });
const ByIds = Shape({ ids: Type.Array(Id("ord"), { maxItems: 2_000 }) });
const OrderFact = Shape({ order: Order, reason: Nullable(Type.String()) });

export const orders = contract({
  name: "orders",
  about: "Orders and the checkout process.",
  actions: {
    "orders.place": {
      summary: "Buy in one call",
      description:
        "Holds the stock, reserves the money, takes both, and answers once the outcome is known: 201 `confirmed`, or `requires_action` with `payment.nextAction`; 202 `pending` when it is not known in time, in which case it goes on by itself. A repeat with the same Idempotency-Key is the same order. One that could not be completed in time is given up, whatever was charged is paid back, and a repeat is refused with `invalid_state`: it takes another order, under another key.",
      rest: {
        route: "POST /v1/orders",
        access: "anyone",
        status: 201,
        pendingIs202: true,
        keyRequired: true,
        knowsKeys: true,
      },
      graph: "mutation placeOrder",
      params: PlaceOrder,
      example: {
        email: "ada@example.com",
        lines: [{ sku: "MUG-SALT", quantity: 2 }],
        shippingAddress: {
          name: "Ada Byron",
          line1: "1 Quay Street",
          city: "Vigo",
          postalCode: "36201",
          country: "ES",
        },
        payment: { token: "tok_visa" },
      },
      result: PlacedOrder,
      refuses: ["insufficient_stock", "payment_declined", "payment_failed", "invalid_state"],
      timeoutMs: 15_000,
    },
    "orders.list": {
      summary: "List your orders, newest first",
      rest: { route: "GET /v1/orders", access: "user" },
      graph: "query myOrders",
      params: Shape({ status: Maybe(OrderStatus), ...paging }),
      result: PageOf(Order),
    },
    "orders.get": {
      summary: "Get an order",
      description: "Staff, the customer whose order it is, or a guest with its token.",
      rest: { route: "GET /v1/orders/:id", access: "anyone" },
      graph: "live query order",
      params: ById,
      result: Order,
      refuses: ["not_found"],
    },
    "orders.events": {
      summary: "The timeline of an order, oldest first",
      rest: { route: "GET /v1/orders/:id/events", access: "anyone", stream: "/v1/orders/:id/stream" },
      graph: "live query orderEvents",
      params: Shape({ id: Id("ord"), ...paging }),
      result: PageOf(TimelineEntry),
      refuses: ["not_found"],
    },
    "orders.cancel": {
      summary: "Cancel an order that has not left the house",
      description:
        "Gives the stock back, and the money. Canceling again changes nothing. 202 while the money is on its way. Where the provider refuses to pay back, the order shows `attention`, and is asked for again over some hours; after that it is up to staff.",
      rest: { route: "POST /v1/orders/:id/cancel", access: "anyone", pendingIs202: true },
      graph: "mutation cancelOrder",
      params: Shape({ id: Id("ord"), reason: Maybe(Text(1, 500)) }),
      result: Order,
      refuses: ["not_found", "invalid_state"],
      timeoutMs: 15_000,
    },
    "orders.search": {
      summary: "List all orders, newest first",
      rest: { route: "GET /v1/admin/orders", access: "staff" },
      graph: "query orders",
      params: Shape({
        status: Maybe(OrderStatus),
        attention: Maybe(Attention),
        q: Maybe(Text(1, 254, "An order's number or id, or the e-mail address, whole.")),
        ...paging,
      }),
      result: PageOf(Order),
    },
    "orders.mayRead": {
      summary: "Whether who asks may read this order",
      description: "For services that keep what belongs to an order. Refused as `not_found` where they may not.",
      inside: "Services ask it that keep what belongs to an order.",
      params: ById,
      result: Type.Boolean(),
      refuses: ["not_found"],
    },
    "orders.readable": {
      summary: "Which of these orders whoever asks may read",
      inside: "Services ask it that keep what belongs to orders.",
      params: ByIds,
      result: Type.Array(Id("ord")),
    },
    "orders.byIds": {
      summary: "These orders, as far as whoever asks may read them, in any order",
      inside: "GraphQL shows the order of a payment or an invoice with it.",
      params: ByIds,
      result: Type.Array(Order),
    },
    "orders.audit": {
      summary: "Orders as they are kept, by their ids, for doctor",
      inside: "Doctor asks it.",
      params: Shape({ ...auditing }),
      result: PageOf(AuditedOrder),
    },
    "orders.wake": {
      summary: "Take up an order that nobody drives, as if its time had come",
      description: "An order whose process is over is left alone.",
      inside: "Doctor asks it.",
      params: ById,
      result: Nothing,
      refuses: ["not_found"],
    },
  },
  tells: {
    "orders.confirmed": OrderFact,
    "orders.canceled": OrderFact,
  },
  hears: ["payments.changed"],
});
