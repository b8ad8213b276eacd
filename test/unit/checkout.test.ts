import fc from "fast-check";
import { Compile } from "typebox/compile";
import {
  advance,
  begun,
  canceled,
  heardOfPayment,
  isSettled,
  type Moment,
  type Outcome,
  question,
  takenUp,
} from "../../services/orders/checkout.ts";
import { draftOrder, type KeptOrder, numberFrom } from "../../services/orders/order.ts";
import { orders } from "../../services/orders/orders.contract.ts";
import { type Payment, type PaymentStatus, payments } from "../../services/payments/payments.contract.ts";

const start = Date.parse("2026-01-01T12:00:00.000Z");
const moment = (afterMs = 0): Moment => ({ nowMs: start + afterMs, random: 0.5, captureLater: false });
const address = { name: "Ada", line1: "1 Quay", city: "Vigo", postalCode: "36201", country: "ES" };
const money = (amount: number) => ({ amount, currency: "EUR" });

function newOrder(amount = 1900): KeptOrder {
  const lines = [{ sku: "MUG", title: "Mug", quantity: 1, unitPrice: money(amount), total: money(amount) }];
  const asked = {
    email: "ada@example.com",
    lines: [{ sku: "MUG", quantity: 1 }],
    shippingAddress: address,
    payment: { token: "tok_visa" },
  };
  const draft = draftOrder(asked, lines, "EUR", {
    id: "ord_00000000000000000000000000",
    number: "AAAA-BBBB",
    customerId: null,
    requestKey: undefined,
    now: new Date(start).toISOString(),
    lineIds: ["line_0000000000"],
  });
  return { ...begun(draft, start), version: 1 };
}

let paymentVersion = 0;
const payment = (status: PaymentStatus, failure: string | null = null): Payment => ({
  id: "pay_0000000000",
  orderId: "ord_00000000000000000000000000",
  status,
  failure,
  provider: "sandbox",
  amount: money(1900),
  captured: money(0),
  refunded: money(0),
  refunds: [],
  nextAction: status === "requires_action" ? { type: "redirect", url: "/pay" } : null,
  createdAt: "",
  updatedAt: "",
  version: ++paymentVersion,
});
const answered = (status?: PaymentStatus, failure?: string): Outcome => ({
  kind: "answered",
  payment: status ? payment(status, failure) : null,
});
const unknown: Outcome = { kind: "unknown", detail: "no answer" };
const refused: Outcome = { kind: "refused", type: "insufficient_stock", detail: "none left" };

const play = (order: KeptOrder, ...outcomes: Outcome[]): KeptOrder =>
  outcomes.reduce((now, outcome) => advance(now, now.process, outcome, moment()), order);
const asks = (order: KeptOrder) => question(order)?.action;

