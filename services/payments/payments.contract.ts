import { contract } from "../shared/contract.ts";
import {
  Address,
  Amount,
  Currency,
  Email,
  Id,
  Maybe,
  Money,
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

export const PaymentStatus = OneOf([
  "not_paid",
  "awaiting",
  "requires_action",
  "authorized",
  "partially_captured",
  "captured",
  "partially_refunded",
  "refunded",
  "canceled",
  "failed",
]);
export type PaymentStatus = Static<typeof PaymentStatus>;

/** What the buyer has to do before the payment can go on: open `url`. */
export const NextAction = Shape({ type: OneOf(["redirect"]), url: Type.String() });
export type NextAction = Static<typeof NextAction>;

export const Token = Type.String({
  pattern: "^[A-Za-z0-9_-]{3,200}$",
  description: "Stands for the buyer's card at the payment provider. Never a card number.",
});

const Positive = Type.Integer({ minimum: 1, maximum: 1_000_000_000_000, description: "Whole minor units (cents)." });

export const RefundStatus = OneOf(["pending", "succeeded", "failed"]);
export const Refund = Shape({
  id: Id("ref"),
  amount: Money,
  reason: Text(0, 500),
  status: RefundStatus,
  createdAt: Time,
});
export type Refund = Static<typeof Refund>;

export const Payment = Shape({
  id: Id("pay"),
  orderId: Id("ord"),
  status: PaymentStatus,
  provider: Type.String(),
  amount: Money,
  captured: Money,
  refunded: Money,
  refunds: Type.Array(Refund),
  failure: Nullable(Type.String({ description: "Why the provider said no." })),
  nextAction: Nullable(NextAction),
  createdAt: Time,
  updatedAt: Time,
  version: Version,
});
export type Payment = Static<typeof Payment>;

export const BillLine = Shape({
  sku: Sku,
  title: Text(1, 520),
  quantity: Quantity,
  unitPrice: Money,
  total: Money,
});
export const Totals = Shape({ subtotal: Money, discount: Money, shipping: Money, tax: Money, total: Money });
export type Totals = Static<typeof Totals>;

/** Everything that an invoice will say of the order, handed over when the payment begins. */
export const Bill = Shape({
  orderNumber: Text(1, 40),
  email: Email,
  billingAddress: Address,
  lines: Type.Array(BillLine, { minItems: 1, maxItems: 200 }),
  totals: Totals,
});
export type Bill = Static<typeof Bill>;

export const Invoice = Shape({
  id: Id("inv"),
  number: Type.String({ description: "Without a gap within a series: INV-000001, INV-000002, …" }),
  sequence: Type.Integer({ minimum: 1 }),
  status: OneOf(["issued", "paid", "void"]),
  orderId: Id("ord"),
  paymentId: Id("pay"),
  currency: Currency,
  bill: Bill,
  issuedAt: Time,
  contentHash: Type.String({ description: "SHA-256 of the content. It never changes after the issue." }),
});
export type Invoice = Static<typeof Invoice>;

export const LedgerEntry = Shape({
  id: Id("led"),
  paymentId: Id("pay"),
  orderId: Id("ord"),
  kind: OneOf(["capture", "refund"]),
  currency: Currency,
  postings: Type.Array(
    Shape({
      account: OneOf(["provider_receivable", "sales", "tax_payable", "refunds"]),
      debit: Amount,
      credit: Amount,
    }),
    { minItems: 2 },
  ),
  at: Time,
});
export type LedgerEntry = Static<typeof LedgerEntry>;

const ById = Shape({ id: Id("pay") });
const ByOrder = Shape({ orderId: Id("ord") });

/** What other services hear whenever the state of a payment changes. */
export const PaymentFact = Shape({
  paymentId: Id("pay"),
  orderId: Id("ord"),
  status: PaymentStatus,
  amount: Money,
  captured: Money,
  refunded: Money,
  /** The payment's version: of two facts the higher one is the later. */
  version: Version,
  failure: Nullable(Type.String()),
});
export type PaymentFact = Static<typeof PaymentFact>;

export const payments = contract({
  name: "payments",
  about: "Payments, refunds, the ledger and invoices.",
  actions: {
    "payments.authorize": {
      summary: "Reserve an order's money with the provider",
      description:
        "One payment per order: asking again answers the state it has reached, and never charges a second time. `awaiting` means that the provider has not said yet; the outcome then arrives as `payments.changed`. A decline is an answer with status `failed`.",
      params: Shape({ orderId: Id("ord"), amount: Money, token: Token, customerId: Nullable(Id("usr")), bill: Bill }),
      result: Payment,
      refuses: ["invalid_state"],
      timeoutMs: 10_000,
    },
    "payments.captureOrder": {
      summary: "Take the money that was reserved for an order",
      description:
        "Idempotent by order. Issues the invoice. Status `failed` means that the money cannot be had; what is reserved stays so until `payments.reverse`. `unavailable`: the provider has not answered yet and will be asked again.",
      params: ByOrder,
      result: Payment,
      refuses: ["not_found", "invalid_state", "unavailable"],
      timeoutMs: 10_000,
    },
    "payments.reverse": {
      summary: "Undo an order's payment: cancel what is reserved, refund what was taken",
      description:
        "Idempotent by order. Where no payment has begun, it makes sure that none can begin any more, and answers null. Otherwise it answers once the provider has confirmed; a refund that the provider refuses is `payment_failed`, and is tried anew when asked again.",
      params: Shape({ orderId: Id("ord"), reason: Text(0, 500) }),
      result: Nullable(Payment),
      refuses: ["payment_failed", "unavailable"],
      timeoutMs: 10_000,
    },
    "payments.get": {
      summary: "Get a payment",
      description: "Staff, the customer who paid, or a guest with the order's token.",
      rest: { route: "GET /v1/payments/:id", access: "anyone" },
      params: ById,
      result: Payment,
      refuses: ["not_found"],
    },
    "payments.capture": {
      summary: "Take reserved money, all or a part of it",
      rest: { route: "POST /v1/admin/payments/:id/capture", access: "staff" },
      params: Shape({ id: Id("pay"), amount: Maybe(Positive) }),
      result: Payment,
      refuses: ["not_found", "invalid_state", "payment_failed", "unavailable"],
      timeoutMs: 10_000,
    },
    "payments.cancel": {
      summary: "Give reserved money back",
      description: "Only while nothing has been captured. Canceling again changes nothing.",
      rest: { route: "POST /v1/admin/payments/:id/cancel", access: "staff" },
      params: ById,
      result: Payment,
      refuses: ["not_found", "invalid_state", "unavailable"],
      timeoutMs: 10_000,
    },
    "payments.refund": {
      summary: "Pay captured money back, all or a part of it",
      description:
        "Never more than was captured, however many ask at once. Without `amount`: all that is left. Repeated with the same Idempotency-Key it is the same refund. A refund that is still `pending` goes on by itself.",
      rest: { route: "POST /v1/admin/payments/:id/refunds", access: "staff", status: 201 },
      params: Shape({ id: Id("pay"), amount: Maybe(Positive), reason: Text(1, 500) }),
      result: Payment,
      refuses: ["not_found", "invalid_state", "payment_failed"],
      timeoutMs: 10_000,
    },
    "payments.ledger": {
      summary: "The journal, newest first: every entry balances",
      rest: { route: "GET /v1/admin/ledger", access: "staff" },
      params: Shape({ orderId: Maybe(Id("ord")), ...paging }),
      result: PageOf(LedgerEntry),
    },
    "payments.invoices": {
      summary: "List invoices, newest first",
      rest: { route: "GET /v1/admin/invoices", access: "staff" },
      params: Shape({ ...paging }),
      result: PageOf(Invoice),
    },
    "payments.invoice": {
      summary: "The invoice of an order",
      description: "Staff, the customer whose order it is, or a guest with the order's token.",
      rest: { route: "GET /v1/orders/:orderId/invoice", access: "anyone" },
      params: ByOrder,
      result: Invoice,
      refuses: ["not_found"],
    },
    "payments.webhook": {
      summary: "News from a payment provider",
      description:
        "The signature is checked on the raw body. News is only a hint to look at the charge, so it may come late, twice and in any order. `received` is false for what is not about a payment of this shop.",
      rest: { route: "POST /v1/webhooks/payments/:provider", access: "open", takes: "raw" },
      params: Shape({
        provider: Type.String({ pattern: "^[a-z]{1,30}$" }),
        body: Type.String({ maxLength: 100_000 }),
        signature: Type.String({ maxLength: 1000 }),
      }),
      result: Shape({ received: Type.Boolean() }),
      refuses: ["not_found", "invalid_signature"],
    },
  },
  tells: { "payments.changed": PaymentFact },
  hears: ["payments.changed"],
});
