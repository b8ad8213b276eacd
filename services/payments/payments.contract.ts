import { AuditedCharge } from "../sandbox/sandbox.contract.ts";
import { auditing, Sum, TellsSince } from "../shared/auditing.ts";
import { contract } from "../shared/contract.ts";
import {
  Address,
  Amount,
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

export const PaymentStatus = OneOf(
  [
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
  ],
  "How far the money has come.",
);
export type PaymentStatus = Static<typeof PaymentStatus>;

export const NextAction = Shape("What the buyer has to do before the payment can go on: open `url`.", {
  type: OneOf(["redirect"]),
  url: Type.String(),
});
export type NextAction = Static<typeof NextAction>;

export const Token = Type.String({
  pattern: "^[A-Za-z0-9_-]{3,200}$",
  description: "Stands for the buyer's card at the payment provider. Never a card number.",
});

const Positive = Type.Integer({ minimum: 1, maximum: 1_000_000_000_000, description: "Whole minor units (cents)." });

export const RefundStatus = OneOf(["pending", "succeeded", "failed"], "`pending`: the provider has not said yet.");
export const Refund = Shape("Money that is paid back, or was.", {
  id: Id("ref"),
  amount: Money,
  reason: Text(0, 500),
  status: RefundStatus,
  createdAt: Time,
});
export type Refund = Static<typeof Refund>;

export const Payment = Shape("The payment of an order: what is wanted, what was taken and what was paid back.", {
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

export const InvoiceLine = Shape("A line of an invoice.", {
  sku: Sku,
  title: Text(1, 520),
  quantity: Quantity,
  unitPrice: Money,
  total: Money,
});
export const Totals = Shape("The sums of an order. `total` is what is paid.", {
  subtotal: Money,
  discount: Money,
  shipping: Money,
  tax: Money,
  total: Money,
});
export type Totals = Static<typeof Totals>;

/** Everything that an invoice will say of the order, handed over when the payment begins. */
export const InvoiceContent = Shape("Everything that an invoice says of the order.", {
  orderNumber: Text(1, 40),
  email: Email,
  billingAddress: Address,
  lines: Type.Array(InvoiceLine, { minItems: 1, maxItems: 200 }),
  totals: Totals,
});
export type InvoiceContent = Static<typeof InvoiceContent>;

export const Invoice = Shape("An invoice, as it was issued.", {
  id: Id("inv"),
  number: Type.String({ description: "Without a gap within a series: INV-000001, INV-000002, …" }),
  sequence: Type.Integer({ minimum: 1 }),
  status: OneOf(["issued", "paid", "void"]),
  orderId: Id("ord"),
  paymentId: Id("pay"),
  currency: Currency,
  bill: InvoiceContent,
  issuedAt: Time,
  contentHash: Type.String({ description: "SHA-256 of the content. It never changes after the issue." }),
});
export type Invoice = Static<typeof Invoice>;

export const LedgerEntry = Shape("An entry in the journal: its debits and credits are equal.", {
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

/** What doctor has to know of a payment: what the shop wants of it, and what it believes the provider to have. */
export const AuditedPayment = Shape({
  id: Type.String(),
  orderId: Type.String(),
  status: PaymentStatus,
  amount: Sum,
  hasBegun: Type.Boolean({ description: "False: it takes the place of one that must never begin." }),
  captured: Type.Integer(),
  refunded: Type.Integer(),
  failure: Nullable(Type.String()),
  isReversed: Type.Boolean({ description: "All of it is to be given back." }),
  chargeStatus: Nullable(Type.String({ description: "What the provider is known to have; null: nothing." })),
  entries: Type.Array(Type.String({ description: "The ids of its entries in the journal." })),
  asks: Nullable(Type.String({ description: "What is still to be asked of the provider." })),
  looks: Type.Integer(),
  dueAt: Nullable(Type.String()),
  tellsSince: TellsSince,
});
export type AuditedPayment = Static<typeof AuditedPayment>;

export const AuditedEntry = Shape({
  id: Type.String(),
  orderId: Type.String(),
  paymentId: Type.String(),
  kind: LedgerEntry.properties.kind,
  currency: Type.String(),
  debit: Type.Integer(),
  credit: Type.Integer(),
});
export type AuditedEntry = Static<typeof AuditedEntry>;

export const AuditedInvoice = Shape({
  id: Type.String(),
  orderId: Type.String(),
  paymentId: Type.String(),
  number: Type.String(),
  status: Type.String(),
  total: Sum,
  isGenuine: Type.Boolean({ description: "What it says has the hash that it was issued with." }),
});
export type AuditedInvoice = Static<typeof AuditedInvoice>;

export const AuditedNumber = Shape({ id: Type.String(), number: Type.String(), sequence: Type.Integer() });
export type AuditedNumber = Static<typeof AuditedNumber>;

const ById = Shape({ id: Id("pay") });
const ByOrder = Shape({ orderId: Id("ord") });
const ByOrders = Shape({ orderIds: Type.Array(Id("ord"), { maxItems: 2_000 }) });

export const PaymentFact = Shape("Where a payment stands, as others hear of it.", {
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
      inside: "Checkout asks it.",
      params: Shape({
        orderId: Id("ord"),
        amount: Money,
        token: Token,
        customerId: Nullable(Id("usr")),
        bill: InvoiceContent,
      }),
      result: Payment,
      refuses: ["invalid_state"],
      timeoutMs: 10_000,
    },
    "payments.captureOrder": {
      summary: "Take the money that was reserved for an order",
      description:
        "Idempotent by order. Issues the invoice. Status `failed` means that the money cannot be had; what is reserved stays so until `payments.reverse`. `unavailable`: the provider has not answered yet and will be asked again.",
      inside: "Checkout asks it.",
      params: ByOrder,
      result: Payment,
      refuses: ["not_found", "invalid_state", "unavailable"],
      timeoutMs: 10_000,
    },
    "payments.reverse": {
      summary: "Undo an order's payment: cancel what is reserved, refund what was taken",
      description:
        "Idempotent by order. Where no payment has begun, it makes sure that none can begin any more, and answers null. Otherwise it answers once the provider has confirmed; a refund that the provider refuses is `payment_failed`, and is tried anew when asked again.",
      inside: "Checkout asks it.",
      params: Shape({ orderId: Id("ord"), reason: Text(0, 500) }),
      result: Nullable(Payment),
      refuses: ["payment_failed", "unavailable"],
      timeoutMs: 10_000,
    },
    "payments.get": {
      summary: "Get a payment",
      description: "Staff, the customer who paid, or a guest with the order's token.",
      rest: { route: "GET /v1/payments/:id", access: "anyone" },
      graph: "query payment",
      params: ById,
      result: Payment,
      refuses: ["not_found"],
    },
    "payments.capture": {
      summary: "Take reserved money, all or a part of it",
      rest: { route: "POST /v1/admin/payments/:id/capture", access: "staff" },
      graph: "mutation capturePayment",
      params: Shape({ id: Id("pay"), amount: Maybe(Positive) }),
      result: Payment,
      refuses: ["not_found", "invalid_state", "payment_failed", "unavailable"],
      timeoutMs: 10_000,
    },
    "payments.cancel": {
      summary: "Give reserved money back",
      description: "Only while nothing has been captured. Canceling again changes nothing.",
      rest: { route: "POST /v1/admin/payments/:id/cancel", access: "staff" },
      graph: "mutation cancelPayment",
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
      graph: "mutation refundPayment",
      params: Shape({ id: Id("pay"), amount: Maybe(Positive), reason: Text(1, 500) }),
      result: Payment,
      refuses: ["not_found", "invalid_state", "payment_failed"],
      timeoutMs: 10_000,
    },
    "payments.ledger": {
      summary: "The journal, newest first: every entry balances",
      rest: { route: "GET /v1/admin/ledger", access: "staff" },
      graph: "query ledgerEntries",
      params: Shape({ orderId: Maybe(Id("ord")), ...paging }),
      result: PageOf(LedgerEntry),
    },
    "payments.invoices": {
      summary: "List invoices, newest first",
      rest: { route: "GET /v1/admin/invoices", access: "staff" },
      graph: "query invoices",
      params: Shape({ ...paging }),
      result: PageOf(Invoice),
    },
    "payments.invoice": {
      summary: "The invoice of an order",
      description: "Staff, the customer whose order it is, or a guest with the order's token.",
      rest: { route: "GET /v1/orders/:orderId/invoice", access: "anyone" },
      graph: "query invoice",
      params: ByOrder,
      result: Invoice,
      refuses: ["not_found"],
    },
    "payments.ofOrders": {
      summary: "The payments of these orders, as far as whoever asks may read them, in any order",
      inside: "GraphQL shows the payment of an order with it.",
      params: ByOrders,
      result: Type.Array(Payment),
    },
    "payments.invoicesOfOrders": {
      summary: "The invoices of these orders, as far as whoever asks may read them, in any order",
      inside: "GraphQL shows the invoice of an order with it.",
      params: ByOrders,
      result: Type.Array(Invoice),
    },
    "payments.webhook": {
      summary: "News from a payment provider",
      description:
        "The signature is checked on the raw body. News is only a hint to look at the charge, so it may come late, twice and in any order. `received` is false for what is not about a payment of this shop.",
      rest: { route: "POST /v1/webhooks/payments/:provider", access: "open", takes: "raw" },
      graph: { not: "Providers sign the bytes of what they send." },
      params: Shape({
        provider: Type.String({ pattern: "^[a-z]{1,30}$" }),
        body: Type.String({ maxLength: 100_000 }),
        signature: Type.String({ maxLength: 1000 }),
      }),
      result: Shape({ received: Type.Boolean() }),
      refuses: ["not_found", "invalid_signature"],
    },
    "payments.audit": {
      summary: "Payments as they are kept, for doctor",
      description: "By their orders, or, where `by` says so, by their own ids.",
      inside: "Doctor asks it.",
      params: Shape({ by: Maybe(OneOf(["orderId", "_id"])), ...auditing }),
      result: PageOf(AuditedPayment),
    },
    "payments.auditLedger": {
      summary: "The journal as it is kept, by orders, for doctor",
      inside: "Doctor asks it.",
      params: Shape({ ...auditing }),
      result: PageOf(AuditedEntry),
    },
    "payments.auditInvoices": {
      summary: "Invoices as they are kept, by orders, for doctor",
      inside: "Doctor asks it.",
      params: Shape({ ...auditing }),
      result: PageOf(AuditedInvoice),
    },
    "payments.auditNumbers": {
      summary: "The numbers of all invoices, in their order, for doctor",
      inside: "Doctor asks it.",
      params: Shape({ limit: auditing.limit, cursor: auditing.cursor }),
      result: PageOf(AuditedNumber),
    },

    "payments.auditGaps": {
      summary:
        "Numbers of invoices that are not given out, because a shop that was lost has given them out, for doctor",
      inside: "Doctor asks it.",
      params: Shape({}),
      result: Type.Array(Shape({ from: Type.Integer(), to: Type.Integer() })),
    },
    "payments.auditCharges": {
      summary: "The provider's own record, whatever is believed of it here, for doctor",
      inside: "Doctor asks it.",
      params: Shape({ ...auditing }),
      result: PageOf(AuditedCharge),
    },
    "payments.mend": {
      summary: "Look what the provider has, go on from there, and put into journal and invoices what is missing",
      description: "What the reconciler does when a payment is due. Where nothing is missing, nothing comes of it.",
      inside: "Doctor asks it.",
      params: ById,
      result: Nothing,
      refuses: ["not_found", "unavailable"],
      timeoutMs: 10_000,
    },
  },
  tells: {
    /** The state of a payment has changed, and no order's process waits for the answer. */
    "payments.changed": PaymentFact,
    /** The state of a payment has changed. */
    "payments.moved": PaymentFact,
  },
  hears: ["payments.changed"],
});
