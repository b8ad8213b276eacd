import { contract } from "../shared/contract.ts";
import {
  Amount,
  Currency,
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

/** A charge as the provider keeps it, apart from anything that Lonja believes of it. */
export const Charge = Shape({
  id: Id("ch"),
  /** The merchant's own key: the same key is never charged twice. */
  key: Type.String({ minLength: 1, maxLength: 100 }),
  token: Type.String(),
  amount: Amount,
  currency: Currency,
  status: OneOf(["processing", "requires_action", "authorized", "captured", "canceled", "declined"]),
  captured: Amount,
  refunded: Amount,
  refunds: Type.Array(Shape({ key: Type.String(), amount: Amount })),
  failure: Nullable(Type.String()),
  createdAt: Time,
});
export type Charge = Static<typeof Charge>;

const Key = Type.String({ minLength: 1, maxLength: 100 });

export const sandbox = contract({
  name: "sandbox",
  about: "A payment provider to try things with. It moves no money and behaves as its tokens say.",
  actions: {
    "sandbox.authorize": {
      summary: "Reserve money, as a provider would",
      params: Shape({ key: Key, token: Type.String({ maxLength: 200 }), amount: Amount, currency: Currency }),
      result: Charge,
    },
    "sandbox.capture": {
      summary: "Take reserved money",
      params: Shape({ key: Key, amount: Amount }),
      result: Charge,
      refuses: ["not_found", "invalid_state", "payment_failed"],
    },
    "sandbox.cancel": {
      summary: "Let reserved money go",
      params: Shape({ key: Key }),
      result: Charge,
      refuses: ["not_found", "invalid_state"],
    },
    "sandbox.refund": {
      summary: "Pay money back; the same refund key is paid once",
      params: Shape({ key: Key, refundKey: Key, amount: Amount }),
      result: Charge,
      refuses: ["not_found", "invalid_state"],
    },
    "sandbox.lookUp": {
      summary: "What became of a charge; null where there is none",
      params: Shape({ key: Key }),
      result: Nullable(Charge),
    },
    "sandbox.charges": {
      summary: "The provider's own record, for comparing",
      rest: { route: "GET /v1/admin/sandbox/charges", access: "staff" },
      params: Shape({ ...paging }),
      result: PageOf(Charge),
    },
    "sandbox.page": {
      summary: "The page on which a buyer confirms a payment",
      rest: { route: "GET /v1/sandbox/charges/:id", access: "anyone", gives: "text/html" },
      params: Shape({ id: Id("ch") }),
      result: Type.String(),
      refuses: ["not_found"],
    },
    "sandbox.confirm": {
      summary: "The buyer's answer on that page",
      description: "The outcome reaches the shop as a signed webhook.",
      rest: { route: "POST /v1/sandbox/charges/:id/confirm", access: "anyone" },
      params: Shape({ id: Id("ch"), approve: Maybe(Type.Boolean({ default: true })) }),
      result: Charge,
      refuses: ["not_found", "invalid_state"],
    },
  },
});
