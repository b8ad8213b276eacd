import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { call } from "../../repl/call.ts";
import { type Command, read, usage, whole, wordsOf } from "../../repl/command.ts";
import type { Desk } from "../../repl/desk.ts";
import { leaveInvitation } from "../../repl/invitation.ts";
import { Secrets, tellsSecret } from "../../repl/secrets.ts";
import { sentence } from "../../repl/sentence.ts";
import { visitorsEnvironment } from "../../repl/visitor.ts";
import { Refusal } from "../../services/shared/refusal.ts";

const adjust: Command = {
  name: "adjust",
  params: ["sku", "delta", "reason…"],
  options: { token: { value: "token", about: "" }, all: { about: "" } },
  about: "",
  run() {},
};

describe("a line", () => {
  test.each([
    ["stock MUG", ["stock", "MUG"]],
    ["  stock\t MUG  ", ["stock", "MUG"]],
    ["adjust \"A MUG\" -3 'very old'", ["adjust", "A MUG", "-3", "very old"]],
    ['buy --token="a b"', ["buy", "--token=a b"]],
    ['call a.b {"a": "it\'s", "b": {}} ', ["call", "a.b", '{"a": "it\'s", "b": {}}']],
    ["call a.b '{\"a\": 1}'", ["call", "a.b", '{"a": 1}']],
    ["", []],
  ])("%s", (line, words) => expect(wordsOf(line)).toEqual(words));

  test("with a quote that is open is not guessed at", () =>
    expect(() => wordsOf("adjust MUG 1 it's")).toThrow("The quote ' is not closed."));
});

describe("what is behind a command", () => {
  test("is given by its names; the last one may take what is left", () =>
    expect(read(adjust, ["MUG", "-3", "fell", "down", "--token", "t", "--all"])).toEqual({
      params: { sku: "MUG", delta: "-3", reason: "fell down" },
      options: { token: "t", all: "on" },
    }));

  test.each([
    [["MUG"], "delta and reason are missing"],
    [["MUG", "1", "why", "--colour", "red"], "no option --colour"],
    [["MUG", "1", "why", "--token"], "--token needs a value"],
  ])("%j is explained", (words, why) => expect(() => read(adjust, words)).toThrow(why));

  test("is written as it is read", () =>
    expect(usage(adjust)).toBe("adjust <sku> <delta> <reason…> [--token <token>] [--all]"));

  test.each(["", "1.5", "1e3", "0x10", "--1", "9".repeat(13), "NaN"])("%s is no whole number", (text) =>
    expect(() => whole(text, "count")).toThrow("is no count"),
  );
});

describe("secrets", () => {
  const secrets = new Secrets({
    BUS_SECRET: "the first secret,the second secret",
    ADMIN_PASSWORD: "correct horse",
    ORDERS_STORE: "postgres://lonja:p%40ssword@db/lonja",
    TRANSPORTER: "nats://one:secret-one@a:1,two:secret-two@b:2",
    SMTP_URL: "smtp://key:half@n/hour@mail",
    PATH: "/usr/bin",
  });

  test.each([
    "the first secret",
    "the second secret",
    "correct horse",
    "p%40ssword",
    "p@ssword",
    "secret-one",
    "secret-two",
    "half@n/hour",
    "mongodb://user:unheard-of@host/",
    "mongodb://user:very@unheard-of@host/",
    "eyJhbGciOiJFZERTQSJ9.eyJzdWIiOiJ1c3IifQ.c2lnbmF0dXJl",
    "lk_0123456789abcdef",
    "https://shop/v1/orders/ord_1?token=guest-token-of-ord-1&x=1",
  ])("%s is not read in a text", (secret) => {
    const hidden = secrets.hide(`before ${secret} after`);

    expect(hidden).toMatch(/^before .*•••.* after$/);
    for (const part of ["unheard-of", "guest-token-of", "eyJ", "0123456789", secret.includes("://") ? "\0" : secret])
      expect(hidden).not.toContain(part);
  });

  test("nor under a name that tells, at any depth", () => {
    const shown = secrets.show(
      { guestToken: "a1", list: [{ refresh_token: "b2", passwordHash: "c3", apiKeys: ["d4"] }], Authorization: "e5" },
      false,
    );
    expect(shown).not.toMatch(/a1|b2|c3|d4|e5/);
  });

  test("and everything else is", () =>
    expect(
      secrets.show({ token: null, keys: [{ kid: "k" }], sku: "MUG", author: "Ada", path: "/usr/bin" }, false),
    ).toBe("{\n  token: null,\n  keys: [ { kid: 'k' } ],\n  sku: 'MUG',\n  author: 'Ada',\n  path: '/usr/bin'\n}"));

  test("a line that tells one is not remembered", () => {
    const telling = [
      'call users.login {"email":"a","password":"b"}',
      "call x {'refreshToken' : 1}",
      "call users.login --email a --password b",
    ];
    expect(telling.map(tellsSecret)).toEqual([true, true, true]);
    expect(["buy MUG 2", 'call inventory.level {"sku":"MUG"}', "help"].map(tellsSecret)).toEqual([false, false, false]);
  });
});

