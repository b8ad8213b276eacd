import fc from "fast-check";
import {
  type Ask,
  begin,
  cancel,
  capture,
  captureAll,
  captured,
  changedFact,
  decidedOnce,
  hurried,
  type KeptPayment,
  learn,
  neverToBegin,
  nextAsk,
  paymentView,
  refund,
  refundable,
  refunded,
  refusalOf,
  refused,
  reverse,
  statusOf,
  takenUp,
} from "../../services/payments/payment.ts";
import { type Charge, joined } from "../../services/payments/provider.ts";
import * as bank from "../../services/sandbox/charge.ts";
import { asked } from "../money.ts";

const now = "2026-01-01T12:00:00.000Z";
/** A moment that draws ids of its own. */
function newMoment() {
  let drawn = 0;
  return { now, id: (prefix: string) => `${prefix}_${String(++drawn).padStart(26, "0")}` };
}
const refusal = (type: string) => expect.objectContaining({ type });
const begun = (token = "tok_visa", total = 100): KeptPayment => ({
  ...begin(asked(1, token, total), "sandbox", newMoment()),
  version: 1,
});
const known = (charge: Partial<Charge>): Charge => ({
  status: "authorized",
  captured: 0,
  closed: false,
  refunds: [],
  failure: null,
  nextAction: null,
  ...charge,
});
const authorized = (moment = newMoment()) => learn(begun(), known({}), moment);
const taken = (moment = newMoment()) =>
  learn(captureAll(authorized(moment), moment), known({ status: "captured", captured: 100, closed: true }), moment);

