import { Order } from "../orders/orders.contract.ts";
import { PaymentFact } from "../payments/payments.contract.ts";
import {
  Id,
  Maybe,
  Nullable,
  OneOf,
  Shape,
  type Static,
  Text,
  Time,
  type TSchema,
  Type,
  Version,
} from "../shared/schema.ts";

interface Event {
  summary: string;
  data: TSchema;
}

const OfOrder = Shape({ order: Order });
const OfPayment = Shape({ payment: PaymentFact });

/** What the world is told of: each type of event with what its `data` says. */
export const events = {
  "order.confirmed": {
    summary: "An order is accepted: its stock is taken, its money reserved or taken",
    data: OfOrder,
  },
  "order.canceled": {
    summary: "An order that was confirmed is canceled; its stock and its money go back",
    data: Shape({ order: Order, reason: Nullable(Type.String()) }),
  },
  "payment.requires_action": { summary: "The buyer has to do something before the payment can go on", data: OfPayment },
  "payment.authorized": { summary: "Money is reserved", data: OfPayment },
  "payment.partially_captured": { summary: "A part of the money is taken", data: OfPayment },
  "payment.captured": { summary: "All of the money is taken", data: OfPayment },
  "payment.partially_refunded": { summary: "A part of what was taken is paid back", data: OfPayment },
  "payment.refunded": { summary: "All that was taken is paid back", data: OfPayment },
  "payment.canceled": { summary: "What was reserved is given back", data: OfPayment },
  "payment.failed": { summary: "The money cannot be had", data: OfPayment },
} as const satisfies Record<string, Event>;

/** Sent when staff ask for it, whatever an endpoint has chosen. */
export const testEvent = {
  "webhook.test": {
    summary: "Nothing has happened: somebody looks whether webhooks arrive",
    data: Shape({ message: Type.String() }),
  },
} as const satisfies Record<string, Event>;

type Events = typeof events & typeof testEvent;
type HappeningOf<E extends Record<string, Event>> = {
  [T in keyof E]: { type: T; data: Static<E[T]["data"]> };
}[keyof E];
/** Something that the world is told of. */
export type Happening = HappeningOf<Events>;
/** The same, if it has really happened. */
export type ShopHappening = HappeningOf<typeof events>;

const keysOf = <K extends string>(table: Readonly<Record<K, unknown>>) => Object.keys(table) as K[];
export const EventType = OneOf(keysOf(events));
export type EventType = Static<typeof EventType>;

/** The body of every webhook. */
export const bodyOf = (type: keyof Events): TSchema =>
  Shape({
    type: Type.Unsafe<string>({ const: type }),
    timestamp: { ...Time, description: "When it happened. The order of arrival is not the order of events." },
    data: { ...events, ...testEvent }[type].data,
  });

const url = Type.String({
  minLength: 1,
  maxLength: 2000,
  description: "https, at port 443 or 8443 of a host that everybody can reach.",
});
const eventTypes = Type.Array(EventType, { minItems: 1, maxItems: 50, uniqueItems: true });
const description = Text(0, 500);

export const NewWebhookEndpoint = Shape("What staff give to register an endpoint.", {
  url,
  eventTypes,
  description: Maybe(description),
});
export type NewWebhookEndpoint = Static<typeof NewWebhookEndpoint>;

export const WebhookChange = Shape("What can be changed of an endpoint; what is left out stays.", {
  url: Maybe(url),
  eventTypes: Maybe(eventTypes),
  description: Maybe(description),
  enabled: Maybe(Type.Boolean()),
});
export type WebhookChange = Static<typeof WebhookChange>;

export const DisabledReason = OneOf(
  ["staff", "gone", "failing"],
  "`gone`: it has answered 410. `failing`: for days it has taken nothing.",
);
export type DisabledReason = Static<typeof DisabledReason>;

export const WebhookEndpoint = Shape("Where somebody wants to be told what happens in the shop.", {
  id: Id("whe"),
  url,
  eventTypes,
  description,
  enabled: Type.Boolean({ description: "While it is not, it hears of nothing new, and what waits for it waits." }),
  disabledReason: Nullable(DisabledReason),
  oldSecretUntil: Nullable({
    ...Time,
    description: "After a rotation, what is sent is signed with both secrets until then.",
  }),
  waiting: Type.Integer({ minimum: 0, description: "Deliveries that are still to be made." }),
  dead: Type.Integer({ minimum: 0, description: "Deliveries that were given up." }),
  createdAt: Time,
  updatedAt: Time,
  version: Version,
});
export type WebhookEndpoint = Static<typeof WebhookEndpoint>;

export const WebhookEndpointWithSecret = Shape("What only the one who registers it, or changes its secret, is told.", {
  ...WebhookEndpoint.properties,
  secret: Type.String({ description: "`whsec_…`, with which receivers verify. It is not shown again." }),
});
export type WebhookEndpointWithSecret = Static<typeof WebhookEndpointWithSecret>;

export const WebhookAttempt = Shape("One try to deliver a webhook.", {
  at: Time,
  tookMs: Type.Integer({ minimum: 0 }),
  status: Nullable(Type.Integer({ description: "The HTTP status of the answer; null where there was none." })),
  error: Nullable(Type.String({ description: "Why it does not count as delivered." })),
  response: Nullable(Type.String({ description: "How the body of the answer begins." })),
});
export type WebhookAttempt = Static<typeof WebhookAttempt>;

export const DeliveryStatus = OneOf(["waiting", "delivered", "dead"], "`dead`: it was given up.");
export type DeliveryStatus = Static<typeof DeliveryStatus>;

export const WebhookDelivery = Shape("An event on its way to an endpoint.", {
  id: Id("whd"),
  endpointId: Id("whe"),
  eventId: Type.String({ description: "The `webhook-id` of every try." }),
  type: OneOf(keysOf<keyof Events>({ ...events, ...testEvent })),
  status: DeliveryStatus,
  tries: Type.Integer({ minimum: 0 }),
  happenedAt: Time,
  createdAt: Time,
  deliveredAt: Nullable(Time),
  nextTryAt: Nullable(Time),
  lastAttempt: Nullable(WebhookAttempt),
});
export type WebhookDelivery = Static<typeof WebhookDelivery>;

export const WholeWebhookDelivery = Shape("A delivery with its body and all its tries.", {
  ...WebhookDelivery.properties,
  body: Type.String({ description: "As it is sent." }),
  attempts: Type.Array(WebhookAttempt, { description: "The last twenty, oldest first." }),
});
export type WholeWebhookDelivery = Static<typeof WholeWebhookDelivery>;
