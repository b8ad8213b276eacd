import type { Order } from "../services/orders/orders.contract.ts";

const euros = (amount: number) => ({ amount, currency: "EUR" });
const address = {
  name: "Ada Lovelace",
  line1: "12 St James's Square",
  city: "London",
  postalCode: "SW1Y 4JH",
  country: "GB",
};

/** A confirmed order as it is told, but for what a test wants different. */
export function anOrder(different: Partial<Order> = {}): Order {
  return {
    id: "ord_01k00000000000000000000001",
    number: "7KQ2-MXBD",
    status: "confirmed",
    paymentStatus: "captured",
    fulfillmentStatus: "not_fulfilled",
    currency: "EUR",
    lines: [
      {
        id: "line_01k0000000000000000000001",
        sku: "MUG",
        title: "Salt-glazed mug",
        quantity: 2,
        unitPrice: euros(1900),
        total: euros(3800),
      },
    ],
    totals: { subtotal: euros(3800), discount: euros(0), shipping: euros(0), tax: euros(0), total: euros(3800) },
    email: "ada@example.com",
    customerId: null,
    shippingAddress: address,
    billingAddress: address,
    payment: { id: "pay_01k00000000000000000000001" },
    cancelReason: null,
    createdAt: "2026-01-01T12:00:00.000Z",
    updatedAt: "2026-01-01T12:00:00.000Z",
    version: 6,
    ...different,
  };
}
