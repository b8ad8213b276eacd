import { readFileSync } from "node:fs";
import { Webhook } from "standardwebhooks";
import { secretOf, signed } from "../../services/notifications/signature.edge.ts";
import { blocksOf } from "../documented.ts";

const [secret, other] = [secretOf(Buffer.alloc(32, 1)), secretOf(Buffer.alloc(32, 250))];
const body = JSON.stringify({
  type: "order.confirmed",
  timestamp: "2026-01-01T12:00:00.000Z",
  data: { name: "Ñandú 🙂" },
});

type IsOurs = (body: string, headers: Record<string, string>, secret: string) => boolean;
/** As the page for receivers has it. */
const documented = (pattern: RegExp) =>
  blocksOf(readFileSync("docs/webhooks.md", "utf8")).find(({ text }) => pattern.test(text))?.text ?? "";

interface Asked {
  body: Buffer;
  headers: Record<string, string>;
}
type Handle = (request: Asked, response: { sendStatus(status: number): void }) => Promise<void>;

describe("the signature of a webhook", () => {
  test("is what those accept who verify as the page for receivers says", async () => {
    const source = `${documented(/function isOurs/)}\nexport { isOurs };`;
    const { isOurs } = (await import(`data:text/javascript,${encodeURIComponent(source)}`)) as { isOurs: IsOurs };
    const headers = signed("evt_1", body, [other, secret], Date.now());

    expect([secret, other].map((one) => isOurs(body, headers, one))).toEqual([true, true]);
    expect(isOurs(`${body} `, headers, secret)).toBe(false);
    expect(isOurs(body, headers, secretOf(Buffer.alloc(32, 7)))).toBe(false);
    expect(isOurs(body, signed("evt_1", body, [secret], Date.now() - 600_000), secret)).toBe(false);
  });

  test("is what a receiver accepts that verifies with the library, as the page has it", async () => {
    const [answers, kept]: [number[], unknown[]] = [[], []];
    let handle: Handle | undefined;
    const app = { post: (_path: string, _raw: unknown, given: Handle) => void (handle = given) };
    const names = ["Webhook", "process", "app", "express", "inbox"];
    new Function(...names, documented(/new Webhook/).replace(/^import .*$/m, ""))(
      Webhook,
      { env: { WEBHOOK_SECRET: secret } },
      app,
      { raw: () => undefined },
      { keep: async (...event: unknown[]) => void kept.push(event) },
    );
    const response = { sendStatus: (status: number) => void answers.push(status) };
    const headers = { ...signed("evt_1", body, [secret], Date.now()) };
    await handle?.({ body: Buffer.from(body), headers }, response);
    await handle?.({ body: Buffer.from(`${body} `), headers }, response);

    expect(answers).toEqual([204, 400]);
    expect(kept).toEqual([["evt_1", JSON.parse(body)]]);
  });

  test("is what others' verifiers accept", () => {
    const headers = signed("evt_1", body, [secret], Date.now());
    expect(new Webhook(secret).verify(body, headers)).toEqual(JSON.parse(body));
    expect(() => new Webhook(other).verify(body, headers)).toThrow();
    expect(() => new Webhook(secret).verify(`${body} `, headers)).toThrow();
    expect(() => new Webhook(secret).verify(body, { ...headers, "webhook-id": "evt_2" })).toThrow();
  });

  test("is what others' signers make of the same", () => {
    const at = new Date("2026-01-01T12:00:00.000Z");
    const headers = signed("evt_1", body, [secret], at.getTime());
    expect(headers["webhook-signature"]).toBe(new Webhook(secret).sign("evt_1", at, body));
  });

  test("is there twice while a secret is changed, and either will do", () => {
    const headers = signed("evt_1", body, [other, secret], Date.now());
    expect(headers["webhook-signature"]).toMatch(/^v1,\S{44} v1,\S{44}$/);
    for (const one of [secret, other]) expect(new Webhook(one).verify(body, headers)).toEqual(JSON.parse(body));
  });

  test("of yesterday is not accepted any more", () => {
    const headers = signed("evt_1", body, [secret], Date.now() - 86_400_000);
    expect(() => new Webhook(secret).verify(body, headers)).toThrow(/too old/);
  });
});
