import { auditing, Sum } from "../shared/auditing.ts";
import { contract } from "../shared/contract.ts";
import {
  Amount,
  Currency,
  Email,
  Id,
  Maybe,
  Nullable,
  OneOf,
  PageOf,
  paging,
  Shape,
  type Static,
  Time,
  Type,
} from "../shared/schema.ts";

const Key = Type.String({ minLength: 1, maxLength: 100 });

export const Charge = Shape("A charge as the provider keeps it, apart from anything that the shop believes of it.", {
  id: Id("ch"),
  /** The merchant's own key: the same key is never charged twice. */
  key: Key,
  token: Type.String(),
  amount: Amount,
  currency: Currency,
  status: OneOf(["processing", "requires_action", "authorized", "captured", "canceled", "declined"]),
  captured: Amount,
  closed: Type.Boolean({ description: "Nothing more can be taken of it." }),
  refunded: Amount,
  refunds: Type.Array(Shape({ key: Type.String(), amount: Amount })),
  failure: Nullable(Type.String()),
  /** What the merchant has said of it. */
  orderId: Maybe(Id("ord")),
  email: Maybe(Email),
  createdAt: Time,
});
export type Charge = Static<typeof Charge>;

/** What doctor compares of a charge. */
export const AuditedCharge = Shape({
  key: Type.String(),
  status: Type.String(),
  amount: Sum,
  captured: Type.Integer(),
  refunded: Type.Integer(),
  closed: Type.Boolean(),
});
export type AuditedCharge = Static<typeof AuditedCharge>;

/** A charge has come to an outcome without the merchant asking. It goes out as a webhook. */
export const Settled = Shape({ charge: Id("ch"), key: Key });

export const sandbox = contract({
  name: "sandbox",
  about: "A payment provider to try things with. It moves no money and behaves as its tokens say.",
  actions: {
    "sandbox.authorize": {
      summary: "Reserve money, as a provider would",
      description: "The same key is charged once; asked again, the charge that is there is the answer.",
      inside: "The shop reaches a provider through `payments`.",
      params: Shape({
        key: Key,
        token: Type.String({ maxLength: 200 }),
        amount: Amount,
        currency: Currency,
        orderId: Maybe(Id("ord")),
        email: Maybe(Email),
      }),
      result: Charge,
    },
    "sandbox.capture": {
      summary: "Take reserved money",
      description: "`amount` is what is to be taken in all: asking again for the same takes nothing more.",
      inside: "The shop reaches a provider through `payments`.",
      params: Shape({ key: Key, amount: Amount }),
      result: Charge,
      refuses: ["not_found", "invalid_state", "payment_failed"],
    },
    "sandbox.cancel": {
      summary: "Let go of reserved money, or of what is left of it",
      inside: "The shop reaches a provider through `payments`.",
      params: Shape({ key: Key }),
      result: Charge,
      refuses: ["not_found", "invalid_state"],
    },
    "sandbox.refund": {
      summary: "Pay money back; the same refund key is paid once",
      inside: "The shop reaches a provider through `payments`.",
      params: Shape({ key: Key, refundKey: Key, amount: Amount }),
      result: Charge,
      refuses: ["not_found", "invalid_state", "payment_failed"],
    },
    "sandbox.lookUp": {
      summary: "What became of a charge; null where there is none",
      inside: "The shop reaches a provider through `payments`.",
      params: Shape({ key: Key }),
      result: Nullable(Charge),
    },
    "sandbox.webhookSecret": {
      summary: "What webhooks are signed with",
      description:
        "Made once and kept. Real providers show it to the merchant on a page of theirs; this one tells the shop when it asks, so that nothing has to be set up. There is no route to it.",
      inside: "Payments checks by it what the sandbox has signed.",
      params: Shape({}),
      result: Shape({ secret: Type.String() }),
    },
    "sandbox.charges": {
      summary: "The provider's own record, for comparing",
      rest: { route: "GET /v1/admin/sandbox/charges", access: "staff" },
      graph: "query sandboxCharges",
      params: Shape({ ...paging }),
      result: PageOf(Charge),
    },
    "sandbox.audit": {
      summary: "The same, by the merchant's keys",
      inside: "Doctor asks it.",
      params: Shape({ ...auditing }),
      result: PageOf(AuditedCharge),
    },
    "sandbox.page": {
      summary: "The page on which a buyer confirms a payment",
      rest: { route: "GET /v1/sandbox/charges/:id", access: "anyone", gives: "text/html" },
      graph: { not: "It is a page for browsers." },
      params: Shape({ id: Id("ch") }),
      result: Type.String(),
      refuses: ["not_found"],
    },
    "sandbox.confirm": {
      summary: "The buyer's answer on that page",
      description: "The outcome reaches the shop as a signed webhook.",
      rest: { route: "POST /v1/sandbox/charges/:id/confirm", access: "anyone" },
      graph: "mutation confirmSandboxCharge",
      params: Shape({ id: Id("ch"), approve: Maybe(Type.Boolean({ default: true })) }),
      result: Shape({ id: Id("ch"), status: Charge.properties.status }),
      refuses: ["not_found", "invalid_state"],
    },
  },
  tells: { "sandbox.settled": Settled },
  hears: ["sandbox.settled"],
});
