// Made from the contracts by `npm run sdk`. What is changed here by hand is lost.

import type { Call, List } from "./calls.ts";
import type { Options, Stream, StreamOptions } from "./client.ts";

/** What an account may do. */
export type Role = "customer" | "staff" | "admin";
/** Only active products are listed and sold. */
export type ProductStatus = "draft" | "active" | "archived";
/** Why units came or left. */
export type MovementReason = "opened" | "adjusted" | "sold" | "returned";
/** How far an order has come. */
export type OrderStatus = "pending" | "requires_action" | "confirmed" | "completed" | "canceled" | "expired";
/** How far the money has come. */
export type PaymentStatus =
  | "not_paid"
  | "awaiting"
  | "requires_action"
  | "authorized"
  | "partially_captured"
  | "captured"
  | "partially_refunded"
  | "refunded"
  | "canceled"
  | "failed";
/** How far the goods have come. */
export type FulfillmentStatus =
  | "not_fulfilled"
  | "partially_fulfilled"
  | "fulfilled"
  | "partially_shipped"
  | "shipped"
  | "partially_delivered"
  | "delivered"
  | "canceled";
/** Why somebody has to look at an order: `refund_refused`, it is canceled, and the provider does not pay back. */
export type Attention = "refund_refused";
/** `pending`: the provider has not said yet. */
export type RefundStatus = "pending" | "succeeded" | "failed";
/** What a mail is about. */
export type Template = "order_confirmed" | "order_canceled";
export type EventType =
  | "order.confirmed"
  | "order.canceled"
  | "payment.requires_action"
  | "payment.authorized"
  | "payment.partially_captured"
  | "payment.captured"
  | "payment.partially_refunded"
  | "payment.refunded"
  | "payment.canceled"
  | "payment.failed";
/** `gone`: it has answered 410. `failing`: for days it has taken nothing. */
export type DisabledReason = "staff" | "gone" | "failing";
/** `dead`: it was given up. */
export type DeliveryStatus = "waiting" | "delivered" | "dead";