test.each([
  'users.login {"email":"a","password":seven-salty-sardines}',
  "users.login --password seven salty-sardines",
  "users.login --password seven salty sardines",
  "inventory.movements --limit sardines",
])("a mistake is told, and not what was mistaken: %s", async (typed) => {
  const mistake = await Promise.try(() => call.run({} as Desk, read(call, wordsOf(typed)))).catch(sentence);
  expect(mistake).toMatch(/not JSON|too much|cannot be read/);
  expect(mistake).not.toMatch(/seven|salty|sardines/);
});

describe("an invitation", () => {
  let dataDir: string;
  beforeEach(() => {
    dataDir = mkdtempSync(join(tmpdir(), "lonja-invitation-"));
  });
  afterEach(() => rmSync(dataDir, { recursive: true, force: true }));

  test("is found as it was left, and not when it was taken back", () => {
    const invitation = { TRANSPORTER: "tcp://127.0.0.1:7700", BUS_SECRET: "0123456789abcdef" };
    const takeBack = leaveInvitation(dataDir, invitation);
    expect(visitorsEnvironment({ DATA_DIR: dataDir })).toMatchObject(invitation);
    takeBack();
    expect(() => visitorsEnvironment({ DATA_DIR: dataDir })).toThrow("No cluster to join");
  });

  test.each(["", "garbage", "null", '{"TRANSPORTER":7}'])("of which this is left is none: %s", (text) => {
    writeFileSync(join(dataDir, "invitation.json"), text);
    expect(() => visitorsEnvironment({ DATA_DIR: dataDir })).toThrow("No cluster to join");
  });
});

describe("a refusal is one sentence", () => {
  test.each([
    [new Refusal("not_found", "There is no such SKU."), "There is no such SKU."],
    [new Refusal("forbidden"), "Not allowed."],
    [
      new Refusal("insufficient_stock", undefined, {
        errors: [{ path: "lines", message: "not enough of MUG", sku: "MUG", requested: 3, available: 1 }],
      }),
      "Not enough in stock: 3 of MUG asked for, 1 there.",
    ],
    [
      new Refusal("invalid_input", undefined, {
        errors: [
          { path: "sku", message: 'must match pattern "^(?!x)$"' },
          { path: "delta", message: "must be integer" },
        ],
      }),
      "The input is not valid: sku is not written as it has to be; delta must be integer.",
    ],
    [
      Object.assign(new Error("x"), { name: "ServiceNotFoundError", data: { action: "orders.get" } }),
      "Nobody in the cluster answers orders.get.",
    ],
    [new TypeError("x is not a function"), "Something broke: TypeError: x is not a function"],
  ])("%s", (error, said) => expect(sentence(error)).toBe(said));
});
