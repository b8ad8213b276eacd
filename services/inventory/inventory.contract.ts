import { auditing } from "../shared/auditing.ts";
import { contract } from "../shared/contract.ts";
import {
  Id,
  MAX_AMOUNT,
  Maybe,
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

export const Line = Shape("So many of a SKU.", { sku: Sku, quantity: Quantity });
export type Line = Static<typeof Line>;

export const StockLevel = Shape("The stock of a SKU as staff see it.", {
  sku: Sku,
  onHand: Type.Integer({ description: "Units that lie on the shelf." }),
  held: Units,
  available: Type.Integer({ description: "On hand, less what orders hold." }),
  version: Version,
});
export type StockLevel = Static<typeof StockLevel>;

export const MovementReason = OneOf(["opened", "adjusted", "sold", "returned"], "Why units came or left.");
export const Movement = Shape("Units that came to the shelf or left it.", {
  id: Id("mov"),
  sku: Sku,
  delta: Type.Integer({ description: "Units that came (positive) or left (negative)." }),
  onHandAfter: Type.Integer(),
  kind: MovementReason,
  reason: Nullable(Text(0, 200)),
  orderId: Nullable(Id("ord")),
  actorId: Nullable(Id("usr")),
  stockVersion: Maybe(Type.Integer({ minimum: 1, description: "The version of the stock that it came with." })),
  at: Time,
});
export type Movement = Static<typeof Movement>;

export const AuditedMovement = Shape({
  id: Type.String(),
  sku: Type.String(),
  orderId: Nullable(Type.String()),
  kind: Type.String(),
  delta: Type.Integer(),
  stockVersion: Type.Integer({ description: "0: it was made before movements had one." }),
});
export type AuditedMovement = Static<typeof AuditedMovement>;

/** What doctor has to know of a SKU. */
export const AuditedStock = Shape({
  sku: Type.String(),
  onHand: Type.Integer(),
  version: Type.Integer(),
  held: Type.Array(Shape({ orderId: Type.String(), quantity: Type.Integer(), expiresAt: Type.String() })),
  told: Type.Array(AuditedMovement, { description: "What it has told of and what may not be on record yet." }),
});
export type AuditedStock = Static<typeof AuditedStock>;

export const Hold = Shape({ orderId: Id("ord"), expiresAt: Time });

export const inventory = contract({
  name: "inventory",
  about: "Stock per SKU: on hand, held for orders, available.",
  actions: {
    "inventory.available": {
      summary: "How much of a SKU can be bought now",
      rest: { route: "GET /v1/inventory/:sku", access: "anyone" },
      graph: "live query availability",
      params: Shape({ sku: Sku }),
      example: { sku: "MUG-SALT" },
      result: Shape({ sku: Sku, available: Type.Integer({ minimum: 0 }) }),
      refuses: ["not_found"],
    },
    "inventory.availability": {
      summary: "How much of many SKUs can be bought now; 0 for one that is not known",
      inside: "The catalog shows it with its products.",
      params: Shape({ skus: Type.Array(Sku, { maxItems: 30_000 }) }),
      result: Type.Record(Type.String(), Type.Integer({ minimum: 0 })),
    },
    "inventory.level": {
      summary: "Stock of a SKU as staff see it",
      rest: { route: "GET /v1/admin/inventory/:sku", access: "staff" },
      graph: "query stockLevel",
      params: Shape({ sku: Sku }),
      example: { sku: "MUG-SALT" },
      result: StockLevel,
      refuses: ["not_found"],
    },
    "inventory.movements": {
      summary: "What came and what left, newest first",
      rest: { route: "GET /v1/admin/inventory/:sku/movements", access: "staff" },
      graph: "query stockMovements",
      params: Shape({ sku: Sku, ...paging }),
      example: { sku: "MUG-SALT" },
      result: PageOf(Movement),
    },
    "inventory.adjust": {
      summary: "Correct the stock on hand",
      description: "A SKU that is not known yet is opened. Repeated with the same Idempotency-Key it counts once.",
      rest: { route: "POST /v1/admin/inventory/:sku/adjustments", access: "staff" },
      graph: "mutation adjustStock",
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
      inside: "An import asks it.",
      params: Shape({ stock: Type.Array(Shape({ sku: Sku, onHand: Units }), { maxItems: 1000 }) }),
      result: Nothing,
    },
    "inventory.check": {
      summary: "Whether there is enough for an order now",
      description:
        "Holds nothing. `insufficient_stock` as `inventory.hold` has it, for an order that holds nothing yet.",
      inside: "Checkout asks it.",
      params: Shape({ lines: Type.Array(Line, { minItems: 1, maxItems: 200 }) }),
      timeoutMs: 500,
      meetBy: "lines.0.sku",
      result: Nothing,
      refuses: ["insufficient_stock"],
    },
    "inventory.hold": {
      summary: "Hold the stock of an order: all of its lines or none",
      description:
        "Equal SKUs are summed first. Asking again for the same order changes nothing. A hold that is neither committed nor released ends at `expiresAt`. `insufficient_stock` names each SKU with `requested` and `available`; `invalid_state`: the order has given it back already.",
      inside: "Checkout asks it.",
      params: Shape({ orderId: Id("ord"), lines: Type.Array(Line, { minItems: 1, maxItems: 200 }), expiresAt: Time }),
      meetBy: "lines.0.sku",
      result: Hold,
      refuses: ["insufficient_stock", "invalid_state"],
    },
    "inventory.commit": {
      summary: "Take what an order holds off the shelf",
      description: "Idempotent by order. Refused with `invalid_state` when the hold has expired or was released.",
      inside: "Checkout asks it.",
      params: Shape({ orderId: Id("ord"), lines: Type.Array(Line, { minItems: 1, maxItems: 200 }) }),
      meetBy: "lines.0.sku",
      result: Nothing,
      refuses: ["invalid_state"],
    },
    "inventory.release": {
      summary: "Give back what an order holds, or what it has taken",
      description:
        "Idempotent by order. After it, no commit of this order succeeds any more, and no hold: an order that had taken nothing is remembered for ten minutes, and a hold that arrives even later ends by itself.",
      inside: "Checkout asks it.",
      params: Shape({ orderId: Id("ord"), lines: Type.Array(Line, { minItems: 1, maxItems: 200 }) }),
      meetBy: "lines.0.sku",
      result: Nothing,
    },
    "inventory.auditStock": {
      summary: "Stock as it is kept, by SKUs, for doctor",
      inside: "Doctor asks it.",
      params: Shape({ ...auditing }),
      result: PageOf(AuditedStock),
    },
    "inventory.auditMovements": {
      summary: "Movements as they are kept, by SKUs or by orders, for doctor",
      inside: "Doctor asks it.",
      params: Shape({ by: OneOf(["sku", "orderId"]), ...auditing }),
      result: PageOf(AuditedMovement),
    },
    "inventory.putOnRecord": {
      summary: "Put on record what the latest change of a SKU has moved, as far as it is not",
      description: "The stock remembers the latest only. Asking again changes nothing.",
      inside: "Doctor asks it.",
      params: Shape({ sku: Sku }),
      result: Nothing,
      refuses: ["not_found"],
    },
  },
  tells: {
    /** All that one change of the stock has moved: where many buy at once, that is many movements. */
    "inventory.moved": Shape({ movements: Type.Array(Movement, { minItems: 1 }) }),
  },
  hears: ["inventory.moved"],
  hearsInAnyOrder: ["inventory.moved"],
});