/** Somebody is signed in. */
export interface Session {
  user: User;
  /** A JWT, signed with EdDSA. Send it as `Authorization: Bearer`. */
  accessToken: string;
  /** Opaque, good for one use. */
  refreshToken: string;
  /** Seconds until the access token ends. */
  expiresIn: number;
}
/** An account. */
export interface User {
  /** An id that begins with usr_. */
  id: string;
  /** An e-mail address. */
  email: string;
  name: string;
  role: Role;
  disabled: boolean;
  /** ISO 8601 in UTC. */
  createdAt: string;
  /** ISO 8601 in UTC. */
  updatedAt: string;
  /** Grows by one with every change. */
  version: number;
}
/** Public keys, as RFC 7517 has them. */
export interface Jwks {
  keys: {
    kty: "OKP";
    crv: "Ed25519";
    x: string;
    kid: string;
    use: "sig";
    alg: "EdDSA";
  }[];
}
/** As clients see it: each variant with the units that can be bought right now. */
export interface Product {
  /** An id that begins with prod_. */
  id: string;
  /** ISO 8601 in UTC. */
  createdAt: string;
  /** ISO 8601 in UTC. */
  updatedAt: string;
  /** Grows by one with every change. */
  version: number;
  /** The product's name in addresses: lower case, digits, single dashes. */
  handle: string;
  title: string;
  /** Plain text or the HTML that was given; show it only sanitized. */
  description: string;
  status: ProductStatus;
  vendor?: string;
  type?: string;
  /** @maxItems 250 */
  tags: string[];
  /**
   * Handles of categories.
   *
   * @maxItems 20
   *
   * Items: The product's name in addresses: lower case, digits, single dashes.
   */
  categories: string[];
  /** @maxItems 250 */
  images: Picture[];
  /** @maxItems 3 */
  options: ProductOption[];
  variants: {
    /** An id that begins with var_. */
    id: string;
    /** Stock keeping unit: 1 to 64 characters without /, ? or #. */
    sku: string;
    title: string;
    options: {
      [k: string]: string;
    };
    price: Money;
    compareAtPrice?: Money;
    available: number;
  }[];
}
/** A picture of a product, and what it shows in words. */
export interface Picture {
  url: string;
  alt: string;
}
/** What can be chosen of a product, such as a size, with all that can be chosen. */
export interface ProductOption {
  name: string;
  /**
   * @minItems 1
   * @maxItems 250
   */
  values: string[];
}
/** A sum of money. */
export interface Money {
  /** Whole minor units (cents). */
  amount: number;
  /** ISO 4217, such as EUR. */
  currency: string;
}
/** A category with how many active products are in it. */
export interface Category {
  /** The product's name in addresses: lower case, digits, single dashes. */
  handle: string;
  title: string;
  products: number;
}
/** What staff give to make a product; what is left out gets a sensible default. */
export interface NewProduct {
  /** The product's name in addresses: lower case, digits, single dashes. */
  handle?: string;
  title: string;
  /** Plain text or the HTML that was given; show it only sanitized. */
  description?: string;
  status?: ProductStatus;
  vendor?: string;
  type?: string;
  /** @maxItems 250 */
  tags?: string[];
  /**
   * Handles of categories.
   *
   * @maxItems 20
   *
   * Items: The product's name in addresses: lower case, digits, single dashes.
   */
  categories?: string[];
  /** @maxItems 250 */
  images?: Picture[];
  /** @maxItems 3 */
  options?: ProductOption[];
  /**
   * @minItems 1
   * @maxItems 250
   */
  variants: {
    /** Stock keeping unit: 1 to 64 characters without /, ? or #. */
    sku?: string;
    title?: string;
    options?: {
      [k: string]: string;
    };
    price: Money;
    compareAtPrice?: Money;
  }[];
}
/** How far an import of products has come. */
export interface ImportJob {
  /** An id that begins with imp_. */
  id: string;
  status: "queued" | "running" | "succeeded" | "failed";
  /** Products in the file. */
  total: number;
  imported: number;
  skipped: number;
  /**
   * The first thousand.
   *
   * @maxItems 1000
   */
  errors: {
    /** Line of the file; the header is 1. */
    row: number;
    message: string;
  }[];
  /** ISO 8601 in UTC. */
  createdAt: string;
  finishedAt: string | null;
}
/** The stock of a SKU as staff see it. */
export interface StockLevel {
  /** Stock keeping unit: 1 to 64 characters without /, ? or #. */
  sku: string;
  /** Units that lie on the shelf. */
  onHand: number;
  held: number;
  /** On hand, less what orders hold. */
  available: number;
  /** Grows by one with every change. */
  version: number;
}
/** Units that came to the shelf or left it. */
export interface Movement {
  /** An id that begins with mov_. */
  id: string;
  /** Stock keeping unit: 1 to 64 characters without /, ? or #. */
  sku: string;
  /** Units that came (positive) or left (negative). */
  delta: number;
  onHandAfter: number;
  kind: MovementReason;
  reason: string | null;
  orderId: string | null;
  actorId: string | null;
  /** The version of the stock that it came with. */
  stockVersion?: number;
  /** ISO 8601 in UTC. */
  at: string;
}
/** What is to be bought, where it goes, and what it is paid with. */
export interface PlaceOrder {
  /** An e-mail address. */
  email: string;
  /** ISO 4217, such as EUR. */
  currency?: string;
  /**
   * @minItems 1
   * @maxItems 200
   */
  lines: Line[];
  shippingAddress: Address;
  billingAddress?: Address;
  shippingMethod?: "standard";
  payment: {
    /** Stands for the buyer's card at the payment provider. Never a card number. */
    token: string;
  };
}
/** So many of a SKU. */
export interface Line {
  /** Stock keeping unit: 1 to 64 characters without /, ? or #. */
  sku: string;
  quantity: number;
}
/** Where something goes, or who pays. */
export interface Address {
  name: string;
  line1: string;
  line2?: string;
  city: string;
  region?: string;
  postalCode: string;
  /** ISO 3166-1 alpha-2, such as ES. */
  country: string;
  phone?: string;
  company?: string;
}
/** What the maker of an order is told; the token lets a guest see it again. */
export interface PlacedOrder {
  /** An id that begins with ord_. */
  id: string;
  /** For people: short, without letters that look alike. */
  number: string;
  status: OrderStatus;
  paymentStatus: PaymentStatus;
  fulfillmentStatus: FulfillmentStatus;
  /** ISO 4217, such as EUR. */
  currency: string;
  lines: OrderLine[];
  totals: Totals;
  /** An e-mail address. */
  email: string;
  customerId: string | null;
  shippingAddress: Address;
  billingAddress: Address;
  payment: {
    id: string | null;
    nextAction?: NextAction;
  } | null;
  cancelReason: string | null;
  attention?: Attention;
  /** ISO 8601 in UTC. */
  createdAt: string;
  /** ISO 8601 in UTC. */
  updatedAt: string;
  /** Grows by one with every change. */
  version: number;
  guestToken: string;
}
/** What was bought, as it was then. */
export interface OrderLine {
  /** An id that begins with line_. */
  id: string;
  /** Stock keeping unit: 1 to 64 characters without /, ? or #. */
  sku: string;
  title: string;
  quantity: number;
  unitPrice: Money;
  total: Money;
}
/** The sums of an order. `total` is what is paid. */
export interface Totals {
  subtotal: Money;
  discount: Money;
  shipping: Money;
  tax: Money;
  total: Money;
}
/** What the buyer has to do before the payment can go on: open `url`. */
export interface NextAction {
  type: "redirect";
  url: string;
}
/** What somebody has bought, or wants to. */
export interface Order {
  /** An id that begins with ord_. */
  id: string;
  /** For people: short, without letters that look alike. */
  number: string;
  status: OrderStatus;
  paymentStatus: PaymentStatus;
  fulfillmentStatus: FulfillmentStatus;
  /** ISO 4217, such as EUR. */
  currency: string;
  lines: OrderLine[];
  totals: Totals;
  /** An e-mail address. */
  email: string;
  customerId: string | null;
  shippingAddress: Address;
  billingAddress: Address;
  payment: {
    id: string | null;
    nextAction?: NextAction;
  } | null;
  cancelReason: string | null;
  attention?: Attention;
  /** ISO 8601 in UTC. */
  createdAt: string;
  /** ISO 8601 in UTC. */
  updatedAt: string;
  /** Grows by one with every change. */
  version: number;
}
/** Something that has happened to an order. */
export interface TimelineEntry {
  /** ISO 8601 in UTC. */
  at: string;
  /** Such as `stock_held`, `payment_authorized`, `confirmed`. */
  type: string;
  detail?: string;
}
/** The payment of an order: what is wanted, what was taken and what was paid back. */
export interface Payment {
  /** An id that begins with pay_. */
  id: string;
  /** An id that begins with ord_. */
  orderId: string;
  status: PaymentStatus;
  provider: string;
  amount: Money;
  captured: Money;
  refunded: Money;
  refunds: Refund[];
  failure: string | null;
  nextAction: NextAction | null;
  /** ISO 8601 in UTC. */
  createdAt: string;
  /** ISO 8601 in UTC. */
  updatedAt: string;
  /** Grows by one with every change. */
  version: number;
}
/** Money that is paid back, or was. */
export interface Refund {
  /** An id that begins with ref_. */
  id: string;
  amount: Money;
  reason: string;
  status: RefundStatus;
  /** ISO 8601 in UTC. */
  createdAt: string;
}
/** An entry in the journal: its debits and credits are equal. */
export interface LedgerEntry {
  /** An id that begins with led_. */
  id: string;
  /** An id that begins with pay_. */
  paymentId: string;
  /** An id that begins with ord_. */
  orderId: string;
  kind: "capture" | "refund";
  /** ISO 4217, such as EUR. */
  currency: string;
  /** @minItems 2 */
  postings: {
    account: "provider_receivable" | "sales" | "tax_payable" | "refunds";
    /** Whole minor units (cents). */
    debit: number;
    /** Whole minor units (cents). */
    credit: number;
  }[];
  /** ISO 8601 in UTC. */
  at: string;
}
/** An invoice, as it was issued. */
export interface Invoice {
  /** An id that begins with inv_. */
  id: string;
  /** Without a gap within a series: INV-000001, INV-000002, … */
  number: string;
  sequence: number;
  status: "issued" | "paid" | "void";
  /** An id that begins with ord_. */
  orderId: string;
  /** An id that begins with pay_. */
  paymentId: string;
  /** ISO 4217, such as EUR. */
  currency: string;
  bill: InvoiceContent;
  /** ISO 8601 in UTC. */
  issuedAt: string;
  /** SHA-256 of the content. It never changes after the issue. */
  contentHash: string;
}
/** Everything that an invoice says of the order. */
export interface InvoiceContent {
  orderNumber: string;
  /** An e-mail address. */
  email: string;
  billingAddress: Address;
  /**
   * @minItems 1
   * @maxItems 200
   */
  lines: InvoiceLine[];
  totals: Totals;
}
/** A line of an invoice. */
export interface InvoiceLine {
  /** Stock keeping unit: 1 to 64 characters without /, ? or #. */
  sku: string;
  title: string;
  quantity: number;
  unitPrice: Money;
  total: Money;
}
/** A charge as the provider keeps it, apart from anything that the shop believes of it. */
export interface Charge {
  /** An id that begins with ch_. */
  id: string;
  key: string;
  token: string;
  /** Whole minor units (cents). */
  amount: number;
  /** ISO 4217, such as EUR. */
  currency: string;
  status: "processing" | "requires_action" | "authorized" | "captured" | "canceled" | "declined";
  /** Whole minor units (cents). */
  captured: number;
  /** Nothing more can be taken of it. */
  closed: boolean;
  /** Whole minor units (cents). */
  refunded: number;
  refunds: {
    key: string;
    /** Whole minor units (cents). */
    amount: number;
  }[];
  failure: string | null;
  /** An id that begins with ord_. */
  orderId?: string;
  /** An e-mail address. */
  email?: string;
  /** ISO 8601 in UTC. */
  createdAt: string;
}
/** A mail to a customer, sent or not. */
export interface Mail {
  /** An id that begins with mail_. */
  id: string;
  /** An id that begins with ord_. */
  orderId: string;
  /** An e-mail address. */
  to: string;
  subject: string;
  template: Template;
  status: "queued" | "sent" | "failed";
  tries: number;
  error: string | null;
  /** ISO 8601 in UTC. */
  createdAt: string;
  sentAt: string | null;
}
export interface ShopEvent {
  /** An id that begins with evt_. */
  id: string;
  type: EventType;
  /** When it happened. The order of the list is the order in which it was heard. */
  at: string;
  data: {
    order?: OrderInEvent;
    payment?: PaymentFact;
  };
}
export interface OrderInEvent {
  /** An id that begins with ord_. */
  id: string;
  /** For people: short, without letters that look alike. */
  number: string;
  status: OrderStatus;
  paymentStatus: PaymentStatus;
  totals: Totals;
}
/** Where a payment stands, as others hear of it. */
export interface PaymentFact {
  /** An id that begins with pay_. */
  paymentId: string;
  /** An id that begins with ord_. */
  orderId: string;
  status: PaymentStatus;
  amount: Money;
  captured: Money;
  refunded: Money;
  /** Grows by one with every change. */
  version: number;
  failure: string | null;
}
/** Where somebody wants to be told what happens in the shop. */
export interface WebhookEndpoint {
  /** An id that begins with whe_. */
  id: string;
  /** https, at port 443 or 8443 of a host that everybody can reach. */
  url: string;
  /**
   * @minItems 1
   * @maxItems 50
   */
  eventTypes: EventType[];
  description: string;
  /** While it is not, it hears of nothing new, and what waits for it waits. */
  enabled: boolean;
  disabledReason: DisabledReason | null;
  oldSecretUntil: string | null;
  /** Deliveries that are still to be made. */
  waiting: number;
  /** Deliveries that were given up. */
  dead: number;
  /** ISO 8601 in UTC. */
  createdAt: string;
  /** ISO 8601 in UTC. */
  updatedAt: string;
  /** Grows by one with every change. */
  version: number;
}
/** What staff give to register an endpoint. */
export interface NewWebhookEndpoint {
  /** https, at port 443 or 8443 of a host that everybody can reach. */
  url: string;
  /**
   * @minItems 1
   * @maxItems 50
   */
  eventTypes: EventType[];
  description?: string;
}
/** What only the one who registers it, or changes its secret, is told. */
export interface WebhookEndpointWithSecret {
  /** An id that begins with whe_. */
  id: string;
  /** https, at port 443 or 8443 of a host that everybody can reach. */
  url: string;
  /**
   * @minItems 1
   * @maxItems 50
   */
  eventTypes: EventType[];
  description: string;
  /** While it is not, it hears of nothing new, and what waits for it waits. */
  enabled: boolean;
  disabledReason: DisabledReason | null;
  oldSecretUntil: string | null;
  /** Deliveries that are still to be made. */
  waiting: number;
  /** Deliveries that were given up. */
  dead: number;
  /** ISO 8601 in UTC. */
  createdAt: string;
  /** ISO 8601 in UTC. */
  updatedAt: string;
  /** Grows by one with every change. */
  version: number;
  /** `whsec_…`, with which receivers verify. It is not shown again. */
  secret: string;
}
/** An event on its way to an endpoint. */
export interface WebhookDelivery {
  /** An id that begins with whd_. */
  id: string;
  /** An id that begins with whe_. */
  endpointId: string;
  /** The `webhook-id` of every try. */
  eventId: string;
  type:
    | "order.confirmed"
    | "order.canceled"
    | "payment.requires_action"
    | "payment.authorized"
    | "payment.partially_captured"
    | "payment.captured"
    | "payment.partially_refunded"
    | "payment.refunded"
    | "payment.canceled"
    | "payment.failed"
    | "webhook.test";
  status: DeliveryStatus;
  tries: number;
  /** ISO 8601 in UTC. */
  happenedAt: string;
  /** ISO 8601 in UTC. */
  createdAt: string;
  deliveredAt: string | null;
  nextTryAt: string | null;
  lastAttempt: WebhookAttempt | null;
}
/** One try to deliver a webhook. */
export interface WebhookAttempt {
  /** ISO 8601 in UTC. */
  at: string;
  tookMs: number;
  status: number | null;
  error: string | null;
  response: string | null;
}
/** A delivery with its body and all its tries. */
export interface WholeWebhookDelivery {
  /** An id that begins with whd_. */
  id: string;
  /** An id that begins with whe_. */
  endpointId: string;
  /** The `webhook-id` of every try. */
  eventId: string;
  type:
    | "order.confirmed"
    | "order.canceled"
    | "payment.requires_action"
    | "payment.authorized"
    | "payment.partially_captured"
    | "payment.captured"
    | "payment.partially_refunded"
    | "payment.refunded"
    | "payment.canceled"
    | "payment.failed"
    | "webhook.test";
  status: DeliveryStatus;
  tries: number;
  /** ISO 8601 in UTC. */
  happenedAt: string;
  /** ISO 8601 in UTC. */
  createdAt: string;
  deliveredAt: string | null;
  nextTryAt: string | null;
  lastAttempt: WebhookAttempt | null;
  /** As it is sent. */
  body: string;
  /** The last twenty, oldest first. */
  attempts: WebhookAttempt[];
}
/** What all of doctor's checks have found. */
export interface Report {
  ok: boolean;
  checks: CheckResult[];
  /** ISO 8601 in UTC. */
  startedAt: string;
  /** ISO 8601 in UTC. */
  endedAt: string;
}
/** What one of doctor's checks has found. */
export interface CheckResult {
  /** Stable, such as `stock_movements`. */
  name: string;
  /** Nothing was found, and all that the check is about could be looked at. */
  ok: boolean;
  detail: string;
  /** How much was looked at. */
  examined: number;
  /** How much of it was wrong. */
  found: number;
  /** The first of them. */
  findings: Finding[];
  advice: string | null;
}
/** Something that two records, or more, do not agree upon. */
export interface Finding {
  /** The records that it is about, the one to begin with first. */
  about: string[];
  found: string;
  expected: string;
  remedy: Remedy | null;
}
/** What is asked of the owner of a record, so that it does what it would have done anyway. */
export interface Remedy {
  action: "orders.wake" | "payments.mend" | "inventory.release" | "inventory.putOnRecord" | "replay";
  params: {
    [k: string]: unknown;
  };
}
/** A finding that was repaired, or not, with what was found before and after. */
export interface Repair {
  /** An id that begins with rep_. */
  id: string;
  check: string;
  about: string[];
  /** What was found. */
  before: string;
  expected: string;
  remedy: Remedy;
  /** `asked`: what came of it was not seen. */
  outcome: "asked" | "repaired" | "still_wrong" | "failed";
  after: string | null;
  /** Who has asked for it. */
  by: string;
  /** ISO 8601 in UTC. */
  at: string;
}
/** Which services are there. */
export interface Health {
  status: "ok";
  services: {
    [k: string]: "up" | "away";
  };
}
/** A fact that could not be delivered. */
export interface DeadLetter {
  /** Names the letter in a replay. */
  id: string;
  /** The service that told it. */
  from: string;
  /** The service that could not take it. */
  to: string;
  event: Envelope;
  tries: number;
  /** What the last try ended with. */
  error: string;
  /** ISO 8601 in UTC. */
  parkedAt: string;
}
/** A fact on its way to one service that hears it. */
export interface Envelope {
  /** Equal for every delivery of the same fact. */
  id: string;
  /** Such as `orders.confirmed`. */
  type: string;
  /** ISO 8601 in UTC. */
  at: string;
  /** The id of the record that it is about. Order is kept per subject. */
  subject: string;
  data: unknown;
}
export interface Problem {
  type: string;
  title: string;
  status: number;
  detail: string;
  /** Stable: branch on this. */
  code:
    | "malformed_json"
    | "malformed_request"
    | "invalid_signature"
    | "unauthenticated"
    | "invalid_credentials"
    | "invalid_token"
    | "payment_declined"
    | "payment_failed"
    | "forbidden"
    | "not_found"
    | "method_not_allowed"
    | "request_timeout"
    | "already_exists"
    | "insufficient_stock"
    | "request_in_progress"
    | "invalid_state"
    | "version_conflict"
    | "body_too_large"
    | "unsupported_media_type"
    | "invalid_input"
    | "idempotency_key_required"
    | "idempotency_key_reused"
    | "headers_too_large"
    | "too_many_requests"
    | "internal_error"
    | "unavailable";
  /** Names this request in the shop's log. */
  requestId: string;
  /** What is wrong, place by place. */
  errors?: {
    path: string;
    message: string;
    /** With `insufficient_stock`: of what there is not enough. */
    sku?: string;
    /** With `insufficient_stock`: how much was wanted. */
    requested?: number;
    /** With `insufficient_stock`: how much there is. */
    available?: number;
    [k: string]: unknown;
  }[];
}
export interface AuthRegister {
  /** An e-mail address. */
  email: string;
  password: string;
  name?: string;
}
export interface AuthLogin {
  /** An e-mail address. */
  email: string;
  password: string;
}
export interface MeUpdate {
  /** The version that is to be changed. */
  ifVersion?: number;
  name?: string;
}
export interface ProductsList {
  /** Words to look for in title, description, vendor, type, tags and SKUs. */
  q?: string;
  /** The product's name in addresses: lower case, digits, single dashes. */
  category?: string;
  status?: ProductStatus;
  sort?: "createdAt" | "-createdAt" | "title" | "-title" | "price" | "-price" | "relevance";
  limit?: number;
  /** `nextCursor` of the page before, or one of the `cursors` of any page. */
  cursor?: string;
  /** With it the answer has `cursors`: for each item the cursor with which the list goes on behind it. */
  cursors?: boolean;
}
export interface CategoriesList {
  limit?: number;
  /** `nextCursor` of the page before, or one of the `cursors` of any page. */
  cursor?: string;
  /** With it the answer has `cursors`: for each item the cursor with which the list goes on behind it. */
  cursors?: boolean;
}
export interface InventoryGetResult {
  /** Stock keeping unit: 1 to 64 characters without /, ? or #. */
  sku: string;
  available: number;
}
export interface OrdersList {
  status?: OrderStatus;
  limit?: number;
  /** `nextCursor` of the page before, or one of the `cursors` of any page. */
  cursor?: string;
  /** With it the answer has `cursors`: for each item the cursor with which the list goes on behind it. */
  cursors?: boolean;
}
export interface OrdersEvents {
  limit?: number;
  /** `nextCursor` of the page before, or one of the `cursors` of any page. */
  cursor?: string;
  /** With it the answer has `cursors`: for each item the cursor with which the list goes on behind it. */
  cursors?: boolean;
}
export interface OrdersCancel {
  reason?: string;
}
export interface SandboxConfirm {
  approve?: boolean;
}
export interface SandboxConfirmResult {
  /** An id that begins with ch_. */
  id: string;
  status: "processing" | "requires_action" | "authorized" | "captured" | "canceled" | "declined";
}
export interface AdminUsersList {
  /** An e-mail address. */
  email?: string;
  role?: Role;
  limit?: number;
  /** `nextCursor` of the page before, or one of the `cursors` of any page. */
  cursor?: string;
  /** With it the answer has `cursors`: for each item the cursor with which the list goes on behind it. */
  cursors?: boolean;
}
export interface AdminUsersUpdate {
  /** The version that is to be changed. */
  ifVersion?: number;
  role?: Role;
  disabled?: boolean;
}
export interface AdminProductsUpdate {
  /** The version that is to be changed. */
  ifVersion?: number;
  /** The product's name in addresses: lower case, digits, single dashes. */
  handle?: string;
  title?: string;
  /** Plain text or the HTML that was given; show it only sanitized. */
  description?: string;
  status?: ProductStatus;
  vendor?: string;
  type?: string;
  /** @maxItems 250 */
  tags?: string[];
  /**
   * Handles of categories.
   *
   * @maxItems 20
   *
   * Items: The product's name in addresses: lower case, digits, single dashes.
   */
  categories?: string[];
  /** @maxItems 250 */
  images?: Picture[];
  /** @maxItems 3 */
  options?: ProductOption[];
  /**
   * @minItems 1
   * @maxItems 250
   */
  variants?: {
    /** Stock keeping unit: 1 to 64 characters without /, ? or #. */
    sku?: string;
    title?: string;
    options?: {
      [k: string]: string;
    };
    price: Money;
    compareAtPrice?: Money;
  }[];
}
export interface AdminProductsArchive {
  /** The version that is to be changed. */
  ifVersion?: number;
}
export interface AdminInventoryMovements {
  limit?: number;
  /** `nextCursor` of the page before, or one of the `cursors` of any page. */
  cursor?: string;
  /** With it the answer has `cursors`: for each item the cursor with which the list goes on behind it. */
  cursors?: boolean;
}
export interface AdminInventoryAdjust {
  delta: number;
  reason: string;
}
export interface AdminOrdersList {
  status?: OrderStatus;
  attention?: Attention;
  /** An order's number or id, or the e-mail address, whole. */
  q?: string;
  limit?: number;
  /** `nextCursor` of the page before, or one of the `cursors` of any page. */
  cursor?: string;
  /** With it the answer has `cursors`: for each item the cursor with which the list goes on behind it. */
  cursors?: boolean;
}
export interface AdminPaymentsCapture {
  /** Whole minor units (cents). */
  amount?: number;
}
export interface AdminPaymentsRefund {
  /** Whole minor units (cents). */
  amount?: number;
  reason: string;
}
export interface AdminLedgerList {
  /** An id that begins with ord_. */
  orderId?: string;
  limit?: number;
  /** `nextCursor` of the page before, or one of the `cursors` of any page. */
  cursor?: string;
  /** With it the answer has `cursors`: for each item the cursor with which the list goes on behind it. */
  cursors?: boolean;
}
export interface AdminInvoicesList {
  limit?: number;
  /** `nextCursor` of the page before, or one of the `cursors` of any page. */
  cursor?: string;
  /** With it the answer has `cursors`: for each item the cursor with which the list goes on behind it. */
  cursors?: boolean;
}
export interface AdminSandboxCharges {
  limit?: number;
  /** `nextCursor` of the page before, or one of the `cursors` of any page. */
  cursor?: string;
  /** With it the answer has `cursors`: for each item the cursor with which the list goes on behind it. */
  cursors?: boolean;
}
export interface AdminMailsList {
  /** An id that begins with ord_. */
  orderId?: string;
  limit?: number;
  /** `nextCursor` of the page before, or one of the `cursors` of any page. */
  cursor?: string;
  /** With it the answer has `cursors`: for each item the cursor with which the list goes on behind it. */
  cursors?: boolean;
}
export interface AdminEventsList {
  /** Without a cursor: begin with what was written down from then on, and not with the oldest. */
  since?: string;
  limit?: number;
  /** `nextCursor` of the page before, or one of the `cursors` of any page. */
  cursor?: string;
  /** With it the answer has `cursors`: for each item the cursor with which the list goes on behind it. */
  cursors?: boolean;
}
export interface AdminEventsStream {
  /** Without a cursor: begin with what was written down from then on, and not with the oldest. */
  since?: string;
}
export interface AdminWebhookEndpointsList {
  limit?: number;
  /** `nextCursor` of the page before, or one of the `cursors` of any page. */
  cursor?: string;
  /** With it the answer has `cursors`: for each item the cursor with which the list goes on behind it. */
  cursors?: boolean;
}
export interface AdminWebhookEndpointsUpdate {
  /** The version that is to be changed. */
  ifVersion?: number;
  /** https, at port 443 or 8443 of a host that everybody can reach. */
  url?: string;
  /**
   * @minItems 1
   * @maxItems 50
   */
  eventTypes?: EventType[];
  description?: string;
  enabled?: boolean;
}
export interface AdminWebhookEndpointsDelete {
  /** The version that is to be changed. */
  ifVersion?: number;
}
export interface AdminWebhookEndpointsRotate {
  /** How long the old secret is still used. 0, if somebody has it who should not. */
  oldValidSeconds?: number;
}
export interface AdminWebhookEndpointsDeliveries {
  status?: DeliveryStatus;
  limit?: number;
  /** `nextCursor` of the page before, or one of the `cursors` of any page. */
  cursor?: string;
  /** With it the answer has `cursors`: for each item the cursor with which the list goes on behind it. */
  cursors?: boolean;
}
export interface AdminDoctorRepairResult {
  status: "done" | "pending";
  repairs: Repair[];
  report: Report | null;
}
export interface AdminDoctorRepairs {
  limit?: number;
  /** `nextCursor` of the page before, or one of the `cursors` of any page. */
  cursor?: string;
  /** With it the answer has `cursors`: for each item the cursor with which the list goes on behind it. */
  cursors?: boolean;
}
export interface AdminDeadLettersList {
  limit?: number;
  /** `nextCursor` of the page before, or one of the `cursors` of any page. */
  cursor?: string;
  /** With it the answer has `cursors`: for each item the cursor with which the list goes on behind it. */
  cursors?: boolean;
}

