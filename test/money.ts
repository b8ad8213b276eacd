import type { Params } from "../services/shared/typed.ts";
import type { Shop } from "./shop.ts";

const euros = (amount: number) => ({ amount, currency: "EUR" });
export const orderId = (n: number) => `ord_${String(n).padStart(26, "0")}`;
export const staff = { meta: { caller: { userId: "usr_00000000000000000000000000", role: "staff" as const } } };

/** What `orders` hands over to have an order paid. */
export function asked(n: number, token: string, total = 10_000): Params<"payments.authorize"> {
  const tax = Math.floor((total * 21) / 121);
  return {
    orderId: orderId(n),
    amount: euros(total),
    token,
    customerId: null,
    bill: {
      orderNumber: `N${n}`,
      email: "ana@example.com",
      billingAddress: { name: "Ana", line1: "Muelle 1", city: "Cadiz", postalCode: "11001", country: "ES" },
      lines: [{ sku: "MUG", title: "Mug", quantity: 1, unitPrice: euros(total), total: euros(total) }],
      totals: {
        subtotal: euros(total),
        discount: euros(0),
        shipping: euros(0),
        tax: euros(tax),
        total: euros(total),
      },
    },
  };
}

/** The till of a shop: what `orders`, staff and the provider's bookkeeper do at it. */
export const till = ({ call }: Pick<Shop, "call">) => ({
  authorize: (n: number, token = "tok_visa", total?: number) => call("payments.authorize", asked(n, token, total)),
  captureOrder: (n: number) => call("payments.captureOrder", { orderId: orderId(n) }),
  reverse: (n: number) => call("payments.reverse", { orderId: orderId(n), reason: "changed their mind" }),
  get: (id: string) => call("payments.get", { id }, staff),
  invoice: (n: number) => call("payments.invoice", { orderId: orderId(n) }, staff),
  ledger: async (n: number) => (await call("payments.ledger", { orderId: orderId(n), limit: 100 }, staff)).data,
  charges: async () => (await call("sandbox.charges", { limit: 100 }, staff)).data,
});
