import {
  bankAnswers,
  cancel,
  capture,
  confirm,
  type KeptCharge,
  newCharge,
  refund,
  settledByItself,
} from "../../services/sandbox/charge.ts";
import { confirmationPage } from "../../services/sandbox/page.ts";

const charge = (token: string): KeptCharge => ({
  ...newCharge({ key: "pay_1", token, amount: 100, currency: "EUR" }, "ch_1", "2026-01-01T12:00:00.000Z"),
  version: 1,
});
const refusal = (type: string) => expect.objectContaining({ type });

describe("a charge of the sandbox", () => {
  test.each([
    ["tok_visa", "authorized", null],
    ["tok_declined", "declined", "card_declined"],
    ["tok_insufficient_funds", "declined", "insufficient_funds"],
    ["tok_3ds", "requires_action", null],
    ["tok_async", "processing", null],
    ["tok_unheard_of", "declined", "invalid_token"],
    ["__proto__", "declined", "invalid_token"],
    ["constructor", "declined", "invalid_token"],
  ])("%s begins %s", (token, status, failure) => {
    expect(charge(token)).toMatchObject({ status, failure });
  });

  test("is taken up to a total, and asking again takes nothing more", () => {
    const part = capture(charge("tok_visa"), 30);
    expect(part).toMatchObject({ status: "captured", captured: 30, closed: false });
    expect(capture(part, 30)).toBe(part);
    expect(capture(part, 100)).toMatchObject({ captured: 100, closed: true });
    expect(() => capture(part, 101)).toThrow(refusal("invalid_state"));
    expect(() => capture(charge("tok_capture_fails"), 1)).toThrow(refusal("payment_failed"));
    expect(() => capture(charge("tok_declined"), 1)).toThrow(refusal("invalid_state"));
  });

  test("a refund key is paid once, and never more than was taken", () => {
    const taken = capture(charge("tok_visa"), 60);
    const once = refund(taken, "ref_1", 40);
    expect(refund(once, "ref_1", 40)).toBe(once);
    expect(() => refund(once, "ref_2", 21)).toThrow(refusal("invalid_state"));
    expect(refund(once, "ref_2", 20)).toMatchObject({ refunded: 60 });
    expect(() => refund(capture(charge("tok_refund_fails"), 60), "ref_1", 1)).toThrow(refusal("payment_failed"));
  });

  test("what is reserved is let go, what is taken is not", () => {
    expect(cancel(charge("tok_visa"))).toMatchObject({ status: "canceled", closed: true });
    expect(cancel(capture(charge("tok_visa"), 60))).toMatchObject({ status: "captured", captured: 60, closed: true });
    expect(() => cancel(capture(charge("tok_visa"), 100))).toThrow(refusal("invalid_state"));
    expect(() => capture(cancel(charge("tok_visa")), 100)).toThrow(refusal("invalid_state"));
  });

  test("the buyer's answer counts once", () => {
    const asked = charge("tok_3ds");
    const yes = confirm(asked, true);
    expect(yes.status).toBe("authorized");
    expect(confirm(yes, true)).toBe(yes);
    expect(() => confirm(yes, false)).toThrow(refusal("invalid_state"));
    const no = confirm(asked, false);
    expect(no).toMatchObject({ status: "declined", closed: true, failure: "authentication_failed" });
    expect(() => confirm(no, true)).toThrow(refusal("invalid_state"));
    expect(() => confirm(cancel(asked), true)).toThrow(refusal("invalid_state"));
    expect(() => confirm(charge("tok_visa"), true)).toThrow(refusal("invalid_state"));
  });

  test("only what the merchant did not ask for is told by webhook", () => {
    const waits = charge("tok_async");
    expect(settledByItself(waits, bankAnswers(waits))).toBe(true);
    expect(settledByItself(waits, cancel(waits))).toBe(false);
    expect(bankAnswers(cancel(waits)).status).toBe("canceled");
    expect(settledByItself(null, charge("tok_visa"))).toBe(false);
  });

  test.each([
    ["EUR", "€19,999.00"],
    ["JPY", "¥1,999,900"],
    ["HUF", "HUF\u00a019,999.00"],
  ])("the buyer sees the same amount of %s as on the invoice", (currency, written) => {
    const { dueAt, ...shown } = { ...charge("tok_3ds"), amount: 1_999_900, currency };
    expect(confirmationPage(shown)).toContain(`<strong>${written}</strong>`);
  });
});