export type RefusalCode = Problem["code"];

export type InputError = NonNullable<Problem["errors"]>[number];

/** What every call may be refused with, and every one that brings something. */
type Always = "malformed_request" | "invalid_input" | "too_many_requests" | "internal_error" | "unavailable";
type Sent = "request_timeout" | "body_too_large" | "unsupported_media_type";

/** What customers and guests can ask. */
export interface Shop {
  auth: {
    /**
     * Open an account
     *
     * Signs in at once. The most common passwords are refused. How often an address may meet an account that exists is limited.
     *
     * Open to everybody; a token is not looked at.
     */
    register: Call<
      [params: AuthRegister, options?: Options],
      Promise<Session>,
      "malformed_json" | "already_exists" | "request_in_progress" | "idempotency_key_reused" | Always | Sent
    >;
    /**
     * Sign in
     *
     * A wrong password, an unknown address and a disabled account are answered alike, and take as long. Failures make the next try wait, per account and per client address; nothing is ever locked for good.
     *
     * Open to everybody; a token is not looked at.
     */
    login: Call<
      [params: AuthLogin, options?: Options],
      Promise<Session>,
      "malformed_json" | "invalid_credentials" | "request_in_progress" | "idempotency_key_reused" | Always | Sent
    >;
    /**
     * End a session
     *
     * A token that has ended already, or is none, is answered alike.
     *
     * Open to everybody; a token is not looked at.
     */
    logout: Call<
      [options?: Options],
      Promise<void>,
      "malformed_json" | "request_in_progress" | "idempotency_key_reused" | Always | Sent
    >;
  };
  me: {
    /**
     * Your account
     *
     * Asks for: a user who is signed in.
     */
    get: Call<[options?: Options], Promise<User>, "invalid_token" | "unauthenticated" | Always>;
    /**
     * Change your account
     *
     * Asks for: a user who is signed in.
     */
    update: Call<
      [params?: MeUpdate, options?: Options],
      Promise<User>,
      "malformed_json" | "invalid_token" | "unauthenticated" | "version_conflict" | Always | Sent
    >;
  };
  products: {
    /**
     * List products
     *
     * Active products; staff see every status and may filter by it.
     *
     * Needs no token, though one is looked at.
     */
    list: Call<[params?: ProductsList, options?: Options], List<Product>, "invalid_token" | Always>;
    /**
     * Get a product by its id or handle
     *
     * Needs no token, though one is looked at.
     */
    get: Call<[idOrHandle: string, options?: Options], Promise<Product>, "invalid_token" | "not_found" | Always>;
  };
  categories: {
    /**
     * List categories that have active products
     *
     * Needs no token, though one is looked at.
     */
    list: Call<[params?: CategoriesList, options?: Options], List<Category>, "invalid_token" | Always>;
  };
  inventory: {
    /**
     * How much of a SKU can be bought now
     *
     * Needs no token, though one is looked at.
     */
    get: Call<[sku: string, options?: Options], Promise<InventoryGetResult>, "invalid_token" | "not_found" | Always>;
  };
  orders: {
    /**
     * Buy in one call
     *
     * Holds the stock, reserves the money, takes both, and answers once the outcome is known: 201 `confirmed`, or `requires_action` with `payment.nextAction`; 202 `pending` when it is not known in time, in which case it goes on by itself. A repeat with the same Idempotency-Key is the same order. One that could not be completed in time is given up, whatever was charged is paid back, and a repeat is refused with `invalid_state`: it takes another order, under another key.
     *
     * Needs no token, though one is looked at.
     */
    place: Call<
      [params: PlaceOrder, options?: Options],
      Promise<PlacedOrder>,
      | "malformed_json"
      | "invalid_token"
      | "payment_declined"
      | "payment_failed"
      | "insufficient_stock"
      | "invalid_state"
      | "request_in_progress"
      | "idempotency_key_required"
      | "idempotency_key_reused"
      | Always
      | Sent
    >;
    /**
     * List your orders, newest first
     *
     * Asks for: a user who is signed in.
     */
    list: Call<[params?: OrdersList, options?: Options], List<Order>, "invalid_token" | "unauthenticated" | Always>;
    /**
     * Get an order
     *
     * Staff, the customer whose order it is, or a guest with its token.
     *
     * Needs no token, though one is looked at.
     */
    get: Call<[id: string, options?: Options], Promise<Order>, "invalid_token" | "not_found" | Always>;
    /**
     * The timeline of an order, oldest first
     *
     * Needs no token, though one is looked at.
     */
    events: Call<
      [id: string, params?: OrdersEvents, options?: Options],
      List<TimelineEntry>,
      "invalid_token" | "not_found" | Always
    >;
    /**
     * Cancel an order that has not left the house
     *
     * Gives the stock back, and the money. Canceling again changes nothing. 202 while the money is on its way. Where the provider refuses to pay back, the order shows `attention`, and is asked for again over some hours; after that it is up to staff.
     *
     * Needs no token, though one is looked at.
     */
    cancel: Call<
      [id: string, params?: OrdersCancel, options?: Options],
      Promise<Order>,
      | "malformed_json"
      | "invalid_token"
      | "not_found"
      | "invalid_state"
      | "request_in_progress"
      | "idempotency_key_reused"
      | Always
      | Sent
    >;
    /**
     * The invoice of an order
     *
     * Staff, the customer whose order it is, or a guest with the order's token.
     *
     * Needs no token, though one is looked at.
     */
    invoice: Call<[orderId: string, options?: Options], Promise<Invoice>, "invalid_token" | "not_found" | Always>;
    /**
     * The timeline of an order, oldest first, and on as it grows
     *
     * Server-sent events: the `id` of each is the cursor behind the item, `event` its type, `data` the item as the list has it. A stream ends after ten minutes at the latest, or with its token; begun anew with `Last-Event-ID` it goes on, at any gateway, without a gap or a repeat.
     *
     * Needs no token, though one is looked at.
     */
    stream: Call<[id: string, options?: StreamOptions], Stream<TimelineEntry>, "invalid_token" | "not_found" | Always>;
  };
  payments: {
    /**
     * Get a payment
     *
     * Staff, the customer who paid, or a guest with the order's token.
     *
     * Needs no token, though one is looked at.
     */
    get: Call<[id: string, options?: Options], Promise<Payment>, "invalid_token" | "not_found" | Always>;
  };
  sandbox: {
    /**
     * The buyer's answer on that page
     *
     * The outcome reaches the shop as a signed webhook.
     *
     * Needs no token, though one is looked at.
     */
    confirm: Call<
      [id: string, params?: SandboxConfirm, options?: Options],
      Promise<SandboxConfirmResult>,
      | "malformed_json"
      | "invalid_token"
      | "not_found"
      | "invalid_state"
      | "request_in_progress"
      | "idempotency_key_reused"
      | Always
      | Sent
    >;
  };
}

