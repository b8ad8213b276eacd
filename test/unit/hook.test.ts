import { Compile } from "typebox/compile";
import type { KeptEndpoint } from "../../services/notifications/endpoint.ts";
import { registered } from "../../services/notifications/endpoint.ts";
import {
  again,
  dueUntil,
  type Heard,
  hookId,
  hookOf,
  isToTry,
  type KeptHook,
  paymentHappening,
  takenUp,
  tried,
} from "../../services/notifications/hook.ts";
import { bodyOf } from "../../services/notifications/webhooks.contract.ts";
import type { PaymentFact, PaymentStatus } from "../../services/payments/payments.contract.ts";
import { anOrder } from "../an-order.ts";

const HOUR = 3_600_000;
const start = Date.parse("2026-01-01T12:00:00.000Z");
const iso = (ms: number) => new Date(ms).toISOString();
const fact = { id: "evt_01k00000000000000000000001", at: "2026-01-01T11:59:59.000Z" };
const endpoint: KeptEndpoint = {
  ...registered(
    { url: "https://hooks.example.com", eventTypes: ["order.confirmed"] },
    {
      id: "whe_01k00000000000000000000009",
      place: 7,
      secret: "whsec_c2VjcmV0",
      requestKey: undefined,
      now: iso(start),
    },
  ),
  version: 1,
};
const fresh: KeptHook = {
  ...hookOf(endpoint.id, fact, { type: "order.confirmed", data: { order: anOrder() } }, iso(start)),
  version: 1,
};
const answered = (status: number, retryAfter?: string): Heard => ({ status, response: "", retryAfter });
const lost: Heard = { error: "connect ECONNREFUSED" };
const triedAt = (hook: KeptHook, heard: Heard, nowMs = start, random = 0.5) =>
  tried(takenUp(hook, nowMs), { heard, begunMs: nowMs - 20, nowMs, random }, endpoint);

/** Tries until it is over; answers the end, and when each try was. */
function tryForever(random: number, heard: Heard = lost): { end: KeptHook; atMs: number[] } {
  const atMs: number[] = [];
  let hook = fresh;
  while (hook.status === "waiting") {
    const nowMs = Date.parse(hook.dueAt);
    atMs.push(nowMs);
    hook = triedAt(hook, heard, nowMs, random);
  }
  return { end: hook, atMs };
}

