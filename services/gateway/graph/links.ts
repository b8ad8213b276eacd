/** A way from one record to another, that GraphQL offers beside what the contracts say. */
export interface Link {
  /** The types that have it. */
  on: readonly string[];
  field: string;
  description: string;
  /** Answers the records that have one of these keys, as far as whoever asks may read them. */
  action: string;
  param: string;
  /** The key by which a record is looked for, and the one that a record has that was found. */
  keyOf(from: never): string | null | undefined;
  isFoundBy(found: never): readonly string[];
}

interface HasId {
  id: string;
}
interface OfOrder {
  orderId: string | null;
}

/** From an order to what belongs to it. */
const fromOrder = {
  on: ["Order", "PlacedOrder"],
  param: "orderIds",
  keyOf: ({ id }: HasId) => id,
  isFoundBy: ({ orderId }: { orderId: string }) => [orderId],
};

/** Records are fetched a list at a time: what a page of orders costs does not depend on how many there are. */
export const links: readonly Link[] = [
  {
    on: ["Payment", "Invoice", "LedgerEntry", "Mail", "Movement"],
    field: "order",
    description: "The order that it belongs to, if you may read it.",
    action: "orders.byIds",
    param: "ids",
    keyOf: ({ orderId }: OfOrder) => orderId,
    isFoundBy: ({ id }: HasId) => [id],
  },
  {
    ...fromOrder,
    field: "invoice",
    description: "Its invoice, once there is one.",
    action: "payments.invoicesOfOrders",
  },
  {
    ...fromOrder,
    field: "paymentDetails",
    description: "Its payment, with refunds.",
    action: "payments.ofOrders",
  },
  {
    on: ["OrderLine"],
    field: "product",
    description: "The product as it is now, while it can be bought.",
    action: "catalog.bySkus",
    param: "skus",
    keyOf: ({ sku }: { sku: string }) => sku,
    isFoundBy: ({ variants }: { variants: readonly { sku: string }[] }) => variants.map(({ sku }) => sku),
  },
];
