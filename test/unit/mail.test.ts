import { behind, failureOf, type KeptMail, mailId, queued, takenUp, tried } from "../../services/notifications/mail.ts";

const start = Date.parse("2026-01-01T12:00:00.000Z");
const moment = { nowMs: start, random: 0.999, leaseMs: 120_000 };
const letter = { to: { name: "Ada", address: "ada@example.com" }, subject: "s", text: "t", html: "h" };
const fresh: KeptMail = {
  ...queued(
    { id: "mail_01k0000000000000", orderId: "ord_01k0000000000000", template: "order_confirmed", letter },
    "2026-01-01T12:00:00.000Z",
  ),
  version: 1,
};
const refused = { kind: "failed", error: "connection refused", forGood: false } as const;

/** Tries until nothing is due any more; answers the end and the pauses before each further try. */
function tryForever(random: number): { end: KeptMail; pausesMs: number[] } {
  const pausesMs: number[] = [];
  let mail = fresh;
  let nowMs = start;
  while (mail.dueAt) {
    const now = { ...moment, nowMs, random };
    mail = tried(takenUp(mail, now), refused, now);
    if (!mail.dueAt) break;
    pausesMs.push(Date.parse(mail.dueAt) - nowMs);
    nowMs = Date.parse(mail.dueAt);
  }
  return { end: mail, pausesMs };
}

describe("a mail on its way", () => {
  test("the same fact makes the same mail", () => {
    expect(mailId("evt_01k0000000000abc")).toBe("mail_01k0000000000abc");
  });

  test("sent is the end of it, whatever is said later", () => {
    const sent = tried(takenUp(fresh, moment), { kind: "sent" }, moment);

    expect(sent).toMatchObject({ status: "sent", tries: 1, error: null, sentAt: "2026-01-01T12:00:00.000Z" });
    expect(sent).not.toHaveProperty("dueAt");
    expect(tried(sent, refused, moment)).toBe(sent);
  });

  test.each([0, 0.999])("it is tried twelve times with growing pauses, for most of a day (chance %d)", (random) => {
    const { end, pausesMs } = tryForever(random);

    expect(end).toMatchObject({ status: "failed", tries: 12, error: "connection refused" });
    expect(pausesMs).toHaveLength(11);
    expect(pausesMs).toEqual(pausesMs.toSorted((a, b) => a - b));
    const hours = pausesMs.reduce((sum, ms) => sum + ms, 0) / 3_600_000;
    expect(hours).toBeGreaterThan(12);
    expect(hours).toBeLessThan(36);
  });

  test("a mail whose node died while sending is due again", () => {
    const taken = takenUp(fresh, moment);
    expect(taken.status).toBe("queued");
    expect(Date.parse(taken.dueAt ?? "")).toBe(start + moment.leaseMs);
  });

  test("waiting for an earlier letter is no try", () => {
    expect(behind(fresh, moment)).toMatchObject({ tries: 0, status: "queued" });
  });

  test.each([
    ["the recipient is not known", { permanent: true, command: "RCPT TO" }, "failed"],
    ["the letter is not wanted", { permanent: true, command: "DATA" }, "failed"],
    ["the mailbox is busy", { permanent: false, command: "RCPT TO" }, "queued"],
    ["our password is wrong", { permanent: true, command: "AUTH PLAIN" }, "queued"],
    ["our sender is not liked", { permanent: true, command: "MAIL FROM" }, "queued"],
    ["nobody is there", { command: "CONN" }, "queued"],
    ["the disk is full", {}, "queued"],
  ])("%s: it is %j and then %s", (message, failure, status) => {
    expect(tried(takenUp(fresh, moment), failureOf({ message, ...failure }), moment)).toMatchObject({
      status,
      error: message,
    });
  });

  test("a long answer of the server is cut short", () => {
    const mail = tried(takenUp(fresh, moment), failureOf({ message: "🙂".repeat(1000).slice(1) }), moment);
    expect(mail.error?.length).toBe(500);
    expect(mail.error?.isWellFormed()).toBe(true);
  });
});
