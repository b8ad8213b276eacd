import { remark } from "../terminal.ts";
import { type Command, whole } from "./command.ts";
import { showOrder } from "./orders.ts";
import { skus } from "./stock.ts";

/** Tokens that the sandbox knows. */
const tokens = [
  "tok_visa",
  "tok_declined",
  "tok_insufficient_funds",
  "tok_3ds",
  "tok_async",
  "tok_timeout",
  "tok_flaky",
  "tok_capture_fails",
];

const shippingAddress = { name: "Ada Byron", line1: "1 Quay Street", city: "Vigo", postalCode: "36201", country: "ES" };

export const buy: Command = {
  name: "buy",
  params: ["sku", "quantity?"],
  options: {
    token: { value: "token", about: `of the payment provider; tok_visa where nothing is said` },
    email: { value: "email", about: "of the buyer; ada@example.com where nothing is said" },
  },
  about: "A whole purchase, as a guest makes it",
  more: `It is a real one: stock goes, money moves, a mail is sent. The sandbox knows ${tokens.join(", ")}.`,
  example: "buy MUG-SALT 2 --token tok_declined",
  complete: { sku: skus, "--token": () => tokens },
  async run(
    desk,
    { params: { sku = "", quantity = "1" }, options: { token = "tok_visa", email = "ada@example.com" } },
  ) {
    const { guestToken: _notShown, ...order } = await desk.callAsGuest("orders.place", {
      email,
      lines: [{ sku, quantity: whole(quantity, "quantity") }],
      shippingAddress,
      payment: { token },
    });
    await showOrder(desk, order);
    if (order.status === "pending") remark(`Its outcome is not known yet: order ${order.number}`);
  },
};
