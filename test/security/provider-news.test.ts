import { createHmac } from "node:crypto";
import { readFileSync } from "node:fs";
import { signature } from "../../services/sandbox/signature.edge.ts";
import { Client } from "../client.ts";
import { till } from "../money.ts";
import { sendRaw, statusesOf } from "../raw.ts";
import { openShop, type Shop } from "../shop.ts";

const path = "/v1/webhooks/payments/sandbox";
const MINUTE_MS = 60_000;

describe("news that says it comes from the payment provider", () => {
  let shop: Shop;
  let client: Client;
  let secret: string;
  let body: string;
  let key: string;

  beforeAll(async () => {
    shop = await openShop({ services: ["gateway", "payments", "sandbox"] });
    client = new Client(shop.url);
    ({ secret } = await shop.call("sandbox.webhookSecret", {}));
    const payment = await till(shop).authorize(1, "tok_visa");
    key = payment.id;
    body = JSON.stringify({ id: "evt_1", type: "charge.settled", data: { charge: "ch_1", key } });
  });
  afterAll(() => shop.close());

  /** What is known of money, here and at the provider. That somebody has looked at it again is no change of it. */
  const money = async () => {
    const { version: _v, updatedAt: _u, ...payment } = await till(shop).get(key);
    return { payment, charges: await till(shop).charges(), entries: await till(shop).ledger(1) };
  };
  const sign = (text = body, ms = 0, by = secret) => signature(text, by, Date.now() + ms);
  const time = () => Math.floor(Date.now() / 1000);
  const macOf = (text: string, algorithm = "sha256", by: string | Buffer = secret) =>
    createHmac(algorithm, by).update(text).digest("hex");

  const forgeries = (): [what: string, signed: string, text?: string, at?: string][] => {
    const good = sign();
    const [t, v1] = good.split(",") as [string, string];
    return [
      ["no signature", ""],
      ["another secret", sign(body, 0, "another secret")],
      ["an empty secret", sign(body, 0, "")],
      ["the secret's name", sign(body, 0, "webhook")],
      ["six minutes ago", sign(body, -6 * MINUTE_MS)],
      ["a year ago", sign(body, -365 * 24 * 60 * MINUTE_MS)],
      ["in six minutes", sign(body, 6 * MINUTE_MS)],
      ["no time", v1],
      ["no signature but the time", t],
      ["an empty time", `t=,${v1}`],
      ["another time on the right signature", `t=${time() - 1},${v1}`],
      ["two times, the wrong one first", `t=${time() - 1},${good}`],
      ["a time with a fraction", `t=${time()}.5,v1=${macOf(`${time()}.5.${body}`)}`],
      ["a time in another form", `t=0x${time().toString(16)},v1=${macOf(`0x${time().toString(16)}.${body}`)}`],
      ["a time with a sign", `t=+${time()},v1=${macOf(`+${time()}.${body}`)}`],
      ["a time with a space", `t= ${time()},v1=${macOf(` ${time()}.${body}`)}`],
      ["a time that is none", `t=NaN,v1=${macOf(`NaN.${body}`)}`],
      ["a time that never ends", `t=Infinity,v1=${macOf(`Infinity.${body}`)}`],
      ["an old version of the scheme", good.replace("v1=", "v0=")],
      ["a version that there is not yet", good.replace("v1=", "v2=")],
      ["capital letters", good.toUpperCase()],
      ["another hash", `t=${time()},v1=${macOf(`${time()}.${body}`, "sha1")}`],
      ["a longer hash", `t=${time()},v1=${macOf(`${time()}.${body}`, "sha512")}`],
      ["the body alone signed", `t=${time()},v1=${macOf(body)}`],
      ["the time alone signed", `t=${time()},v1=${macOf(`${time()}.`)}`],
      [
        "the secret's bytes in another form",
        `t=${time()},v1=${macOf(`${time()}.${body}`, "sha256", Buffer.from(secret, "base64url"))}`,
      ],
      ["half a signature", good.slice(0, -32)],
      ["a letter less", good.slice(0, -1)],
      ["a letter more", `${good}0`],
      ["zeros", `t=${time()},v1=${"0".repeat(64)}`],
      ["what is no hexadecimal", `t=${time()},v1=${"z".repeat(64)}`],
      ["base64", `t=${time()},v1=${createHmac("sha256", secret).update(`${time()}.${body}`).digest("base64")}`],
      ["semicolons", good.replace(",", ";")],
      ["an empty list", ",,,,"],
      ["a thousand letters", "v1=".padEnd(1_000, "a")],
      ["another body", good, body.replace("ch_1", "ch_2")],
      ["a space at the end of the body", good, `${body} `],
      ["a space at its beginning", good, ` ${body}`],
      [
        "its fields in another order",
        good,
        JSON.stringify(Object.fromEntries(Object.entries(JSON.parse(body)).reverse())),
      ],
      ["an empty body", good, ""],
      ["another provider's door", good, body, "/v1/webhooks/payments/stripe"],
      ["the door of a prototype", good, body, "/v1/webhooks/payments/constructor"],
      ...[0, 1, 20, 40, body.length - 1].map((n): [string, string, string] => [
        `byte ${n} of the body changed`,
        good,
        `${body.slice(0, n)}${body[n] === "x" ? "y" : "x"}${body.slice(n + 1)}`,
      ]),
      ...[0, 1, 31, 62, 63].map((n): [string, string] => [
        `letter ${n} of the signature changed`,
        `${t},v1=${v1.slice(3, 3 + n)}${v1[3 + n] === "0" ? "1" : "0"}${v1.slice(4 + n)}`,
      ]),
    ];
  };

  test("is refused when it was forged, in whatever way, and changes nothing", async () => {
    const before = await money();
    const told: string[] = [];
    for (const [what, signed, text = body, at = path] of forgeries()) {
      const { status, body: problem } = await client.send("POST", at, text, { "x-signature": signed });
      const wanted = at === path ? "400 invalid_signature" : "404 not_found";
      if (`${status} ${problem?.code}` !== wanted) told.push(`${what}: ${status} ${problem?.code}`);
    }
    expect(told).toEqual([]);
    expect(forgeries().length).toBeGreaterThanOrEqual(50);
    expect(await money()).toEqual(before);
  });

  test("is taken when it is right, so the same would be seen of a forged one", async () => {
    expect((await client.send("POST", path, body, { "x-signature": sign() })).body).toEqual({ received: true });
  });

  test("played back within its five minutes moves no money", async () => {
    const signed = sign();
    const send = () => client.send("POST", path, body, { "x-signature": signed });
    for (const answer of [await send(), ...(await Promise.all([send(), send(), send()]))])
      expect(answer.status).toBe(200);
    const { captured, refunded, status } = await till(shop).get(key);
    expect([captured.amount, refunded.amount, status]).toEqual([0, 0, "authorized"]);
    expect((await till(shop).charges()).filter((charge) => charge.key === key)).toHaveLength(1);
  });

  test("of ten megabytes is not even read", async () => {
    const large = `${body.slice(0, -1)},"more":"${"x".repeat(10_000_000)}"}`;
    const { status } = await client.send("POST", path, large, { "x-signature": sign(large) });
    expect(status).toBe(413);
  });

  test("with two signatures in two headers is judged as one that names both", async () => {
    const [good, bad] = [sign(), `t=${time() - 1},v1=${"0".repeat(64)}`];
    const raw = (...signatures: string[]) =>
      sendRaw(
        shop.url,
        `POST ${path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: application/json\r\n${signatures
          .map((one) => `X-Signature: ${one}\r\n`)
          .join("")}Content-Length: ${body.length}\r\n\r\n${body}`,
      );
    expect(statusesOf(await raw(bad, bad))).toEqual([400]);
    // The time that counts is the first that is named: nobody's right signature makes a forged one right.
    expect(statusesOf(await raw(bad, good))).toEqual([400]);
    expect(statusesOf(await raw(good, good))).toEqual([200]);
  });

  test("is compared in a time that says nothing, as is every other secret that somebody shows", () => {
    const comparing = [
      "services/payments/signature.edge.ts",
      "services/orders/guest.edge.ts",
      "services/users/password.edge.ts",
      "bus/signature.ts",
    ];
    for (const file of comparing)
      expect([file, /timingSafeEqual\(/.test(readFileSync(file, "utf8"))]).toEqual([file, true]);
  });
});