describe("a payment", () => {
  test("forgets the token as soon as the provider has it, and never shows it", () => {
    expect(begun().token).toBe("tok_visa");
    expect(authorized().token).toBeNull();
    expect(JSON.stringify(paymentView(begun()))).not.toContain("tok_visa");
  });

  test("is not begun when the bill says another amount", () => {
    const params = { ...asked(1, "tok_visa", 100), amount: { amount: 99, currency: "EUR" } };
    expect(() => begin(params, "sandbox", newMoment())).toThrow(refusal("invalid_input"));
  });

  test("what is wished is saved before it is asked", () => {
    const moment = newMoment();
    expect(nextAsk(begun())).toEqual({ what: "authorize" });
    expect(nextAsk(authorized())).toBeUndefined();
    expect(nextAsk(captureAll(authorized(), moment))).toEqual({ what: "capture", total: 100 });
    expect(nextAsk(reverse(authorized(), "", moment))).toEqual({ what: "cancel" });
    expect(nextAsk(refund(taken(), { id: "ref_1", amount: 40, reason: "" }, moment))).toEqual({
      what: "refund",
      refundKey: "ref_1",
      amount: 40,
    });
  });

  test("whatever is left half-way is due, and what is at rest is not", () => {
    const moment = newMoment();
    expect(begun().dueAt).toBeDefined();
    expect(captureAll(authorized(), moment).dueAt).toBeDefined();
    expect(learn(begun(), known({ status: "processing" }), moment).dueAt).toBeDefined();
    expect(authorized().dueAt).toBeUndefined();
    expect(taken().dueAt).toBeUndefined();
    expect(neverToBegin("ord_1", "", "sandbox", "EUR", moment)).not.toHaveProperty("dueAt");
  });

  test("what is left to ask is asked every few seconds for ten minutes, and less and less often after that", () => {
    let payment = begun();
    const start = Date.parse(now);
    const looksAt: number[] = [];
    for (let at = start; at < start + 6 * 3_600_000; at = Date.parse(payment.dueAt ?? "")) {
      looksAt.push((at - start) / 1000);
      payment = takenUp(payment, new Date(at).toISOString(), 1);
    }
    const pauses = looksAt.slice(1).map((at, n) => Math.round(at - (looksAt[n] ?? 0)));
    expect(pauses.slice(0, 5)).toEqual([1, 2, 4, 4, 4]);
    expect(Math.max(...pauses.filter((_, n) => (looksAt[n] ?? 0) < 600))).toBe(4);
    expect(pauses).toEqual(pauses.toSorted((a, b) => a - b));
    expect(pauses.at(-1)).toBe(300);
  });

  test("a request of staff that was refused stays refused, whatever has become of the payment by then", () => {
    const moment = newMoment();
    const give = (payment: KeptPayment) => refund(payment, { id: "ref_1", amount: 50, reason: "broken" }, moment);
    const told = decidedOnce(authorized(), "key", give);
    expect(refusalOf(told, "key")).toMatchObject({ type: "invalid_state" });
    expect(told.refunds).toEqual([]);

    const paid = learn(captureAll(told, moment), known({ status: "captured", captured: 100, closed: true }), moment);
    expect(decidedOnce(paid, "key", give)).toBe(paid);
    expect(refusalOf(paid, "key")).toMatchObject({ message: refusalOf(told, "key")?.message });
    expect(decidedOnce(paid, "another key", give).refunds).toHaveLength(1);
    expect(() => decidedOnce(authorized(), undefined, give)).toThrow(
      expect.objectContaining({ type: "invalid_state" }),
    );
  });

  test("a refused capture leaves the money reserved, to be let go", () => {
    const moment = newMoment();
    const asking = captureAll(authorized(moment), moment);
    const failed = refused(asking, { what: "capture", total: 100 }, "capture_refused", moment);

    expect(paymentView(failed)).toMatchObject({ status: "failed", failure: "capture_refused" });
    expect(captureAll(failed, moment)).toBe(failed);
    expect(nextAsk(reverse(failed, "", moment))).toEqual({ what: "cancel" });
  });

  test("a no to a question that is not asked any more counts for nothing", () => {
    const moment = newMoment();
    const asking = captureAll(authorized(moment), moment);
    const later = reverse(asking, "", moment);
    expect(refused(later, { what: "capture", total: 100 }, "no", moment)).toBe(later);
  });

  test("an authorization that lapsed before its capture is a failure, not a loop", () => {
    const moment = newMoment();
    const lapsed = learn(captureAll(authorized(moment), moment), known({ status: "canceled", closed: true }), moment);
    expect(statusOf(lapsed)).toBe("failed");
    expect(nextAsk(lapsed)).toBeUndefined();
  });

  test("money that turns up after all was given up goes back", () => {
    const moment = newMoment();
    const absent = learn(reverse(begun(), "expired", moment), null, moment);
    expect(statusOf(absent)).toBe("canceled");
    expect(nextAsk(absent)).toBeUndefined();
    expect(absent.dueAt).toBeDefined();

    const turnedUp = learn(absent, known({}), moment);
    expect(nextAsk(turnedUp)).toEqual({ what: "cancel" });
    const takenEvenSo = learn(absent, known({ status: "captured", captured: 100, closed: true }), moment);
    expect(nextAsk(takenEvenSo)).toMatchObject({ what: "refund", amount: 100 });
  });

  test("a late request is expected for a quarter of an hour, then the payment is at rest", () => {
    const moment = newMoment();
    const absent = { ...learn(reverse(begun(), "expired", moment), null, moment), looks: 10 };
    expect(takenUp(absent, "2026-01-01T12:14:59.000Z", 1).dueAt).toBeDefined();
    expect(takenUp(absent, "2026-01-01T12:15:00.000Z", 1).dueAt).toBeUndefined();
  });

  test("a payment that a slow clock has written seems old, and is looked at ten times for a late request", () => {
    const moment = newMoment();
    let payment = learn(reverse(begun(), "expired", moment), null, moment);
    let now = "2026-01-01T14:00:00.000Z";
    for (let looks = 1; looks <= 10; looks++) {
      payment = takenUp(payment, now, 1);
      now = payment.dueAt ?? "never";
    }
    expect(Date.parse(now) - Date.parse("2026-01-01T14:00:00.000Z")).toBeGreaterThan(900_000);
    expect(takenUp(payment, now, 1).dueAt).toBeUndefined();
  });

  test("a capture that was under way when all was given up is paid back", () => {
    const moment = newMoment();
    const asking = reverse(captureAll(authorized(moment), moment), "canceled", moment);
    expect(nextAsk(asking)).toEqual({ what: "cancel" });
    const late = learn(asking, known({ status: "captured", captured: 100, closed: true }), moment);
    expect(nextAsk(late)).toMatchObject({ what: "refund", amount: 100 });
    expect(late.entries).toHaveLength(1);
  });

  test("a refund of the same id is the same refund", () => {
    const moment = newMoment();
    const once = refund(taken(moment), { id: "ref_1", amount: 40, reason: "broken" }, moment);
    expect(refund(once, { id: "ref_1", amount: 40, reason: "broken" }, moment)).toBe(once);
    expect(refundable(once)).toBe(60);
    expect(() => refund(once, { id: "ref_2", amount: 61, reason: "" }, moment)).toThrow(refusal("invalid_state"));
  });

  test("a refund that the provider refused is free to be tried again", () => {
    const moment = newMoment();
    const asking = refund(taken(moment), { id: "ref_1", amount: 40, reason: "broken" }, moment);
    const failed = refused(asking, { what: "refund", refundKey: "ref_1", amount: 40 }, "no", moment);
    expect(failed.refunds).toMatchObject([{ id: "ref_1", status: "failed" }]);
    expect(refundable(failed)).toBe(100);
    expect(statusOf(failed)).toBe("captured");
  });

  test("others are told of states and sums, and of nothing else", () => {
    const moment = newMoment();
    const before = authorized(moment);
    const asking = capture(before, 60, moment);
    const done = learn(asking, known({ status: "captured", captured: 60 }), moment);
    expect(changedFact(null, begun())).toBeUndefined();
    expect(changedFact(before, asking)).toBeUndefined();
    expect(changedFact(asking, done)).toMatchObject({ status: "partially_captured", captured: { amount: 60 } });
  });

  test("an order that waits for the answer is not told as well, but of all that comes later", () => {
    const moment = newMoment();
    const asking = captureAll(authorized(moment), moment);
    expect(changedFact(asking, taken(moment))).toBeUndefined();
    const waiting = learn(begun(), known({ status: "processing" }), moment);
    const heard = hurried(waiting, now);
    expect(changedFact(heard, learn(heard, known({}), moment))).toMatchObject({ status: "authorized" });
  });

  describe("in every state every wish is granted or refused as invalid_state", () => {
    const moment = newMoment();
    const states: Record<string, KeptPayment> = {
      awaiting: begun(),
      requires_action: learn(begun(), known({ status: "requires_action" }), moment),
      authorized: authorized(moment),
      partially_captured: learn(authorized(moment), known({ status: "captured", captured: 40 }), moment),
      captured: taken(moment),
      partially_refunded: refundDone(taken(moment), 40),
      refunded: refundDone(taken(moment), 100),
      canceled: learn(reverse(authorized(), "", moment), known({ status: "canceled", closed: true }), moment),
      failed: learn(begun(), known({ status: "declined", closed: true, failure: "card_declined" }), moment),
    };
    const wishes: Record<string, (payment: KeptPayment) => KeptPayment> = {
      capture: (payment) => capture(payment, 10, newMoment()),
      captureAll: (payment) => captureAll(payment, newMoment()),
      cancel: (payment) => cancel(payment, newMoment()),
      refund: (payment) => refund(payment, { id: "ref_x", amount: 10, reason: "" }, newMoment()),
      reverse: (payment) => reverse(payment, "", newMoment()),
    };
    const granted: Record<string, string[]> = {
      awaiting: ["cancel", "reverse"],
      requires_action: ["cancel", "reverse"],
      authorized: ["capture", "captureAll", "cancel", "reverse"],
      partially_captured: ["capture", "captureAll", "refund", "reverse"],
      captured: ["captureAll", "refund", "reverse"],
      partially_refunded: ["captureAll", "refund", "reverse"],
      refunded: ["captureAll", "reverse"],
      canceled: ["cancel", "reverse"],
      failed: ["captureAll", "reverse"],
    };

    test.each(Object.keys(states))("%s", (state) => {
      const payment = states[state] as KeptPayment;
      expect(statusOf(payment)).toBe(state);
      for (const [name, wish] of Object.entries(wishes)) {
        if (granted[state]?.includes(name)) expect(() => wish(payment)).not.toThrow();
        else expect(() => wish(payment)).toThrow(refusal("invalid_state"));
      }
    });
  });
});

