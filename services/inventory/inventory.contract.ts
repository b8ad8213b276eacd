import { contract } from "../shared/contract.ts";
import {
  Id,
  MAX_AMOUNT,
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

const Units = Type.Integer({ minimum: 0, maximum: MAX_AMOUNT });

export const Line = Shape({ sku: Sku, quantity: Quantity });
export type Line = Static<typeof Line>;

export const StockLevel = Shape({
  sku: Sku,
  onHand: Type.Integer({ description: "Units that lie on the shelf." }),
  held: Units,
  available: Type.Integer({ description: "On hand, less what orders hold." }),
  version: Version,
});
export type StockLevel = Static<typeof StockLevel>;

export const MovementReason = OneOf(["opened", "adjusted", "sold", "returned"]);
export const Movement = Shape({
  id: Id("mov"),
  sku: Sku,
  delta: Type.Integer({ description: "Units that came (positive) or left (negative)." }),
  onHandAfter: Type.Integer(),
  kind: MovementReason,
  reason: Nullable(Text(0, 200)),
  orderId: Nullable(Id("ord")),
  actorId: Nullable(Id("usr")),
  at: Time,
});
export type Movement = Static<typeof Movement>;

export const Hold = Shape({ orderId: Id("ord"), expiresAt: Time });

export const inventory = contract({
  name: "inventory",
  about: "Stock per SKU: on hand, held for orders, available.",
  actions: {
    "inventory.available": {
      summary: "How much of a SKU can be bought now",
      rest: { route: "GET /v1/inventory/:sku", access: "anyone" },
      params: Shape({ sku: Sku }),
      example: { sku: "MUG-SALT" },
      result: Shape({ sku: Sku, available: Type.Integer({ minimum: 0 }) }),
      refuses: ["not_found"],
    },
    "inventory.availability": {
      summary: "How much of many SKUs can be bought now; 0 for one that is not known",
      params: Shape({ skus: Type.Array(Sku, { maxItems: 30_000 }) }),
      result: Type.Record(Type.String(), Type.Integer({ minimum: 0 })),
    },
    "inventory.level": {
      summary: "Stock of a SKU as staff see it",
      rest: { route: "GET /v1/admin/inventory/:sku", access: "staff" },
      params: Shape({ sku: Sku }),
      example: { sku: "MUG-SALT" },
      result: StockLevel,
      refuses: ["not_found"],
    },
    "inventory.movements": {
      summary: "What came and what left, newest first",
      rest: { route: "GET /v1/admin/inventory/:sku/movements", access: "staff" },
      params: Shape({ sku: Sku, ...paging }),
      example: { sku: "MUG-SALT" },
      result: PageOf(Movement),
    },
    "inventory.adjust": {
      summary: "Correct the stock on hand",
      description: "A SKU that is not known yet is opened. Repeated with the same Idempotency-Key it counts once.",
      rest: { route: "POST /v1/admin/inventory/:sku/adjustments", access: "staff" },
      params: Shape({
        sku: Sku,
        delta: Type.Integer({ minimum: -1_000_000_000, maximum: 1_000_000_000, not: { const: 0 } }),
        reason: Text(1, 200),
      }),
      example: { sku: "MUG-SALT", delta: 12, reason: "delivery" },
      result: StockLevel,
      meetBy: "sku",
      refuses: ["insufficient_stock", "invalid_state"],
    },
    "inventory.open": {
      summary: "Give SKUs their first stock",
      description: "A SKU that is known already is left alone, so asking again changes nothing.",
      params: Shape({ stock: Type.Array(Shape({ sku: Sku, onHand: Units }), { maxItems: 1000 }) }),
      result: Nothing,
    },
    "inventory.hold": {
      summary: "Hold the stock of an order: all of its lines or none",
      description:
        "Equal SKUs are summed first. Asking again for the same order changes nothing. A hold that is neither committed nor released ends at `expiresAt`. `insufficient_stock` names each SKU with `requested` and `available`; `invalid_state`: the order has given it back already.",
      params: Shape({ orderId: Id("ord"), lines: Type.Array(Line, { minItems: 1, maxItems: 200 }), expiresAt: Time }),
      meetBy: "lines.0.sku",
      result: Hold,
      refuses: ["insufficient_stock", "invalid_state"],
    },
    "inventory.commit": {
      summary: "Take what an order holds off the shelf",
      description: "Idempotent by order. Refused with `invalid_state` when the hold has expired or was released.",
      params: Shape({ orderId: Id("ord"), lines: Type.Array(Line, { minItems: 1, maxItems: 200 }) }),
      meetBy: "lines.0.sku",
      result: Nothing,
      refuses: ["invalid_state"],
    },
    "inventory.release": {
      summary: "Give back what an order holds, or what it has taken",
      description:
        "Idempotent by order. After it, no commit of this order succeeds any more, and no hold: an order that had taken nothing is remembered for ten minutes, and a hold that arrives even later ends by itself.",
      params: Shape({ orderId: Id("ord"), lines: Type.Array(Line, { minItems: 1, maxItems: 200 }) }),
      meetBy: "lines.0.sku",
      result: Nothing,
    },
  },
  tells: {
    /** All that one change of the stock has moved: where many buy at once, that is many movements. */
    "inventory.moved": Shape({ movements: Type.Array(Movement, { minItems: 1 }) }),
  },
  hears: ["inventory.moved"],
});