describe("a webhook on its way", () => {
  test("the same fact makes the same delivery to an endpoint, and another one to another", () => {
    expect(hookId(fact.id, endpoint.id)).toBe(fresh.id);
    expect(hookId(fact.id, "whe_01k00000000000000000000008")).not.toBe(fresh.id);
    expect(fresh.id).toMatch(/^whd_[0-9a-z]{40}$/);
    expect([fresh.id, hookId("evt_01k00000000000000000000002", endpoint.id)].toSorted()[0]).toBe(fresh.id);
  });

  test("its body says what has happened, when, and what of it is public", () => {
    expect(JSON.parse(fresh.body)).toEqual({
      type: "order.confirmed",
      timestamp: fact.at,
      data: { order: anOrder() },
    });
    expect(Compile(bodyOf("order.confirmed")).Errors(JSON.parse(fresh.body))).toEqual([]);
  });

  test.each([0, 0.5, 0.999])(
    "sixteen tries in 72 hours, the first at once, with growing pauses (chance %d)",
    (random) => {
      const { end, atMs } = tryForever(random);
      const pauses = atMs.slice(1).map((at, n) => at - (atMs[n] ?? 0));

      expect(end).toMatchObject({ status: "dead", tries: 16 });
      expect(atMs).toHaveLength(16);
      expect(atMs[0]).toBe(start);
      for (const [n, pause] of pauses.entries()) expect(pause).toBeGreaterThanOrEqual(0.9 * (pauses[n - 1] ?? 0));
      const hours = ((atMs.at(-1) ?? 0) - start) / HOUR;
      expect(hours).toBeGreaterThan(66);
      expect(hours).toBeLessThan(78);
    },
  );

  test("delivered is the end of it, until it is to be forgotten", () => {
    const delivered = triedAt(fresh, answered(204));
    expect(delivered).toMatchObject({ status: "delivered", tries: 1, deliveredAt: iso(start) });
    expect(Date.parse(delivered.dueAt) - start).toBe(30 * 24 * HOUR);
    expect(isToTry(endpoint, delivered)).toBe(false);
  });

  test.each([200, 201, 202, 204, 299])("%d is yes", (status) => {
    expect(triedAt(fresh, answered(status)).status).toBe("delivered");
  });

  test.each([300, 301, 302, 307, 308, 400, 401, 404, 409, 422, 429, 500, 502, 503, 504])(
    "%d is no, and is tried again",
    (status) => {
      expect(triedAt(fresh, answered(status))).toMatchObject({
        status: "waiting",
        attempts: [{ status, error: `It answered ${status}.` }],
      });
    },
  );

  test("410 is never again", () => {
    expect(triedAt(fresh, answered(410))).toMatchObject({ status: "dead", tries: 1 });
  });

  test.each([
    ["seconds", "60", 60],
    ["a date", new Date(start + 90_000).toUTCString(), 90],
    ["more than anybody gets", "9999999", 12 * 3600],
    ["less than we would wait", "1", 5],
    ["a date that has passed", new Date(start - 90_000).toUTCString(), 5],
    ["nonsense", "soon", 5],
    ["a negative number", "-5", 5],
  ])("Retry-After in %s: %s, waits about %d s", (_what, retryAfter, seconds) => {
    const waits = (status: number) => (Date.parse(triedAt(fresh, answered(status, retryAfter)).dueAt) - start) / 1000;
    for (const status of [429, 503]) {
      expect(waits(status)).toBeGreaterThanOrEqual(seconds * 0.9);
      expect(waits(status)).toBeLessThanOrEqual(seconds * 1.1);
    }
    expect(waits(500)).toBeLessThanOrEqual(5.5);
  });

  test("a try whose node died is made by another, when the lease is over", () => {
    const taken = takenUp(fresh, start);
    expect(taken).toMatchObject({ status: "waiting", tries: 1 });
    expect(Date.parse(taken.dueAt)).toBeGreaterThan(start + 15_000);
  });

  test("of two tries at once, the one that arrived counts, whichever is noted first", () => {
    const taken = takenUp(fresh, start);
    const note = (hook: KeptHook, heard: Heard) =>
      tried(hook, { heard, begunMs: start, nowMs: start, random: 0 }, endpoint);
    for (const order of [
      [answered(200), lost],
      [lost, answered(200)],
    ] as const)
      expect(order.reduce(note, taken)).toMatchObject({ status: "delivered", attempts: [{}, {}] });
  });

  test("a dead one that staff deliver once more is tried once, and is dead again if that fails", () => {
    const { end } = tryForever(0.5);
    const once = again(end, iso(start + 100 * HOUR));
    expect(once).toMatchObject({ status: "waiting", dueAt: iso(start + 100 * HOUR) });
    expect(triedAt(once, lost, start + 100 * HOUR)).toMatchObject({ status: "dead", tries: 17 });
    expect(triedAt(once, answered(200), start + 100 * HOUR)).toMatchObject({ status: "delivered", tries: 17 });
  });

  test("where tries come late because much is waiting, it ends nevertheless", () => {
    const third = { ...fresh, tries: 2 };
    expect(triedAt(third, lost, start + 79 * HOUR).status).toBe("waiting");
    expect(triedAt(third, lost, start + 81 * HOUR).status).toBe("dead");
  });

  test("an endpoint that is switched on again gives what waits for it a new chance", () => {
    const late = { ...endpoint, enabledAt: iso(start + 200 * HOUR) };
    const note = (nowMs: number) =>
      tried(takenUp(fresh, nowMs), { heard: lost, begunMs: nowMs, nowMs, random: 0 }, late);
    expect(note(start + 201 * HOUR).status).toBe("waiting");
    expect(note(start + 290 * HOUR).status).toBe("dead");
  });

  test("the log keeps the last twenty tries, and of errors what is readable", () => {
    let hook = fresh;
    for (let n = 0; n < 30; n++) hook = triedAt(again(hook, iso(start)), { error: "🙂".repeat(1000).slice(1) });
    expect(hook.attempts).toHaveLength(20);
    expect(hook.attempts[0]?.error).toHaveLength(300);
    expect(hook.attempts[0]?.error?.isWellFormed()).toBe(true);
  });

  test("what waits for an endpoint that is switched off waits, for 30 days", () => {
    const off = { ...endpoint, state: "disabled" as const };
    expect(dueUntil(endpoint, start) >= fresh.dueAt).toBe(true);
    expect(dueUntil(off, start + 29 * 24 * HOUR) >= fresh.dueAt).toBe(false);
    expect(dueUntil(off, start + 31 * 24 * HOUR) >= fresh.dueAt).toBe(true);
    expect(isToTry(off, fresh)).toBe(false);
  });

  test("nothing that was meant for an endpoint is left when it has ended, however late it is due", () => {
    const over = { ...endpoint, state: "ended" as const };
    const delivered = triedAt(fresh, answered(204));
    expect(dueUntil(over, start) > delivered.dueAt).toBe(true);
    expect(isToTry(over, fresh)).toBe(false);
  });
});

describe("events about payments", () => {
  const euros = (amount: number) => ({ amount, currency: "EUR" });
  const payment = (status: PaymentStatus): PaymentFact => ({
    paymentId: "pay_01k0000000000000",
    orderId: "ord_01k0000000000000",
    status,
    amount: euros(1900),
    captured: euros(0),
    refunded: euros(0),
    version: 3,
    failure: null,
  });

  test.each([
    ["requires_action", "payment.requires_action"],
    ["authorized", "payment.authorized"],
    ["partially_captured", "payment.partially_captured"],
    ["captured", "payment.captured"],
    ["partially_refunded", "payment.partially_refunded"],
    ["refunded", "payment.refunded"],
    ["canceled", "payment.canceled"],
    ["failed", "payment.failed"],
  ] as const)("%s: %s", (status, type) => {
    const happening = paymentHappening(payment(status));
    expect(happening).toEqual({ type, data: { payment: payment(status) } });
    expect(Compile(bodyOf(type)).Errors({ ...happening, timestamp: fact.at })).toEqual([]);
  });

  test.each(["not_paid", "awaiting"] as const)("%s is nobody's news", (status) => {
    expect(paymentHappening(payment(status))).toBeUndefined();
  });
});
