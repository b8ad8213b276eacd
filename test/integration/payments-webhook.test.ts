import { signature } from "../../services/sandbox/signature.edge.ts";
import { until } from "../client.ts";
import { till } from "../money.ts";
import { openShop, type Shop } from "../shop.ts";

describe("news from the payment provider", () => {
  let shop: Shop;
  let secret: string;
  beforeEach(async () => {
    shop = await openShop({ services: ["payments", "sandbox"] });
    ({ secret } = await shop.call("sandbox.webhookSecret", {}));
  });
  afterEach(() => shop.close());

  const now = () => Date.now();
  const newsOf = (key: string) =>
    JSON.stringify({ id: "evt_1", type: "charge.settled", data: { charge: "ch_1", key } });
  const send = (body: string, signed: string, provider = "sandbox") =>
    shop.call("payments.webhook", { provider, body, signature: signed });
  const tell = (body: string) => send(body, signature(body, secret, now()));
  const invalid = expect.objectContaining({ type: "invalid_signature", code: 400 });

  test("counts once, however often and whenever it comes", async () => {
    const { authorize, captureOrder, get, charges, ledger } = till(shop);
    const { id } = await authorize(1);
    const early = newsOf(id);
    await captureOrder(1);
    const before = await get(id);
    await Promise.all([tell(early), tell(early), tell(early)]);

    const { version, ...after } = await get(id);
    expect(after).toEqual({ ...after, status: "captured", captured: before.captured });
    expect(await charges()).toMatchObject([{ captured: 10_000 }]);
    expect(await ledger(1)).toHaveLength(1);
  });

  test("brings what the shop could not know", async () => {
    const { authorize, get } = till(shop);
    const { id } = await authorize(1, "tok_async");
    await until(
      () => shop.call("sandbox.lookUp", { key: id }),
      (charge) => charge?.status === "authorized",
    );
    expect(await tell(newsOf(id))).toEqual({ received: true });
    expect(await get(id)).toMatchObject({ status: "authorized" });
  });

  test("claims nothing: the provider is asked, whatever it says", async () => {
    const { authorize, get } = till(shop);
    const { id } = await authorize(1, "tok_3ds");
    await tell(JSON.stringify({ type: "charge.captured", data: { key: id, status: "captured", captured: 10_000 } }));

    expect(await get(id)).toMatchObject({ status: "requires_action", captured: { amount: 0 } });
  });

  test("of somebody else's charge, or that nobody can read, changes nothing", async () => {
    for (const body of [newsOf("pay_of_nobody"), newsOf("__proto__"), "{}", "[]", "null", "no JSON", ""])
      expect(await tell(body)).toEqual({ received: false });
  });

  test("is refused when it is forged, stale, from the future, or one byte was changed", async () => {
    const { id } = await till(shop).authorize(1, "tok_3ds");
    const body = newsOf(id);
    const good = signature(body, secret, now());
    const minutes = 60_000;
    const forged = [
      signature(body, "another secret", now()),
      signature(body, secret, now() - 6 * minutes),
      signature(body, secret, now() + 6 * minutes),
      good.replace(/t=(\d+)/, (_, time) => `t=${Number(time) + 1}`),
      good.replace(/.$/, (last) => (last === "0" ? "1" : "0")),
      good.slice(0, -1),
      good.toUpperCase(),
      good.replace("v1=", "v0="),
      good.replace(/t=\d+/, "t=NaN"),
      good.replace(/t=\d+,/, ""),
      "",
      "t=,v1=",
      "v1",
    ];
    for (const signed of forged) await expect(send(body, signed)).rejects.toEqual(invalid);
    await expect(send(`${body} `, good)).rejects.toEqual(invalid);
    await expect(send(body.replace("ch_1", "ch_2"), good)).rejects.toEqual(invalid);
    expect(await send(body, good)).toEqual({ received: true });
    expect(await send(body, `${good},v1=${"0".repeat(64)}`)).toEqual({ received: true });
  });

  test.each(["stripe", "constructor", "toString".toLowerCase()])(
    "from %s, whom nobody knows, is not found",
    async (name) => {
      await expect(send("{}", "t=1,v1=0", name)).rejects.toMatchObject({ type: "not_found", code: 404 });
    },
  );
});