function refundDone(payment: KeptPayment, amount: number): KeptPayment {
  const moment = newMoment();
  const asking = refund(payment, { id: "ref_1", amount, reason: "" }, moment);
  return learn(asking, known({ ...payment.charge, refunds: [{ key: "ref_1", amount }] }), moment);
}

/** The bank's side of a question, as the sandbox has it. */
function answer(charge: bank.KeptCharge | null, ask: Ask, token: string): bank.KeptCharge | null {
  const there = () => charge ?? fail();
  switch (ask.what) {
    case "authorize":
      return (
        charge ?? {
          ...bank.newCharge({ key: "pay", token, amount: 100, currency: "EUR" }, "ch_1", now),
          version: 1,
        }
      );
    case "capture":
      return bank.capture(there(), ask.total);
    case "cancel":
      return bank.cancel(there());
    case "refund":
      return bank.refund(there(), ask.refundKey, ask.amount);
    case "look":
      return charge;
  }
}
const fail = (): never => {
  throw new Error("no charge");
};
const seen = (charge: bank.KeptCharge | null): Charge | null => charge && known({ ...charge });

const amount = fc.integer({ min: 1, max: 120 });
const step = fc.oneof(
  fc.record({ kind: fc.constant("ask" as const), lost: fc.boolean() }),
  fc.record({ kind: fc.constant("news" as const), of: fc.nat() }),
  fc.record({ kind: fc.constant("bank" as const), approve: fc.boolean() }),
  fc.record({ kind: fc.constant("capture" as const), amount }),
  fc.record({ kind: fc.constant("captureAll" as const) }),
  fc.record({ kind: fc.constant("refund" as const), amount }),
  fc.record({ kind: fc.constant("cancel" as const) }),
  fc.record({ kind: fc.constant("reverse" as const) }),
);
const token = fc.constantFrom(
  "tok_visa",
  "tok_3ds",
  "tok_async",
  "tok_declined",
  "tok_capture_fails",
  "tok_refund_fails",
);

