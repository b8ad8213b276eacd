import { begun, type KeptRepair } from "../../services/doctor/repair.ts";
import type { Page, Paging } from "../../services/shared/schema.ts";
import { realWorld } from "../../services/shared/world.ts";
import { adminOf, anOrder, Client, drained } from "../client.ts";
import { park } from "../dead-letter.ts";
import { lists } from "../lists.ts";
import { kept } from "../planting.ts";
import { openReceiver, type Receiver } from "../receiver.ts";
import { openShop, type Shop } from "../shop.ts";

const SKU = "MUG-0";
const ENDPOINTS = "/v1/admin/webhook-endpoints";

type Item = Record<string, unknown>;
interface List {
  action: string;
  path: string;
  /** What it is asked for beside its page. */
  query: string;
}

const queries: Readonly<Record<string, string[]>> = {
  "catalog.list": ["", "sort=title", "sort=-price", "sort=createdAt", "q=mug", "q=mug&sort=price", "category=even"],
  "orders.list": ["", "status=confirmed"],
  "orders.search": ["", "q=ada@example.com"],
};
const asked: List[] = lists.flatMap(({ action, path }) =>
  (queries[action] ?? [""]).map((query) => ({ action, path, query })),
);

describe("the cursor behind each item of a list", () => {
  let receiver: Receiver;
  let shop: Shop;
  let admin: Client;
  /** What stands for the names in the paths. */
  let names: Record<string, Record<string, string>>;
  const before = new Map<List, Page<Item>>();

  const read = ({ action, path, query }: List, page: Paging, client = admin): Promise<Page<Item>> => {
    const url = path.replace(/:(\w+)/g, (_, name: string) => encodeURIComponent(names[action]?.[name] ?? ""));
    const more = Object.entries(page).map(([name, value]) => `${name}=${encodeURIComponent(value)}`);
    return client.read(`${url}?${[query, ...more].filter(Boolean).join("&")}`);
  };
  const idsOf = ({ data }: Page<Item>) => data.map((item) => item.id ?? item.handle ?? JSON.stringify(item));

  async function ask(path: string, body: object): Promise<{ id: string }> {
    const answer = await admin.post(path, body, { "idempotency-key": crypto.randomUUID() });
    if (answer.status >= 300) throw new Error(`${path}: ${answer.status} ${answer.text}`);
    return answer.body;
  }

  /** One more of everything that is listed anywhere. */
  async function grow(n: number): Promise<Record<"order" | "endpoint", string>> {
    const variants = [{ sku: `MUG-${n}`, price: { amount: 1900 - (n % 3) * 100, currency: "EUR" } }];
    const categories = [n % 2 ? "odd" : "even", `shelf-${n}`];
    await ask("/v1/admin/products", { title: `A mug of kind ${n % 4}`, categories, variants });
    await ask(`/v1/admin/inventory/${SKU}/adjustments`, { delta: 5, reason: "delivery" });
    await ask("/v1/auth/register", { email: `buyer${n}@example.com`, password: "seven salty sardines" });
    const endpoint = await ask(ENDPOINTS, { url: receiver.url, eventTypes: ["order.canceled"] });
    await ask(`${ENDPOINTS}/${names["notifications.webhookDeliveries"]?.id ?? endpoint.id}/test`, {});
    const order = await ask("/v1/orders", anOrder("tok_visa", 1, SKU));
    await park(shop, `LETTER-${n}`, n);
    const wrong = { check: "stuck_orders", about: [order.id], found: "pending", expected: "confirmed" };
    const remedy = { action: "orders.wake", params: { id: order.id } } as const;
    const repair = { id: realWorld.id("rep"), at: "2026-01-01T00:00:00.000Z", by: "somebody" };
    await kept<KeptRepair>(shop, "doctor", "repairs").insert(begun({ ...wrong, remedy }, repair));
    return { order: order.id, endpoint: endpoint.id };
  }

  beforeAll(async () => {
    names = {};
    receiver = await openReceiver();
    shop = await openShop({ env: { DOCTOR_EVERY_MINUTES: "0", WEBHOOK_ALLOW: receiver.place } });
    admin = await adminOf(shop.url);
    const first = await grow(0);
    names = {
      "orders.events": { id: first.order },
      "inventory.movements": { sku: SKU },
      "notifications.webhookDeliveries": { id: first.endpoint },
    };
    for (const n of [1, 2, 3, 4]) await grow(n);
    await drained(admin);
    for (const list of asked) before.set(list, await read(list, { limit: 100, cursors: true }));
    for (const n of [5, 6]) await grow(n);
    await drained(admin);
  });
  afterAll(async () => {
    await shop?.close();
    await receiver?.close();
  });

  test.each(asked)("$action $query: leads to what is behind it by now, and there alone", async (list) => {
    const then = before.get(list) as Page<Item>;
    const whole = await read(list, { limit: 100, cursors: true });
    const now = idsOf(whole);
    expect(then.data.length).toBeGreaterThan(2);
    expect(then.cursors).toHaveLength(then.data.length);
    expect(new Set(now).size).toBe(now.length);
    for (const [place, id] of idsOf(then).entries()) {
      const page = await read(list, { limit: 100, cursor: then.cursors?.[place], cursors: true });
      const behind = now.indexOf(id) + 1;
      expect(behind).toBeGreaterThan(0);
      expect(idsOf(page)).toEqual(now.slice(behind));
      expect(page.cursors).toEqual(whole.cursors?.slice(behind));
      expect(page.nextCursor).toBeNull();
    }
  });

  test.each(asked)("$action $query: of a page's last item it is the one that the page names", async (list) => {
    const whole = await read(list, { limit: 100, cursors: true });
    const page = await read(list, { limit: 2, cursors: true });
    expect(page.cursors).toEqual(whole.cursors?.slice(0, 2));
    expect(page.nextCursor).toBe(page.cursors?.[1]);
    for (const plain of [await read(list, { limit: 2 }), await read(list, { limit: 2, cursors: false })]) {
      expect(Object.keys(plain)).toEqual(["data", "nextCursor"]);
      expect([idsOf(plain), plain.nextCursor]).toEqual([idsOf(page), page.nextCursor]);
    }
  });

  test("a list that has nothing for who asks has none, and only yes or no says whether they are wanted", async () => {
    const guest = new Client(shop.url);
    expect(await guest.read("/v1/products?status=draft&cursors=true")).toEqual({
      data: [],
      nextCursor: null,
      cursors: [],
    });
    for (const value of ["1", "yes", "", "true&cursors=true"])
      expect((await guest.get(`/v1/products?cursors=${value}`)).status).toBe(422);
  });

  test("products in an order in which only their cursors have changed are not shown with the old ones", async () => {
    const list: List = { action: "catalog.list", path: "/v1/products", query: "q=kind+1" };
    const then = await read(list, { cursors: true });
    // What is found by a word counts the more the fewer have it.
    await ask("/v1/admin/products", { title: "A plate", variants: [{ price: { amount: 1, currency: "EUR" } }] });
    const now = await read(list, { cursors: true });
    expect(idsOf(now)).toEqual(idsOf(then));
    expect(now.cursors).not.toEqual(then.cursors);
    expect(await read(list, {})).not.toHaveProperty("cursors");
  });
});
