import { Order } from "../orders/orders.contract.ts";
import { PaymentFact } from "../payments/payments.contract.ts";
import { auditing } from "../shared/auditing.ts";
import { contract } from "../shared/contract.ts";
import {
  Email,
  Id,
  Maybe,
  Nothing,
  Nullable,
  OneOf,
  PageOf,
  paging,
  Shape,
  type Static,
  Time,
  Type,
  Version,
} from "../shared/schema.ts";
import {
  DeliveryStatus,
  EventType,
  NewWebhookEndpoint,
  WebhookChange,
  WebhookDelivery,
  WebhookEndpoint,
  WebhookEndpointWithSecret,
  WholeWebhookDelivery,
} from "./webhooks.contract.ts";

export const Template = OneOf(["order_confirmed", "order_canceled"], "What a mail is about.");
export type Template = Static<typeof Template>;

export const Mail = Shape("A mail to a customer, sent or not.", {
  id: Id("mail"),
  orderId: Id("ord"),
  to: Email,
  subject: Type.String(),
  template: Template,
  status: OneOf(["queued", "sent", "failed"]),
  tries: Type.Integer({ minimum: 0 }),
  error: Nullable(Type.String({ description: "What the last try ended with." })),
  createdAt: Time,
  sentAt: Nullable(Time),
});
export type Mail = Static<typeof Mail>;

export const OrderInEvent = Shape({
  id: Order.properties.id,
  number: Order.properties.number,
  status: Order.properties.status,
  paymentStatus: Order.properties.paymentStatus,
  totals: Order.properties.totals,
});

/** What has happened, for whoever follows the shop: the record itself is read where it is. */
export const ShopEvent = Shape({
  id: Id("evt"),
  type: EventType,
  at: { ...Time, description: "When it happened. The order of the list is the order in which it was heard." },
  data: Shape({ order: Maybe(OrderInEvent), payment: Maybe(PaymentFact) }),
});
export type ShopEvent = Static<typeof ShopEvent>;

const ById = Shape({ id: Id("whe") });
/** Name servers are asked, which may be slow, or several that do not answer. */
const RESOLVING_MS = 15_000;
const Delivery = Shape({ id: Id("whe"), deliveryId: Id("whd") });

export const AuditedMail = Shape({
  id: Type.String(),
  orderId: Type.String(),
  template: Type.String(),
  status: Type.String(),
});
export type AuditedMail = Static<typeof AuditedMail>;

