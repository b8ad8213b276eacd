import type { Collection } from "../../mixins/store.mixin.ts";
import type { Kept } from "../../services/gateway/once.edge.ts";
import { adminOf, anOrder, Client, type Reply, stockMugs } from "../client.ts";
import { openShop, type Shop } from "../shop.ts";

describe("an order whose answer was never kept, since the gateway died", () => {
  let shop: Shop;
  let guest: Client;

  beforeEach(async () => {
    shop = await openShop({ env: { TRUSTED_PROXIES: "1" } });
    guest = new Client(shop.url);
    await stockMugs(await adminOf(shop.url), 50);
  });
  afterEach(() => shop.close());

  const kept = () => (shop.broker.getLocalService("gateway") as unknown as { answers: Collection<Kept> }).answers;
  const forget = async () => {
    for (const { id } of (await kept().find()).data) await kept().remove(id);
  };
  const replayed = ({ headers }: Reply) => headers.get("idempotent-replayed");
  const charges = async () => (await shop.call("sandbox.charges", { limit: 100 })).data;

  test.each([
    ["tok_visa", 201],
    ["tok_declined", 402],
  ])("is found by a repeat, and there is one charge (%s)", async (token, status) => {
    const first = await guest.buy(anOrder(token), "key-1");
    await forget();
    const repeats = await Promise.all(Array.from({ length: 10 }, () => guest.buy(anOrder(token), "key-1")));

    expect(first.status).toBe(status);
    const known = ({ id, guestToken, code, detail }: Record<string, unknown>) => ({ id, guestToken, code, detail });
    for (const repeat of repeats) {
      expect(repeat.status).toBe(status);
      expect(known(repeat.body)).toEqual(known(first.body));
    }
    expect(new Set(repeats.map(({ text }) => text)).size).toBe(1);
    expect(await charges()).toHaveLength(1);
  });

  test("is not given to a request with another body under its key", async () => {
    await guest.buy(anOrder("tok_visa", 1), "key-1");
    await forget();
    const other = await guest.buy(anOrder("tok_visa", 2), "key-1");

    expect([other.status, other.body.code]).toEqual([422, "idempotency_key_reused"]);
    expect((await guest.buy(anOrder("tok_visa", 1), "key-1")).status).toBe(201);
    expect(await charges()).toHaveLength(1);
  });

  test("an answer is kept by one write, and only once there is one", async () => {
    await guest.buy(anOrder("tok_visa", 1), "key-1");
    expect(await guest.buy(anOrder("tok_visa", 1, "NO-SUCH"), "key-2")).toMatchObject({ status: 422 });

    expect((await kept().find()).data).toMatchObject([{ version: 1, sealed: expect.any(String) }]);
  });

  test("a guest's key goes with the guest's token, wherever the guest is by then", async () => {
    const { body: order } = await guest.buy(anOrder());
    const cancelFrom = (address: string, token: string = order.guestToken) =>
      guest.post(
        `/v1/orders/${order.id}/cancel`,
        {},
        { "idempotency-key": "key-1", "x-guest-token": token, "x-forwarded-for": address },
      );
    const first = await cancelFrom("192.0.2.1");
    const again = await cancelFrom("198.51.100.1");

    expect([first.status, replayed(first)]).toEqual([200, null]);
    expect([again.text, replayed(again)]).toEqual([first.text, "true"]);
    expect((await cancelFrom("192.0.2.1", "another")).status).toBe(404);
  });
});