describe("the checkout", () => {
  test("asks for stock, money, stock and money, in this order, and confirms", () => {
    let order = newOrder();
    const asked: unknown[] = [];
    for (const outcome of [answered(), answered("authorized"), answered(), answered("captured")]) {
      asked.push(asks(order));
      order = play(order, outcome);
    }
    expect(asked).toEqual(["inventory.hold", "payments.authorize", "inventory.commit", "payments.captureOrder"]);
    expect(order).toMatchObject({ status: "confirmed", paymentStatus: "captured", process: { phase: "done" } });
    expect(order.timeline.map(({ type }) => type)).toEqual([
      "placed",
      "stock_held",
      "payment_authorized",
      "stock_taken",
      "payment_captured",
      "confirmed",
    ]);
    expect(order).not.toHaveProperty("paymentToken");
    expect(order).not.toHaveProperty("dueAt");
  });

  test("without stock nothing else is asked, and nothing is to be undone", () => {
    const order = play(newOrder(), refused);
    expect(order).toMatchObject({
      status: "canceled",
      refusal: { type: "insufficient_stock" },
      process: { phase: "done" },
    });
    expect(asks(order)).toBeUndefined();
  });

  test("a hold that was lost before its taking ends in a refusal that the contract names", () => {
    const lost: Outcome = { kind: "refused", type: "invalid_state", detail: "nothing is held any more" };
    const order = play(newOrder(), answered(), answered("authorized"), lost);
    expect(asks(order)).toBe("payments.reverse");
    expect(orders.actions["orders.place"].refuses).toContain(order.refusal?.type);
  });

  test("a declined payment gives the stock back", () => {
    const order = play(newOrder(), answered(), answered("failed", "card_declined"));
    expect(order).toMatchObject({ status: "canceled", paymentStatus: "failed", refusal: { type: "payment_declined" } });
    expect(asks(order)).toBe("payments.reverse");
    const money = play(order, answered("failed"));
    expect(asks(money)).toBe("inventory.release");
    expect(play(money, answered()).process.phase).toBe("done");
  });

  test("a capture that fails gives back money and stock", () => {
    const order = play(
      newOrder(),
      answered(),
      answered("authorized"),
      answered(),
      answered("failed", "capture_failed"),
    );
    expect(order).toMatchObject({ status: "canceled", refusal: { type: "payment_failed" } });
    expect(asks(order)).toBe("payments.reverse");
    expect(asks(play(order, answered("canceled")))).toBe("inventory.release");
  });

  test("what is not answered is asked again, with growing pauses, until its deadline; then everything is undone", () => {
    let order = newOrder();
    const pauses: number[] = [];
    let now = 0;
    while (order.process.phase === "doing" && pauses.length < 100) {
      order = advance(order, order.process, unknown, moment(now));
      const pause = Date.parse(order.dueAt ?? "") - (start + now);
      pauses.push(pause);
      now += pause;
    }
    expect(order).toMatchObject({
      status: "expired",
      process: { phase: "undoing", step: "hold" },
      refusal: { type: "invalid_state" },
    });
    expect(pauses.slice(0, 4)).toEqual([150, 300, 600, 1200]);
  });

  test("a deadline that passed while nobody was there to ask ends no order before it was asked for anew", () => {
    let order = play(newOrder(), answered(), answered("authorized"), answered());
    const asleepMs = 3_600_000;
    order = takenUp(order, moment(asleepMs));
    order = advance(order, order.process, unknown, moment(asleepMs));
    expect(asks(order)).toBe("payments.captureOrder");
    expect(advance(order, order.process, answered("captured"), moment(asleepMs))).toMatchObject({
      status: "confirmed",
    });

    for (let n = 0; n < 10 && order.process.phase === "doing"; n++)
      order = advance(order, order.process, unknown, moment(asleepMs));
    expect(order).toMatchObject({ status: "expired", process: { phase: "undoing" } });
  });

  test("an answer of an earlier turn changes nothing", () => {
    const order = newOrder();
    const further = play(order, answered());
    expect(advance(further, order.process, refused, moment())).toBe(further);
    expect(advance(further, order.process, answered(), moment())).toBe(further);
  });

  test("an answer that comes after the order was taken up again counts; a no does not", () => {
    const order = newOrder();
    const taken = takenUp(order, moment(6_000));
    expect(asks(advance(taken, order.process, answered(), moment()))).toBe("payments.authorize");
    expect(advance(taken, order.process, refused, moment())).toBe(taken);
    expect(advance(taken, order.process, unknown, moment())).toBe(taken);
  });

  test("an order whose node died is taken up when its lease ends, and the same is asked again", () => {
    const order = play(newOrder(), answered());
    expect(takenUp(order, moment(4_000))).toBe(order);
    const taken = takenUp(order, moment(6_000));
    expect(asks(taken)).toBe("payments.authorize");
    expect(taken.process.turn).toBe(order.process.turn + 1);
  });

  test("a buyer who has to act is waited for; the news moves the order on, whichever way it comes", () => {
    const waiting = play(newOrder(), answered(), answered("requires_action"));
    expect(waiting).toMatchObject({ status: "requires_action", payment: { nextAction: { url: "/pay" } } });
    expect(isSettled(waiting)).toBe(true);

    const heard = heardOfPayment(waiting, payment("authorized"), moment());
    expect(asks(heard)).toBe("inventory.commit");
    expect(heard.payment).not.toHaveProperty("nextAction");
  });

  test("a buyer who never comes back loses the order, and the stock is free again", () => {
    const waiting = play(newOrder(), answered(), answered("requires_action"));
    const expired = takenUp(waiting, moment(31 * 60_000));
    expect(expired).toMatchObject({ status: "expired", process: { phase: "undoing" } });
    expect(asks(expired)).toBe("payments.reverse");
  });

  test("the money is asked back however long the provider's reason is", () => {
    const declined = play(
      newOrder(),
      answered(),
      answered("authorized"),
      answered(),
      answered("failed", "no ".repeat(400)),
    );
    const { params } = payments.actions["payments.reverse"];
    expect(asks(declined)).toBe("payments.reverse");
    expect(Compile(params).Check(question(declined)?.params)).toBe(true);
  });

  test("old news of the payment is not taken for new", () => {
    const early = payment("authorized");
    const order = play(newOrder(), answered(), answered("authorized"), answered(), answered("captured"));
    expect(heardOfPayment(order, early, moment())).toBe(order);
  });

  test("an answer that news has overtaken is asked for again", () => {
    const answer: Outcome = { kind: "answered", payment: payment("awaiting") };
    const heard = heardOfPayment(play(newOrder(), answered()), payment("authorized"), moment());
    const order = play(heard, answer);
    expect(order).toMatchObject({ paymentStatus: "authorized", process: { phase: "doing", step: "authorize" } });
  });

  test("a confirmed order is canceled by giving back money and stock; once is enough", () => {
    const order = play(newOrder(), answered(), answered("authorized"), answered(), answered("captured"));
    const gone = canceled(order, "changed my mind", moment());
    expect(gone).toMatchObject({ status: "canceled", cancelReason: "changed my mind" });
    expect(asks(gone)).toBe("payments.reverse");
    expect(canceled(gone, "again", moment())).toBe(gone);
    const done = play(gone, answered("refunded"), answered());
    expect(done).toMatchObject({ paymentStatus: "refunded", process: { phase: "done" } });
  });

  test("a refund that is refused gives the stock back at once, is asked for at growing distances, and left to staff", () => {
    const refused: Outcome = { kind: "refused", type: "payment_failed", detail: "refused" };
    const bought = play(newOrder(), answered(), answered("authorized"), answered(), answered("captured"));
    let order = play(canceled(bought, "changed my mind", moment()), refused);
    expect(asks(order)).toBe("inventory.release");
    expect(order.attention).toBe("refund_refused");
    order = play(order, answered());

    const pauses: number[] = [];
    for (; order.process.phase !== "done" && pauses.length < 20; order = play(order, refused)) {
      expect([asks(order), isSettled(order)]).toEqual(["payments.reverse", true]);
      pauses.push(Date.parse(order.dueAt ?? "") - start);
      expect(order.process.deadlineAt > (order.dueAt ?? "")).toBe(true);
    }
    expect(pauses).toHaveLength(7);
    expect(pauses).toEqual(pauses.toSorted((a, b) => a - b));
    expect(order).toMatchObject({ status: "canceled", attention: "refund_refused" });
    expect(heardOfPayment(order, payment("refunded"), moment())).not.toHaveProperty("attention");
  });

  test("a refund that was refused and comes off after all needs nobody's attention any more", () => {
    const refused: Outcome = { kind: "refused", type: "payment_failed", detail: "refused" };
    const bought = play(newOrder(), answered(), answered("authorized"), answered(), answered("captured"));
    const order = play(canceled(bought, "changed my mind", moment()), refused, answered(), answered("refunded"));
    expect(order).toMatchObject({ paymentStatus: "refunded", process: { phase: "done" } });
    expect(order).not.toHaveProperty("attention");
  });

  test("an order whose payment is canceled before it is taken is canceled, whenever that comes to be known", () => {
    const later = (order: KeptOrder, ...outcomes: Outcome[]) =>
      outcomes.reduce((now, one) => advance(now, now.process, one, { ...moment(), captureLater: true }), order);
    const held = later(newOrder(), answered(), answered("authorized"));
    const early = later(heardOfPayment(held, payment("canceled"), moment()), answered());
    expect(early).toMatchObject({ status: "canceled", refusal: { type: "payment_failed" } });

    const confirmed = later(held, answered());
    expect(confirmed.status).toBe("confirmed");
    const late = heardOfPayment(confirmed, payment("canceled"), moment());
    expect(late).toMatchObject({ status: "canceled", cancelReason: "The payment was canceled." });
    expect(asks(late)).toBe("payments.reverse");
  });

  test("an order under way cannot be canceled from outside", () => {
    expect(() => canceled(newOrder(), "no", moment())).toThrow(expect.objectContaining({ type: "invalid_state" }));
  });

  test("a hold that was asked for twice and refused is released: the first may still come through", () => {
    const order = play(newOrder(), unknown, refused);
    expect(order).toMatchObject({ status: "canceled", refusal: { type: "insufficient_stock" } });
    expect(asks(order)).toBe("inventory.release");
    expect(play(order, answered()).process.phase).toBe("done");
  });

  test("an answer that comes after somebody else has moved on is still news of the payment", () => {
    const asked = play(newOrder(), answered());
    const waiting = play(takenUp(asked, moment(6_000)), answered("awaiting"));
    const order = advance(waiting, asked.process, answered("authorized"), moment(9_000));
    expect(order).toMatchObject({ paymentStatus: "authorized", process: { phase: "doing", step: "commit" } });
  });

  test("a payment that is waited for is looked at now and then, in case the news of it got lost", () => {
    const waiting = play(newOrder(), answered(), answered("awaiting"));
    expect(takenUp(waiting, moment(3_900))).toBe(waiting);
    const looking = takenUp(waiting, moment(60_000));
    expect(looking).toMatchObject({ status: "pending", process: { phase: "waiting" } });
    expect(asks(looking)).toBe("payments.authorize");
    expect(takenUp(looking, moment(61_000))).toBe(looking);

    const look = (outcome: Outcome) => advance(looking, looking.process, outcome, moment(61_000));
    expect(look(unknown)).toBe(looking);
    expect(look(refused)).toBe(looking);
    expect(asks(look(answered("authorized")))).toBe("inventory.commit");
  });

  test("a buyer who has to act after all is told what to do, though the news do not say it", () => {
    const waiting = play(newOrder(), answered(), answered("awaiting"));
    const { nextAction: _unsaid, ...news } = payment("requires_action");
    const looking = takenUp(heardOfPayment(waiting, news, moment(5_000)), moment(5_000));
    expect(asks(looking)).toBe("payments.authorize");
    const order = advance(looking, looking.process, answered("requires_action"), moment(6_000));
    expect(order).toMatchObject({ status: "requires_action", payment: { nextAction: { url: "/pay" } } });
    expect(order.process.phase).toBe("waiting");
  });

  test("an order that is taken up when its stock may be free again is given up, and nobody is charged", () => {
    for (const order of [newOrder(), play(newOrder(), answered())]) {
      const late = takenUp(order, moment(41 * 60_000));
      expect(late).toMatchObject({
        status: "expired",
        refusal: { type: "invalid_state" },
        process: { phase: "undoing" },
      });
    }
    const paid = play(newOrder(), answered(), answered("authorized"));
    expect(asks(takenUp(paid, moment(41 * 60_000)))).toBe("inventory.commit");
  });

  test("an order that costs nothing asks nobody for money", () => {
    const order = play(newOrder(0), answered(), answered());
    expect(order).toMatchObject({ status: "confirmed", paymentStatus: "not_paid" });
  });

  test("numbers are short and have no letters that look alike", () => {
    expect(numberFrom(new Uint8Array([0, 1, 2, 3, 4, 5, 6, 255]))).toMatch(
      /^[2-9A-HJKMNP-TV-Z]{4}-[2-9A-HJKMNP-TV-Z]{4}$/,
    );
  });
});