/** What staff can ask beside that. */
export interface Office {
  users: {
    /**
     * List accounts, newest first
     *
     * Asks for: staff.
     */
    list: Call<
      [params?: AdminUsersList, options?: Options],
      List<User>,
      "invalid_token" | "unauthenticated" | "forbidden" | Always
    >;
    /**
     * Change an account's role, or disable it
     *
     * A disabled account's sessions end, and nobody is staff any more at once; a new role shows with the next access token, and an access token of a customer goes on until it ends. The last admin can neither be removed nor disabled.
     *
     * Asks for: an admin.
     */
    update: Call<
      [id: string, params?: AdminUsersUpdate, options?: Options],
      Promise<User>,
      | "malformed_json"
      | "invalid_token"
      | "unauthenticated"
      | "forbidden"
      | "not_found"
      | "invalid_state"
      | "version_conflict"
      | Always
      | Sent
    >;
  };
  products: {
    /**
     * Create a product
     *
     * What is left out gets a sensible default: the product is active, the handle is made of the title, a SKU of handle and options, the options of what the variants choose. A `compareAtPrice` that is not higher than the price says nothing and is left out. Repeated with the same Idempotency-Key it creates once.
     *
     * Asks for: staff.
     */
    create: Call<
      [params: NewProduct, options?: Options],
      Promise<Product>,
      | "malformed_json"
      | "invalid_token"
      | "unauthenticated"
      | "forbidden"
      | "already_exists"
      | "request_in_progress"
      | "idempotency_key_reused"
      | Always
      | Sent
    >;
    /**
     * Change a product
     *
     * Fields that are given replace those that are there. Variants are matched by their SKU, or without one by their options: one that is left out of a given list is removed. What changes nothing leaves the version as it is.
     *
     * Asks for: staff.
     */
    update: Call<
      [id: string, params?: AdminProductsUpdate, options?: Options],
      Promise<Product>,
      | "malformed_json"
      | "invalid_token"
      | "unauthenticated"
      | "forbidden"
      | "not_found"
      | "already_exists"
      | "version_conflict"
      | Always
      | Sent
    >;
    /**
     * Archive a product
     *
     * It can no longer be listed or bought; orders keep what they wrote down. Archiving again changes nothing.
     *
     * Asks for: staff.
     */
    archive: Call<
      [id: string, params?: AdminProductsArchive, options?: Options],
      Promise<Product>,
      "invalid_token" | "unauthenticated" | "forbidden" | "not_found" | "version_conflict" | Always
    >;
  };
  imports: {
    /**
     * Import products from a file
     *
     * Shopify's product CSV, in UTF-8. Runs in the background; one bad row costs its product only. Equal files give equal products, however often they are sent: products are matched by handle, their variants by SKU or options. The quantity of a SKU counts only while its stock is not known.
     *
     * Asks for: staff.
     */
    start: Call<
      [file: string, options?: Options],
      Promise<ImportJob>,
      | "invalid_token"
      | "unauthenticated"
      | "forbidden"
      | "request_in_progress"
      | "idempotency_key_reused"
      | Always
      | Sent
    >;
    /**
     * Progress of an import
     *
     * Asks for: staff.
     */
    get: Call<
      [id: string, options?: Options],
      Promise<ImportJob>,
      "invalid_token" | "unauthenticated" | "forbidden" | "not_found" | Always
    >;
  };
  inventory: {
    /**
     * Stock of a SKU as staff see it
     *
     * Asks for: staff.
     */
    get: Call<
      [sku: string, options?: Options],
      Promise<StockLevel>,
      "invalid_token" | "unauthenticated" | "forbidden" | "not_found" | Always
    >;
    /**
     * What came and what left, newest first
     *
     * Asks for: staff.
     */
    movements: Call<
      [sku: string, params?: AdminInventoryMovements, options?: Options],
      List<Movement>,
      "invalid_token" | "unauthenticated" | "forbidden" | Always
    >;
    /**
     * Correct the stock on hand
     *
     * A SKU that is not known yet is opened. Repeated with the same Idempotency-Key it counts once.
     *
     * Asks for: staff.
     */
    adjust: Call<
      [sku: string, params: AdminInventoryAdjust, options?: Options],
      Promise<StockLevel>,
      | "malformed_json"
      | "invalid_token"
      | "unauthenticated"
      | "forbidden"
      | "insufficient_stock"
      | "invalid_state"
      | "request_in_progress"
      | "idempotency_key_reused"
      | Always
      | Sent
    >;
  };
  orders: {
    /**
     * List all orders, newest first
     *
     * Asks for: staff.
     */
    list: Call<
      [params?: AdminOrdersList, options?: Options],
      List<Order>,
      "invalid_token" | "unauthenticated" | "forbidden" | Always
    >;
  };
  payments: {
    /**
     * Take reserved money, all or a part of it
     *
     * Asks for: staff.
     */
    capture: Call<
      [id: string, params?: AdminPaymentsCapture, options?: Options],
      Promise<Payment>,
      | "malformed_json"
      | "invalid_token"
      | "unauthenticated"
      | "payment_failed"
      | "forbidden"
      | "not_found"
      | "invalid_state"
      | "request_in_progress"
      | "idempotency_key_reused"
      | Always
      | Sent
    >;
    /**
     * Give reserved money back
     *
     * Only while nothing has been captured. Canceling again changes nothing.
     *
     * Asks for: staff.
     */
    cancel: Call<
      [id: string, options?: Options],
      Promise<Payment>,
      | "malformed_json"
      | "invalid_token"
      | "unauthenticated"
      | "forbidden"
      | "not_found"
      | "invalid_state"
      | "request_in_progress"
      | "idempotency_key_reused"
      | Always
      | Sent
    >;
    /**
     * Pay captured money back, all or a part of it
     *
     * Never more than was captured, however many ask at once. Without `amount`: all that is left. Repeated with the same Idempotency-Key it is the same refund. A refund that is still `pending` goes on by itself.
     *
     * Asks for: staff.
     */
    refund: Call<
      [id: string, params: AdminPaymentsRefund, options?: Options],
      Promise<Payment>,
      | "malformed_json"
      | "invalid_token"
      | "unauthenticated"
      | "payment_failed"
      | "forbidden"
      | "not_found"
      | "invalid_state"
      | "request_in_progress"
      | "idempotency_key_reused"
      | Always
      | Sent
    >;
  };
  ledger: {
    /**
     * The journal, newest first: every entry balances
     *
     * Asks for: staff.
     */
    list: Call<
      [params?: AdminLedgerList, options?: Options],
      List<LedgerEntry>,
      "invalid_token" | "unauthenticated" | "forbidden" | Always
    >;
  };
  invoices: {
    /**
     * List invoices, newest first
     *
     * Asks for: staff.
     */
    list: Call<
      [params?: AdminInvoicesList, options?: Options],
      List<Invoice>,
      "invalid_token" | "unauthenticated" | "forbidden" | Always
    >;
  };
  sandbox: {
    /**
     * The provider's own record, for comparing
     *
     * Asks for: staff.
     */
    charges: Call<
      [params?: AdminSandboxCharges, options?: Options],
      List<Charge>,
      "invalid_token" | "unauthenticated" | "forbidden" | Always
    >;
  };
  mails: {
    /**
     * List mails, newest first
     *
     * A mail is written when an order is confirmed or canceled, and tried for about a day. It may arrive twice, then with the same Message-ID.
     *
     * Asks for: staff.
     */
    list: Call<
      [params?: AdminMailsList, options?: Options],
      List<Mail>,
      "invalid_token" | "unauthenticated" | "forbidden" | Always
    >;
  };
  events: {
    /**
     * What has happened in the shop, oldest first
     *
     * Each event once, for 30 days. Going on behind any of them misses nothing that is written down later, so the list can be followed, page by page or as a stream. A cursor of an event that is not kept any more is refused: begin without it, or with `since`.
     *
     * Asks for: staff.
     */
    list: Call<
      [params?: AdminEventsList, options?: Options],
      List<ShopEvent>,
      "invalid_token" | "unauthenticated" | "forbidden" | Always
    >;
    /**
     * What has happened in the shop, oldest first, and on as it grows
     *
     * Each event once, for 30 days. Going on behind any of them misses nothing that is written down later, so the list can be followed, page by page or as a stream. A cursor of an event that is not kept any more is refused: begin without it, or with `since`.
     *
     * Server-sent events: the `id` of each is the cursor behind the item, `event` its type, `data` the item as the list has it. A stream ends after ten minutes at the latest, or with its token; begun anew with `Last-Event-ID` it goes on, at any gateway, without a gap or a repeat.
     *
     * Asks for: staff.
     */
    stream: Call<
      [params?: AdminEventsStream, options?: StreamOptions],
      Stream<ShopEvent>,
      "invalid_token" | "unauthenticated" | "forbidden" | Always
    >;
  };
  webhookEndpoints: {
    /**
     * List webhook endpoints, newest first
     *
     * Asks for: staff.
     */
    list: Call<
      [params?: AdminWebhookEndpointsList, options?: Options],
      List<WebhookEndpoint>,
      "invalid_token" | "unauthenticated" | "forbidden" | Always
    >;
    /**
     * Register a webhook endpoint
     *
     * From now on it is sent the events of these types, each signed as Standard Webhooks has it, until it answers 2xx: 16 tries in 72 hours. The secret is shown here and nowhere else. Addresses of private networks are refused, now and at every try. There can be 50 endpoints; one more is refused with `invalid_state`. Repeated with the same Idempotency-Key it registers once.
     *
     * Asks for: staff.
     */
    create: Call<
      [params: NewWebhookEndpoint, options?: Options],
      Promise<WebhookEndpointWithSecret>,
      | "malformed_json"
      | "invalid_token"
      | "unauthenticated"
      | "forbidden"
      | "invalid_state"
      | "request_in_progress"
      | "idempotency_key_reused"
      | Always
      | Sent
    >;
    /**
     * Get a webhook endpoint
     *
     * Asks for: staff.
     */
    get: Call<
      [id: string, options?: Options],
      Promise<WebhookEndpoint>,
      "invalid_token" | "unauthenticated" | "forbidden" | "not_found" | Always
    >;
    /**
     * Change a webhook endpoint, or switch it on or off
     *
     * What waits for it goes to the new address. One that is switched off hears of nothing new; what waits for it is sent when it is switched on again, or forgotten after 30 days.
     *
     * Asks for: staff.
     */
    update: Call<
      [id: string, params?: AdminWebhookEndpointsUpdate, options?: Options],
      Promise<WebhookEndpoint>,
      | "malformed_json"
      | "invalid_token"
      | "unauthenticated"
      | "forbidden"
      | "not_found"
      | "version_conflict"
      | Always
      | Sent
    >;
    /**
     * Remove a webhook endpoint
     *
     * Whatever waits for it is not sent any more, and its log of deliveries is removed as well.
     *
     * Asks for: staff.
     */
    delete: Call<
      [id: string, params?: AdminWebhookEndpointsDelete, options?: Options],
      Promise<void>,
      "invalid_token" | "unauthenticated" | "forbidden" | "not_found" | "version_conflict" | Always
    >;
    /**
     * Give a webhook endpoint a new secret
     *
     * The new one is shown here and nowhere else. Until the old one ends, everything is signed with both, so that receivers can change theirs at any time.
     *
     * Asks for: staff.
     */
    rotate: Call<
      [id: string, params?: AdminWebhookEndpointsRotate, options?: Options],
      Promise<WebhookEndpointWithSecret>,
      | "malformed_json"
      | "invalid_token"
      | "unauthenticated"
      | "forbidden"
      | "not_found"
      | "request_in_progress"
      | "idempotency_key_reused"
      | Always
      | Sent
    >;
    /**
     * Send a test event to a webhook endpoint
     *
     * An event of type `webhook.test`, delivered like any other.
     *
     * Asks for: staff.
     */
    test: Call<
      [id: string, options?: Options],
      Promise<WebhookDelivery>,
      | "malformed_json"
      | "invalid_token"
      | "unauthenticated"
      | "forbidden"
      | "not_found"
      | "invalid_state"
      | "request_in_progress"
      | "idempotency_key_reused"
      | Always
      | Sent
    >;
    /**
     * The deliveries to a webhook endpoint, newest event first
     *
     * `dead` are those that were given up. What is over is kept for 30 days.
     *
     * Asks for: staff.
     */
    deliveries: Call<
      [id: string, params?: AdminWebhookEndpointsDeliveries, options?: Options],
      List<WebhookDelivery>,
      "invalid_token" | "unauthenticated" | "forbidden" | "not_found" | Always
    >;
    /**
     * A delivery with its body and all its tries
     *
     * Asks for: staff.
     */
    delivery: Call<
      [id: string, deliveryId: string, options?: Options],
      Promise<WholeWebhookDelivery>,
      "invalid_token" | "unauthenticated" | "forbidden" | "not_found" | Always
    >;
    /**
     * Deliver once more, now
     *
     * Whatever has become of it before; the `webhook-id` is the same. If it fails, the tries that are left follow. Refused with `invalid_state` while the endpoint is switched off.
     *
     * Asks for: staff.
     */
    retry: Call<
      [id: string, deliveryId: string, options?: Options],
      Promise<WebhookDelivery>,
      | "malformed_json"
      | "invalid_token"
      | "unauthenticated"
      | "forbidden"
      | "not_found"
      | "invalid_state"
      | "request_in_progress"
      | "idempotency_key_reused"
      | Always
      | Sent
    >;
  };
  doctor: {
    /**
     * Examine the whole shop, from what is stored
     *
     * It may be asked while the shop sells: what looks wrong is looked at again, several times, before it is called a finding. All that was there when it was asked has been looked at. Who asks at the same time shares one examination. One that takes longer than 25 s goes on, and its report is given to the next who asks.
     *
     * Asks for: staff.
     */
    examine: Call<[options?: Options], Promise<Report>, "invalid_token" | "unauthenticated" | "forbidden" | Always>;
    /**
     * Repair what can be repaired safely
     *
     * Examines, asks the owners of the records to do what they would have done anyway, and examines again. Money and stock are never made up: what would need that is named in the report, and left. Each repair leaves a record. 202: it goes on, and the records tell of it.
     *
     * Asks for: an admin.
     */
    repair: Call<
      [options?: Options],
      Promise<AdminDoctorRepairResult>,
      | "malformed_json"
      | "invalid_token"
      | "unauthenticated"
      | "forbidden"
      | "request_in_progress"
      | "idempotency_key_reused"
      | Always
      | Sent
    >;
    /**
     * What was repaired, newest first
     *
     * Asks for: staff.
     */
    repairs: Call<
      [params?: AdminDoctorRepairs, options?: Options],
      List<Repair>,
      "invalid_token" | "unauthenticated" | "forbidden" | Always
    >;
  };
  deadLetters: {
    /**
     * Events that could not be delivered
     *
     * Asks for: staff.
     */
    list: Call<
      [params?: AdminDeadLettersList, options?: Options],
      List<DeadLetter>,
      "invalid_token" | "unauthenticated" | "forbidden" | Always
    >;
    /**
     * Deliver a dead letter once more
     *
     * It leaves the list at once, and comes back when it fails again.
     *
     * Asks for: staff.
     */
    replay: Call<
      [id: string, options?: Options],
      Promise<DeadLetter>,
      | "malformed_json"
      | "invalid_token"
      | "unauthenticated"
      | "forbidden"
      | "not_found"
      | "request_in_progress"
      | "idempotency_key_reused"
      | Always
      | Sent
    >;
  };
}

