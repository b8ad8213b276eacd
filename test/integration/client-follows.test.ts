import { admin as officeOf } from "../../sdk/src/admin.ts";
import { Lonja, type ShopEvent } from "../../sdk/src/index.ts";
import { adminOf, anOrder, stockMugs } from "../client.ts";
import { openShop, type Shop } from "../shop.ts";

/** Hangs up after so many bytes of each answer. */
const hangingUpAfter =
  (most: number): typeof fetch =>
  async (input, init) => {
    const { body, headers, status } = await fetch(input, init);
    let left = most;
    const cut = new TransformStream<Uint8Array, Uint8Array>({
      transform(piece, controller) {
        controller.enqueue(piece.subarray(0, left));
        left -= piece.length;
        if (left <= 0) controller.error(new TypeError("terminated"));
      },
    });
    return new Response(body?.pipeThrough(cut) ?? null, { headers, status });
  };

describe("the client follows", () => {
  let shop: Shop;

  beforeEach(async () => {
    shop = await openShop();
    await stockMugs(await adminOf(shop.url), 100);
  });
  afterEach(() => shop.close());

  test("an order, as a guest, until it is confirmed", async () => {
    const buyer = new Lonja({ url: shop.url });
    const { id, guestToken } = await buyer.orders.place(anOrder("tok_flaky"));
    const types: string[] = [];
    for await (const { type } of buyer.orders.stream(id, { guestToken }))
      if (types.push(type) && type === "confirmed") break;

    expect(types[0]).toBe("placed");
    expect(types).toEqual((await buyer.orders.events(id, {}, { guestToken })).data.map(({ type }) => type));
    const stranger = buyer.orders.stream(id)[Symbol.asyncIterator]();
    await expect(stranger.next()).rejects.toMatchObject({ code: "not_found" });
  });

  test("all that happens in the shop, over connections that break again and again, without a gap or a repeat", async () => {
    const staff = new Lonja({ url: shop.url });
    await staff.auth.login({ email: "admin@lonja.test", password: "correct horse battery" });
    const { events } = officeOf(staff);
    let connections = 0;
    const fetch: typeof globalThis.fetch = (...asked) => hangingUpAfter(1_500 + (connections++ % 3) * 700)(...asked);
    const buying = (async () => {
      for (let n = 0; n < 8; n++) await staff.orders.place(anOrder());
    })();
    const followed: ShopEvent[] = [];
    // Who follows is done when all eight are told of.
    for await (const event of events.stream({}, { fetch, pauseMs: 1 })) {
      followed.push(event);
      const orders = new Set(followed.map(({ data }) => data.order?.id).filter(Boolean));
      if (orders.size === 8) break;
    }
    await buying;
    const kept: ShopEvent[] = [];
    for await (const event of events.list()) kept.push(event);

    expect(followed).toEqual(kept.slice(0, followed.length));
    expect(new Set(followed.map(({ id }) => id)).size).toBe(followed.length);
    expect(connections).toBeGreaterThan(2);
  });
});
