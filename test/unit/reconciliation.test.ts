import { type Books, isClean, paymentHere, reconcile, unreconciled } from "../../backup/reconciliation.ts";
import { reportOf } from "../../backup/report.ts";
import { begin, captureAll, type KeptPayment, learn, type Moment } from "../../services/payments/payment.ts";
import type { Charge, ListedCharge } from "../../services/payments/provider.ts";
import { asked, orderId } from "../money.ts";

const at = "2026-01-01T12:00:00.000Z";
const moment = (n: number): Moment => {
  let drawn = 0;
  return { now: at, id: (prefix) => `${prefix}_${n}_${drawn++}` };
};
const charge = (more: Partial<Charge>): Charge => ({
  status: "authorized",
  captured: 0,
  closed: false,
  refunds: [],
  failure: null,
  nextAction: null,
  ...more,
});
const taken = charge({ status: "captured", captured: 10_000, closed: true });
const givenBack = { ...taken, refunds: [{ key: "ref_1", amount: 10_000 }] };
const listed = (n: number, more: Charge): ListedCharge => ({
  ...more,
  id: `ch_${n}`,
  key: `pay_${n}_0`,
  amount: { amount: 10_000, currency: "EUR" },
  createdAt: at,
  orderId: orderId(n),
  email: "ana@example.com",
});

/** Payment n as the shop knows it: with this charge, or not begun. */
function payment(n: number, known?: Charge): KeptPayment {
  const begun = { ...begin(asked(n, "tok_visa"), "sandbox", moment(n)), version: 1 };
  if (!known) return begun;
  if (known.captured === 0) return learn(begun, known, moment(n));
  return learn(captureAll(learn(begun, charge({}), moment(n)), moment(n)), known, moment(n));
}

function books(payments: readonly KeptPayment[], more: Partial<Books> = {}): Books {
  const status = ({ charge }: KeptPayment) => (charge?.captured ? "confirmed" : "pending");
  const invoiced = payments.filter(({ charge }) => charge?.captured).map(({ orderId }) => orderId);
  return {
    payments: new Map(payments.map((one) => [one.id, paymentHere(one)])),
    orders: new Map(
      payments.map((one, n) => [
        one.orderId,
        { number: `N${n}`, status: status(one), isUnderWay: status(one) === "pending" },
      ]),
    ),
    invoiced: new Set(invoiced),
    lastInvoice: invoiced.length,
    ...more,
  };
}
const differences = (payments: readonly KeptPayment[], charges: readonly ListedCharge[]) =>
  reconcile(at, books(payments), charges, undefined).differences.map(({ kind, paymentId, byItself }) => [
    kind,
    paymentId,
    byItself,
  ]);

describe("a backup and the provider's record", () => {
  test("agree where nothing has happened since", () => {
    const payments = [payment(1, taken), payment(2, charge({ status: "requires_action" })), payment(3)];
    const charges = [listed(1, taken), listed(2, charge({ status: "requires_action" }))];
    expect(differences(payments, charges)).toEqual([]);
    const found = reconcile(at, books([payment(1, taken)]), [listed(1, taken)], undefined);
    expect([isClean(found), found.compared]).toEqual([true, { payments: 1, charges: 1 }]);
  });

  test.each([
    ["money_without_order", taken, false],
    ["money_without_order", { ...taken, refunds: [{ key: "ref_1", amount: 1 }] }, false],
    ["reserved_without_order", charge({}), false],
    ["reserved_without_order", charge({ status: "requires_action" }), false],
    ["reserved_without_order", charge({ status: "processing" }), false],
    ["nothing_without_order", charge({ status: "declined", closed: true }), true],
    ["nothing_without_order", charge({ status: "canceled", closed: true }), true],
    ["nothing_without_order", givenBack, true],
  ])("%s: a charge of an order that is not here (%j)", (kind, there, byItself) => {
    expect(differences([payment(1, taken)], [listed(2, there), listed(1, taken)])).toEqual([
      [kind, "pay_2_0", byItself],
    ]);
  });

  test.each([
    ["moved_on", undefined, taken, true],
    ["moved_on", charge({}), taken, true],
    ["moved_on", charge({}), charge({ status: "canceled", closed: true }), true],
    ["moved_on", taken, { ...taken, refunds: [{ key: "ref_1", amount: 1 }] }, true],
    ["given_back", taken, givenBack, false],
    ["not_there", taken, charge({}), false],
    ["not_there", taken, undefined, false],
    ["not_there", charge({}), undefined, false],
  ])("%s: a payment that is %j here and %j there", (kind, here, there, byItself) => {
    expect(differences([payment(1, here)], there ? [listed(1, there)] : [])).toEqual([[kind, "pay_1_0", byItself]]);
  });

  test("a charge is named so that a person can find whom it is about", () => {
    const [found] = reconcile(at, books([]), [listed(7, taken)], undefined).differences;
    expect(found).toMatchObject({
      chargeId: "ch_7",
      orderId: orderId(7),
      email: "ana@example.com",
      amount: { amount: 10_000, currency: "EUR" },
      here: null,
      there: { status: "captured", captured: 10_000, refunded: 0 },
    });
  });

  test("no more invoices can have been given out since than orders were paid that have none here", () => {
    const known = books([payment(1, taken), payment(2)]);
    const charges = [1, 2, 3, 4].map((n) => listed(n, taken));
    const found = reconcile(at, known, charges, undefined);
    expect([found.invoices, isClean(found)]).toEqual([{ last: 1, highestPossible: 4, next: 2 }, false]);
    expect(reportOf(found).join("\n")).toMatch("INV-000002 to INV-000004 may have been given to others since");
    const numbered = reconcile(at, known, charges, 5);
    expect(numbered.invoices).toEqual({ last: 1, highestPossible: 4, next: 5 });
    expect(reportOf(numbered).join("\n")).toMatch("INV-000002 to INV-000004 are left out");
  });

  test("orders that were under way are listed, and a provider who cannot be asked is not taken for one who agrees", () => {
    const found = unreconciled(at, books([payment(1)]), undefined, "there is no record");
    expect(found.underWay).toEqual([{ orderId: orderId(1), number: "N0", status: "pending" }]);
    expect(isClean(found)).toBe(false);
    expect(reportOf(found)[0]).toBe("Nothing was compared with the payment provider: there is no record");
  });

  test("each difference has a line with its money, its order and its buyer", () => {
    const text = reportOf(reconcile(at, books([payment(1, taken)]), [listed(1, givenBack), listed(2, taken)], 3));
    expect(text).toEqual(
      expect.arrayContaining([
        expect.stringMatching(/^Paid, and not here \(1\)\. .*Refund it/),
        expect.stringMatching(
          /^ {2}€100\.00 .*ord_0+2 .*pay_2_0 .*ana@example\.com .*provider: captured, €100\.00 taken$/,
        ),
        expect.stringMatching(/^Given back since \(1\)\. .*cancel the order/),
        expect.stringMatching(
          /^ {2}€100\.00 {2}N0 .*here: captured, €100\.00 taken {2}provider: captured, .*€100\.00 given back$/,
        ),
      ]),
    );
  });
});