describe("the checkout, whatever happens in whatever order", () => {
  const outcome = fc.constantFrom<() => Outcome>(
    () => answered(),
    () => answered("authorized"),
    () => answered("captured"),
    () => answered("failed"),
    () => answered("requires_action"),
    () => answered("awaiting"),
    () => answered("canceled"),
    () => refused,
    () => unknown,
  );
  const asked = ({ process }: KeptOrder, late: boolean) => ({ ...process, turn: process.turn - (late ? 1 : 0) });
  const event = fc.oneof(
    fc.record({ kind: fc.constant("outcome" as const), outcome, late: fc.boolean() }),
    fc.record({
      kind: fc.constant("fact" as const),
      status: fc.constantFrom<PaymentStatus>("authorized", "captured", "failed", "refunded", "canceled"),
    }),
    fc.record({ kind: fc.constant("time" as const), ms: fc.integer({ min: 0, max: 3_600_000 }) }),
    fc.record({ kind: fc.constant("cancel" as const) }),
  );

  test("ends, stays ended, and undoes all that it may have done", () => {
    fc.assert(
      fc.property(fc.array(event, { maxLength: 40 }), (events) => {
        let order = newOrder();
        let now = 0;
        let moneyAsked = false;
        let undone = new Set<string>();
        const step = (next: KeptOrder) => {
          if (next.process.phase === "undoing" && order.process.phase !== "undoing") undone = new Set();
          order = next;
        };
        const ask = () => {
          const question = asks(order);
          if (question === "payments.authorize") moneyAsked = true;
          if (order.process.phase === "undoing" && question) undone.add(question);
        };
        const handle = (one: (typeof events)[number]) => {
          ask();
          if (one.kind === "time") {
            now += one.ms;
            step(takenUp(order, moment(now)));
          }
          if (one.kind === "cancel") {
            try {
              step(canceled(order, "test", moment(now)));
            } catch {
              /* A refusal changes nothing. */
            }
          }
          if (one.kind === "fact") {
            step(heardOfPayment(order, payment(one.status), moment(now)));
          }
          if (one.kind === "outcome" && asks(order))
            step(advance(order, asked(order, one.late), one.outcome(), moment(now)));
        };
        for (const one of events) handle(one);
        // Calm weather: whatever is asked is answered, and whoever is waited for does not come.
        for (let turns = 0; order.process.phase !== "done" && turns < 50; turns++) {
          ask();
          const question = asks(order);
          if (order.process.phase === "waiting") {
            now += 3_600_000;
            step(takenUp(order, moment(now)));
            continue;
          }
          const status = {
            "payments.authorize": "authorized",
            "payments.captureOrder": "captured",
            "payments.reverse": "refunded",
          }[question as string] as PaymentStatus | undefined;
          step(advance(order, order.process, answered(status), moment(now)));
        }
        expect(order.process.phase).toBe("done");
        expect(["confirmed", "canceled", "expired"]).toContain(order.status);
        expect(order.dueAt).toBeUndefined();
        if (order.status !== "confirmed" && moneyAsked && order.refusal?.type !== "insufficient_stock")
          expect(undone).toContain("payments.reverse");
      }),
      { numRuns: 1000 },
    );
  });
});