describe("whatever is wished, lost, late or told twice", () => {
  test("shop and provider end with the same sums, nothing is kept of what was given up, and the books balance", () => {
    fc.assert(
      fc.property(token, fc.array(step, { maxLength: 40 }), (token, steps) => {
        const moment = newMoment();
        let payment = begun(token);
        let charge: bank.KeptCharge | null = null;
        const news: (Charge | null)[] = [null];

        const tryTo = (act: () => void) => {
          try {
            act();
          } catch (error) {
            expect(error).toMatchObject({ name: "Refusal" });
          }
        };
        const put = (ask: Ask, lost: boolean) => {
          try {
            charge = answer(charge, ask, token);
            news.push(seen(charge));
            if (!lost) payment = learn(payment, seen(charge), moment);
          } catch (error) {
            expect(error).toMatchObject({ name: "Refusal" });
            if (lost) return;
            payment = learn(payment, seen(charge), moment);
            payment = refused(payment, ask, (error as Error).message, moment);
          }
        };
        const acts: {
          [K in (typeof steps)[number]["kind"]]: (step: Extract<(typeof steps)[number], { kind: K }>) => void;
        } = {
          ask: ({ lost }) => {
            const ask = nextAsk(payment);
            if (ask) put(ask, lost);
          },
          news: ({ of }) => {
            payment = learn(payment, news[of % news.length] ?? null, moment);
          },
          bank: ({ approve }) => {
            const before = charge;
            if (before)
              charge = before.status === "processing" ? bank.bankAnswers(before) : bank.confirm(before, approve);
            news.push(seen(charge));
          },
          capture: ({ amount }) => {
            payment = capture(payment, amount, moment);
          },
          captureAll: () => {
            payment = captureAll(payment, moment);
          },
          refund: ({ amount }) => {
            payment = refund(payment, { id: moment.id("ref"), amount, reason: "" }, moment);
          },
          cancel: () => {
            payment = cancel(payment, moment);
          },
          reverse: () => {
            payment = reverse(payment, "", moment);
          },
        };
        for (const step of steps) {
          tryTo(() => acts[step.kind](step as never));
          expect(captured(payment)).toBeLessThanOrEqual(100);
          expect(refunded(payment)).toBeLessThanOrEqual(captured(payment));
          expect(refundable(payment)).toBeGreaterThanOrEqual(0);
        }

        // The storm is over: the reconciler looks, and asks what is left to ask.
        payment = learn(payment, seen(charge), moment);
        for (let ask = nextAsk(payment), asks = 0; ask; ask = nextAsk(payment)) {
          put(ask, false);
          expect(++asks).toBeLessThan(150);
        }
        const end = charge as bank.KeptCharge | null;
        expect(captured(payment)).toBe(end?.captured ?? 0);
        expect(refunded(payment)).toBe(end?.refunded ?? 0);
        if (payment.reversed !== null) {
          expect(end === null || end.closed).toBe(true);
          if (token !== "tok_refund_fails") expect(captured(payment) - refunded(payment)).toBe(0);
        }
        const lines = payment.entries.flatMap(({ postings }) => postings);
        const balance = (account: string) =>
          lines.reduce((sum, line) => sum + (line.account === account ? line.debit - line.credit : 0), 0);
        expect(lines.reduce((sum, line) => sum + line.debit - line.credit, 0)).toBe(0);
        expect(balance("provider_receivable")).toBe(captured(payment) - refunded(payment));
        if (captured(payment) === 100 && refunded(payment) === 0) expect(balance("tax_payable")).toBe(-17);
      }),
      { numRuns: 2_000 },
    );
  });

  test("news of a charge can come in any order and any number of times", () => {
    const story: Charge[] = [
      known({ status: "requires_action" }),
      known({}),
      known({ status: "captured", captured: 30 }),
      known({ status: "captured", captured: 30, refunds: [{ key: "a", amount: 10 }] }),
      known({
        status: "captured",
        captured: 100,
        closed: true,
        refunds: [
          { key: "a", amount: 10 },
          { key: "b", amount: 5 },
        ],
      }),
    ];
    const last = story.at(-1);
    fc.assert(
      fc.property(fc.array(fc.nat(story.length - 1), { maxLength: 20 }), (order) => {
        const told = [...order, story.length - 1, ...order].map((index) => story[index] as Charge);
        expect(told.reduce<Charge | null>((charge, news) => joined(charge, news), null)).toEqual(last);
      }),
    );
  });
});

test("a refund that only the provider knows of is learned and booked, once", () => {
  const moment = newMoment();
  const refunds = [{ key: "ref_of_a_shop_that_was_lost", amount: 40 }];
  const news = known({ status: "captured", captured: 100, closed: true, refunds });
  const after = learn(taken(moment), news, moment);
  expect([statusOf(after), refunded(after), refundable(after), nextAsk(after)]).toEqual([
    "partially_refunded",
    40,
    60,
    undefined,
  ]);
  expect(after.entries.map(({ kind }) => kind)).toEqual(["capture", "refund"]);
  expect(learn(after, news, moment)).toBe(after);
});