export const notifications = contract({
  name: "notifications",
  about: "Mail to customers, and webhooks to whoever is to know what happens in the shop.",
  actions: {
    "notifications.mails": {
      summary: "List mails, newest first",
      description:
        "A mail is written when an order is confirmed or canceled, and tried for about a day. It may arrive twice, then with the same Message-ID.",
      rest: { route: "GET /v1/admin/mails", access: "staff" },
      graph: "query mails",
      params: Shape({ orderId: Maybe(Id("ord")), ...paging }),
      result: PageOf(Mail),
    },
    "notifications.events": {
      summary: "What has happened in the shop, oldest first",
      description:
        "Each event once, for 30 days. Going on behind any of them misses nothing that is written down later, so the list can be followed, page by page or as a stream. A cursor of an event that is not kept any more is refused: begin without it, or with `since`.",
      rest: { route: "GET /v1/admin/events", access: "staff", stream: "/v1/admin/events/stream" },
      graph: "live query events",
      params: Shape({
        since: Maybe({
          ...Time,
          description: "Without a cursor: begin with what was written down from then on, and not with the oldest.",
        }),
        ...paging,
      }),
      result: PageOf(ShopEvent),
    },
    "notifications.webhookEndpoints": {
      summary: "List webhook endpoints, newest first",
      rest: { route: "GET /v1/admin/webhook-endpoints", access: "staff" },
      graph: "query webhookEndpoints",
      params: Shape({ ...paging }),
      result: PageOf(WebhookEndpoint),
    },
    "notifications.webhookEndpoint": {
      summary: "Get a webhook endpoint",
      rest: { route: "GET /v1/admin/webhook-endpoints/:id", access: "staff" },
      graph: "query webhookEndpoint",
      params: ById,
      result: WebhookEndpoint,
      refuses: ["not_found"],
    },
    "notifications.addWebhookEndpoint": {
      summary: "Register a webhook endpoint",
      description:
        "From now on it is sent the events of these types, each signed as Standard Webhooks has it, until it answers 2xx: 16 tries in 72 hours. The secret is shown here and nowhere else. Addresses of private networks are refused, now and at every try. There can be 50 endpoints; one more is refused with `invalid_state`. Repeated with the same Idempotency-Key it registers once.",
      rest: { route: "POST /v1/admin/webhook-endpoints", access: "staff", status: 201 },
      graph: "mutation createWebhookEndpoint",
      params: NewWebhookEndpoint,
      result: WebhookEndpointWithSecret,
      refuses: ["invalid_state"],
      timeoutMs: RESOLVING_MS,
    },
    "notifications.changeWebhookEndpoint": {
      summary: "Change a webhook endpoint, or switch it on or off",
      description:
        "What waits for it goes to the new address. One that is switched off hears of nothing new; what waits for it is sent when it is switched on again, or forgotten after 30 days.",
      rest: { route: "PATCH /v1/admin/webhook-endpoints/:id", access: "staff" },
      graph: "mutation updateWebhookEndpoint",
      params: Shape({ id: Id("whe"), ifVersion: Maybe(Version), ...WebhookChange.properties }),
      result: WebhookEndpoint,
      refuses: ["not_found", "version_conflict"],
      timeoutMs: RESOLVING_MS,
    },
    "notifications.removeWebhookEndpoint": {
      summary: "Remove a webhook endpoint",
      description: "Whatever waits for it is not sent any more, and its log of deliveries is removed as well.",
      rest: { route: "DELETE /v1/admin/webhook-endpoints/:id", access: "staff", status: 204 },
      graph: "mutation deleteWebhookEndpoint",
      params: Shape({ id: Id("whe"), ifVersion: Maybe(Version) }),
      result: Nothing,
      refuses: ["not_found", "version_conflict"],
    },
    "notifications.rotateWebhookSecret": {
      summary: "Give a webhook endpoint a new secret",
      description:
        "The new one is shown here and nowhere else. Until the old one ends, everything is signed with both, so that receivers can change theirs at any time.",
      rest: { route: "POST /v1/admin/webhook-endpoints/:id/rotate", access: "staff" },
      graph: "mutation rotateWebhookSecret",
      params: Shape({
        id: Id("whe"),
        oldValidSeconds: Maybe(
          Type.Integer({
            minimum: 0,
            maximum: 86_400,
            default: 86_400,
            description: "How long the old secret is still used. 0, if somebody has it who should not.",
          }),
        ),
      }),
      result: WebhookEndpointWithSecret,
      refuses: ["not_found"],
    },
    "notifications.testWebhook": {
      summary: "Send a test event to a webhook endpoint",
      description: "An event of type `webhook.test`, delivered like any other.",
      rest: { route: "POST /v1/admin/webhook-endpoints/:id/test", access: "staff", status: 202 },
      graph: "mutation testWebhookEndpoint",
      params: ById,
      result: WebhookDelivery,
      refuses: ["not_found", "invalid_state"],
    },
    "notifications.webhookDeliveries": {
      summary: "The deliveries to a webhook endpoint, newest event first",
      description: "`dead` are those that were given up. What is over is kept for 30 days.",
      rest: { route: "GET /v1/admin/webhook-endpoints/:id/deliveries", access: "staff" },
      graph: "query webhookDeliveries",
      params: Shape({ id: Id("whe"), status: Maybe(DeliveryStatus), ...paging }),
      result: PageOf(WebhookDelivery),
      refuses: ["not_found"],
    },
    "notifications.webhookDelivery": {
      summary: "A delivery with its body and all its tries",
      rest: { route: "GET /v1/admin/webhook-endpoints/:id/deliveries/:deliveryId", access: "staff" },
      graph: "query webhookDelivery",
      params: Delivery,
      result: WholeWebhookDelivery,
      refuses: ["not_found"],
    },
    "notifications.retryWebhook": {
      summary: "Deliver once more, now",
      description:
        "Whatever has become of it before; the `webhook-id` is the same. If it fails, the tries that are left follow. Refused with `invalid_state` while the endpoint is switched off.",
      rest: {
        route: "POST /v1/admin/webhook-endpoints/:id/deliveries/:deliveryId/retry",
        access: "staff",
        status: 202,
      },
      graph: "mutation retryWebhookDelivery",
      params: Delivery,
      result: WebhookDelivery,
      refuses: ["not_found", "invalid_state"],
    },
    "notifications.webhookBacklog": {
      summary: "How many webhooks wait, and how many were given up",
      inside: "Metrics show it.",
      params: Shape({}),
      result: Shape({
        waiting: Type.Integer({ minimum: 0 }),
        dead: Type.Integer({ minimum: 0 }),
        disabledEndpoints: Type.Integer({ minimum: 0, description: "Those that were switched off by themselves." }),
      }),
    },
    "notifications.audit": {
      summary: "Mails as they are kept, by orders, for doctor",
      inside: "Doctor asks it.",
      params: Shape({ ...auditing }),
      result: PageOf(AuditedMail),
    },
  },
  hears: ["orders.confirmed", "orders.canceled", "payments.moved"],
});
