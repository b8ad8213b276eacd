import { adminOf, Client, until } from "../client.ts";
import { park } from "../dead-letter.ts";
import { openShop, type Shop } from "../shop.ts";

describe("dead letters", () => {
  let shop: Shop;
  let admin: Client;

  beforeEach(async () => {
    shop = await openShop({ services: ["gateway", "inventory", "users"] });
    admin = await adminOf(shop.url);
  });
  afterEach(() => shop.close());

  const list = async (query = "") => (await admin.get(`/v1/admin/dead-letters${query}`)).body;

  test("are listed for staff, page by page, whoever of the services is away", async () => {
    for (let n = 0; n < 5; n++) await park(shop, `SKU-${n}`, n);
    const whole = await list();
    const first = await list("?limit=2");
    const second = await list(`?limit=2&cursor=${encodeURIComponent(first.nextCursor)}`);

    expect(whole).toMatchObject({ nextCursor: null });
    expect(whole.data).toHaveLength(5);
    expect(whole.data[0]).toMatchObject({ from: "inventory", to: "inventory", tries: 10, error: "Error: not now" });
    expect([...first.data, ...second.data]).toEqual(whole.data.slice(0, 4));
    expect((await new Client(shop.url).get("/v1/admin/dead-letters")).status).toBe(401);
    expect((await admin.get("/metrics")).text).toContain('lonja_dead_letters{service="inventory"} 5');
  });

  test("one that is delivered once more leaves the list, and has its effect", async () => {
    await park(shop, "MUG", 7);
    const { data } = await list();
    const replay = await admin.post(`/v1/admin/dead-letters/${encodeURIComponent(data[0].id)}/replay`);
    const movements = await until(
      async () => (await admin.get("/v1/admin/inventory/MUG/movements")).body.data,
      (found: { id: string }[]) => found.some(({ id }) => id === "mov_00000000007"),
    );

    expect([replay.status, replay.body.id]).toEqual([202, data[0].id]);
    expect(movements).toContainEqual(expect.objectContaining({ id: "mov_00000000007" }));
    expect((await list()).data).toEqual([]);
  });

  test.each([
    ["inventory:stock:NONE:evt_0000000000:inventory", 404],
    ["orders:orders:ord_0000000000:evt_0000000000:payments", 503],
    ["nobody:x:y", 404],
    ["nonsense", 404],
    ["__proto__:a:b", 404],
    ["gateway:answers:a:b:c", 404],
  ])("%s: %d", async (id, status) => {
    const answer = await admin.post(`/v1/admin/dead-letters/${encodeURIComponent(id)}/replay`);

    expect(answer.status).toBe(status);
  });

  test.each(["nonsense", "inventory:gone", "orders:x", "%00"])(
    "a cursor of %s is no server's fault",
    async (cursor) => {
      expect((await admin.get(`/v1/admin/dead-letters?cursor=${cursor}`)).status).toBeLessThan(500);
    },
  );
});
