import { signature } from "../../services/sandbox/signature.edge.ts";
import { adminOf, Client } from "../client.ts";
import { openShop, type Shop } from "../shop.ts";

const webhook = "/v1/webhooks/payments/sandbox";
const imports = "/v1/admin/imports";

describe("bodies that are no JSON", () => {
  let shop: Shop;
  let client: Client;
  let secret: string;

  beforeAll(async () => {
    shop = await openShop();
    client = new Client(shop.url);
    ({ secret } = await shop.call("sandbox.webhookSecret", {}));
  });
  afterAll(() => shop.close());

  const news = (more = "") => `{ "id": "evt_1",\n "type": "charge.settled", "data": {"key":"none"} ${more}}`;
  const tell = (body: string, signed: string, headers: Record<string, string> = {}) =>
    client.send("POST", webhook, body, { "x-signature": signed, ...headers });
  const sign = (body: string) => signature(body, secret, Date.now());

  test.each([
    ["with spaces and lines", news()],
    ["with a name twice", news(', "id": "evt_2"')],
    ["with letters of all kinds", news(', "note": "ñandú 😀 \\u00e9"')],
    ["with a mark at its beginning", `\ufeff${news()}`],
  ])("a webhook %s arrives byte for byte", async (_what, body) => {
    const signed = sign(body);
    const answers = [
      await tell(body, signed, { "content-type": "application/json" }),
      await tell(body, signed, { "content-type": "text/plain" }),
      await client.send("POST", webhook, body, { "stripe-signature": signed }),
    ];
    // What it says is another matter: the signature fits.
    for (const { body } of answers) expect(body.code).not.toBe("invalid_signature");
    expect((await tell(`${body} `, signed)).body.code).toBe("invalid_signature");
  });

  test("without a signature, or with a strange one, it is refused", async () => {
    for (const signed of ["", "t=1,v1=00", "nonsense", "x".repeat(1_000), "é"]) {
      const { status, body } = await tell(news(), signed);
      expect([status, body.code]).toEqual([400, "invalid_signature"]);
    }
    expect((await client.send("POST", webhook, news())).status).toBe(400);
    expect((await tell(news(), "x".repeat(1_001))).status).toBe(422);
  });

  test("one that is too large, or from nobody that is known, is refused", async () => {
    const large = "x".repeat(100_001);

    expect((await tell(large, sign(large))).status).toBe(413);
    expect((await client.send("POST", "/v1/webhooks/payments/nobody", news(), { "x-signature": "x" })).status).toBe(
      404,
    );
  });

  test("an import without a file is refused, and starts no job", async () => {
    const admin = await adminOf(shop.url);

    for (const headers of [{}, { "content-type": "text/csv" }]) {
      const { status, body } = await admin.send("POST", imports, "", headers);
      expect([status, body.code]).toEqual([400, "malformed_request"]);
    }
  });

  test("a file of some megabytes is taken, of more than twenty not, and of another kind not", async () => {
    const admin = await adminOf(shop.url);
    const send = (body: string, type = "text/csv") => admin.send("POST", imports, body, { "content-type": type });
    const row = "mug,A mug,active\n";
    const file = `Handle,Title,Status\n${row.repeat(200_000)}`;

    expect((await send(file)).status).toBe(202);
    expect((await send("x".repeat(20_000_001))).status).toBe(413);
    expect((await send(file.slice(0, 100), "application/json")).status).toBe(415);
    expect((await send(file.slice(0, 100), "text/csv; charset=utf-16")).status).toBe(415);
  });
});
