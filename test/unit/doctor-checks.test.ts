import { orderChecks } from "../../services/doctor/checks.ts";
import type { OrderFile } from "../../services/doctor/files.ts";
import { advance, begun } from "../../services/orders/checkout.ts";
import { audited as auditedOrder, draftOrder, type KeptOrder } from "../../services/orders/order.ts";
import { audited as auditedPayment, begin, type KeptPayment, takenUp } from "../../services/payments/payment.ts";
import { asked } from "../money.ts";

const start = Date.parse("2026-01-01T12:00:00.000Z");
const iso = (ms: number) => new Date(ms).toISOString();
const empty = {
  key: "",
  order: undefined,
  payments: [],
  ledger: [],
  invoices: [],
  movements: [],
  mails: [],
  charges: [],
};

function found(name: string, file: Partial<OrderFile>, nowMs: number): string[] {
  const check = orderChecks.find((one) => one.name === name);
  return check?.look({ ...empty, ...file }, iso(nowMs)).map(({ found }) => found) ?? ["there is no such check"];
}

/** An order that waits for the answer of `payments`, and has asked for it again and again until then. */
function unansweredFor(ms: number, random: number): string[] {
  const { email, billingAddress, lines, totals } = asked(1, "tok_visa").bill;
  const wish = { email, lines: [], shippingAddress: billingAddress, payment: { token: "tok_visa" } };
  const ids = {
    id: "ord_1",
    number: "A",
    customerId: null,
    requestKey: undefined,
    now: iso(start),
    lineIds: ["line_1"],
  };
  const draft = draftOrder(wish, lines, totals.total.currency, ids);
  const moment = (nowMs: number) => ({ nowMs, random, captureLater: false });
  const placed: KeptOrder = { ...begun(draft, start), version: 1 };
  let order = advance(placed, placed.process, { kind: "answered", payment: null }, moment(start));
  let now = start;
  for (; now < start + ms; now = Date.parse(order.dueAt ?? ""))
    order = advance(order, order.process, { kind: "unknown", detail: "no answer" }, moment(now));
  return found("order_process", { order: auditedOrder(order) }, now);
}

/** A payment of which the provider has said nothing, and that was looked at again and again until then. */
function unheardOfFor(ms: number, random: number): string[] {
  let drawn = 0;
  const id = (prefix: string) => `${prefix}_${++drawn}`;
  let payment: KeptPayment = { ...begin(asked(1, "tok_visa"), "sandbox", { now: iso(start), id }), version: 1 };
  let now = start;
  for (; now < start + ms; now = Date.parse(payment.dueAt ?? "")) payment = takenUp(payment, iso(now), random);
  return found("payment_process", { payments: [auditedPayment(payment)] }, now);
}

describe("what is not answered", () => {
  const [shortest, longest] = [0, 1];

  test("for a minute is no matter for a person, however often it was asked for", () => {
    expect(unansweredFor(60_000, shortest)).toEqual([]);
    expect(unheardOfFor(60_000, shortest)).toEqual([]);
  });

  test("for ten minutes is named, however seldom it was asked for", () => {
    expect(unansweredFor(600_000, longest)).toEqual([
      expect.stringMatching(/^doing authorize was asked for \d+ times$/),
    ]);
    expect(unheardOfFor(600_000, longest)).toEqual([
      expect.stringMatching(/^authorize was tried for after \d+ looks$/),
    ]);
  });
});