export const shopRoutes = {
  auth: {
    register: "SIGNIN /v1/auth/register?",
    login: "SIGNIN /v1/auth/login?",
    logout: "SIGNOUT /v1/auth/logout",
  },
  me: {
    get: "GET /v1/me",
    update: "PATCH /v1/me?",
  },
  products: {
    list: "LIST /v1/products?",
    get: "GET /v1/products/:idOrHandle",
  },
  categories: {
    list: "LIST /v1/categories?",
  },
  inventory: {
    get: "GET /v1/inventory/:sku",
  },
  orders: {
    place: "POST /v1/orders?",
    list: "LIST /v1/orders?",
    get: "GET /v1/orders/:id",
    events: "LIST /v1/orders/:id/events?",
    cancel: "POST /v1/orders/:id/cancel?",
    invoice: "GET /v1/orders/:orderId/invoice",
    stream: "STREAM /v1/orders/:id/stream",
  },
  payments: {
    get: "GET /v1/payments/:id",
  },
  sandbox: {
    confirm: "POST /v1/sandbox/charges/:id/confirm?",
  },
};

export const officeRoutes = {
  users: {
    list: "LIST /v1/admin/users?",
    update: "PATCH /v1/admin/users/:id?",
  },
  products: {
    create: "POST /v1/admin/products?",
    update: "PATCH /v1/admin/products/:id?",
    archive: "DELETE /v1/admin/products/:id?",
  },
  imports: {
    start: "POST /v1/admin/imports?",
    get: "GET /v1/admin/imports/:id",
  },
  inventory: {
    get: "GET /v1/admin/inventory/:sku",
    movements: "LIST /v1/admin/inventory/:sku/movements?",
    adjust: "POST /v1/admin/inventory/:sku/adjustments?",
  },
  orders: {
    list: "LIST /v1/admin/orders?",
  },
  payments: {
    capture: "POST /v1/admin/payments/:id/capture?",
    cancel: "POST /v1/admin/payments/:id/cancel",
    refund: "POST /v1/admin/payments/:id/refunds?",
  },
  ledger: {
    list: "LIST /v1/admin/ledger?",
  },
  invoices: {
    list: "LIST /v1/admin/invoices?",
  },
  sandbox: {
    charges: "LIST /v1/admin/sandbox/charges?",
  },
  mails: {
    list: "LIST /v1/admin/mails?",
  },
  events: {
    list: "LIST /v1/admin/events?",
    stream: "STREAM /v1/admin/events/stream?",
  },
  webhookEndpoints: {
    list: "LIST /v1/admin/webhook-endpoints?",
    create: "POST /v1/admin/webhook-endpoints?",
    get: "GET /v1/admin/webhook-endpoints/:id",
    update: "PATCH /v1/admin/webhook-endpoints/:id?",
    delete: "DELETE /v1/admin/webhook-endpoints/:id?",
    rotate: "POST /v1/admin/webhook-endpoints/:id/rotate?",
    test: "POST /v1/admin/webhook-endpoints/:id/test",
    deliveries: "LIST /v1/admin/webhook-endpoints/:id/deliveries?",
    delivery: "GET /v1/admin/webhook-endpoints/:id/deliveries/:deliveryId",
    retry: "POST /v1/admin/webhook-endpoints/:id/deliveries/:deliveryId/retry",
  },
  doctor: {
    examine: "GET /v1/admin/doctor",
    repair: "POST /v1/admin/doctor/repairs",
    repairs: "LIST /v1/admin/doctor/repairs?",
  },
  deadLetters: {
    list: "LIST /v1/admin/dead-letters?",
    replay: "POST /v1/admin/dead-letters/:id/replay",
  },
};
