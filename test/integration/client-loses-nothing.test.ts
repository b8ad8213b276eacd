import { jest } from "@jest/globals";
import { admin as officeOf } from "../../sdk/src/admin.ts";
import { ConnectionError, inMemory, isRefusal, Lonja, type LonjaOptions, SignedOutError } from "../../sdk/src/index.ts";
import { address, adminOf, anOrder, stockMugs } from "../client.ts";
import { type Mishap, openRoad, type Road } from "../road.ts";
import { openShop, type Shop } from "../shop.ts";

const admin = { email: "admin@lonja.test", password: "correct horse battery" };
const eva = { email: "eva@lonja.test", password: "seven salty sardines" };
const placing = ({ method, path }: { method: string; path: string }) => method === "POST" && path === "/v1/orders";

describe("the client, on a road on which things get lost", () => {
  let shop: Shop;
  let road: Road;

  beforeAll(async () => {
    shop = await openShop({ env: { WEBHOOK_ALLOW: "127.0.0.1:9" } });
    await stockMugs(await adminOf(shop.url), 1_000);
  });
  afterAll(() => shop.close());
  beforeEach(async () => {
    road = await openRoad(shop.url);
  });
  afterEach(() => road.close());

  const clientAt = (url: string, options: Partial<LonjaOptions> = {}) => new Lonja({ url, pauseMs: 2, ...options });
  const client = (options?: Partial<LonjaOptions>) => clientAt(road.url, options);
  const office = async () => {
    const direct = clientAt(shop.url);
    await direct.auth.login(admin);
    return officeOf(direct);
  };
  const ordersOf = async (email: string) => {
    const all = [];
    for await (const order of (await office()).orders.list({ q: email })) all.push(order);
    return all;
  };
  const sent = (path: string) => road.passed.filter((one) => one.path === path);

  test("a purchase is placed exactly once where every second connection breaks after the shop has acted", async () => {
    const email = "often@example.com";
    road.mishap = (n) => (n % 2 ? "lost on the way back" : undefined);
    const orders = [];
    for (let n = 0; n < 10; n++) orders.push(await client().orders.place(anOrder("tok_visa", 1, "MUG", email)));

    expect(orders.map(({ status }) => status)).toEqual(Array(10).fill("confirmed"));
    expect(sent("/v1/orders")).toHaveLength(20);
    expect((await ordersOf(email)).map(({ id }) => id).toSorted()).toEqual(orders.map(({ id }) => id).toSorted());
  });

  const mishaps: Mishap[] = [
    "lost on the way there",
    "lost on the way back",
    "cut short",
    "stuck half way",
    "turned into a page",
    "answered by a proxy",
    "told to come again",
    "never answered",
  ];
  test.each(mishaps)("a purchase that is %s, twice, is placed once", async (mishap) => {
    const email = `${mishap.replaceAll(" ", "-")}@example.com`;
    road.mishap = (n) => (n <= 2 ? mishap : undefined);
    const order = await client({ tryMs: 1_000 }).orders.place(anOrder("tok_visa", 1, "MUG", email));

    expect(road.passed).toHaveLength(3);
    expect(new Set(road.passed.map(({ headers }) => headers["idempotency-key"])).size).toBe(1);
    expect((await ordersOf(email)).map(({ id }) => id)).toEqual([order.id]);
  });

  test("sixty-four at once, each befallen by another two of these, are placed once each", async () => {
    const pairs = mishaps.flatMap((one) => mishaps.map((other) => [one, other]));
    const tried = new Map<string, number>();
    road.mishap = (_n, { body }) => {
      const { email } = JSON.parse(body);
      const tries = tried.get(email) ?? 0;
      tried.set(email, tries + 1);
      return pairs[Number(email.split(/[-@]/)[1])]?.[tries];
    };
    const { data: before } = await (await office()).orders.list({ limit: 1 });
    const buy = (n: number) =>
      client({ tryMs: 2_000 }).orders.place(anOrder("tok_visa", 1, "MUG", `pair-${n}@example.com`));
    const placed = await Promise.all(pairs.map((_pair, n) => buy(n)));
    const kept = [];
    for await (const order of (await office()).orders.list({ limit: 100 })) {
      if (order.id === before[0]?.id) break;
      kept.push(order.id);
    }

    expect([...tried.values()].every((tries) => tries >= 3)).toBe(true);
    expect(kept.toSorted()).toEqual(placed.map(({ id }) => id).toSorted());
  });

  test("a key that was made up for one purchase is not used for the next", async () => {
    const buyer = client();
    const [one, other] = [await buyer.orders.place(anOrder()), await buyer.orders.place(anOrder())];

    expect(one.id).not.toBe(other.id);
  });

  test("where there is no answer in time, the key that the error tells gets it later", async () => {
    const email = "later@example.com";
    const order = anOrder("tok_visa", 1, "MUG", email);
    road.mishap = () => "lost on the way back";
    const error = await client({ budgetMs: 500 })
      .orders.place(order)
      .catch((error) => error);
    expect(error).toBeInstanceOf(ConnectionError);
    expect(sent("/v1/orders").map(({ headers }) => headers["idempotency-key"])).toContain(error.idempotencyKey);

    road.mishap = () => undefined;
    const placed = await client().orders.place(order, { idempotencyKey: error.idempotencyKey });
    expect((await ordersOf(email)).map(({ id }) => id)).toEqual([placed.id]);
  });

  test("what a guest has begun is not said again in the name of the user who signs in meanwhile", async () => {
    const buyer = client();
    await buyer.auth.register({ email: "guest-first@lonja.test", password: eva.password });
    await buyer.auth.logout();
    let signedIn = false;
    road.mishap = (_n, passed) => {
      if (!placing(passed) || signedIn) return undefined;
      signedIn = true;
      return "never answered";
    };
    const placed = buyer.orders.place(anOrder("tok_visa", 1, "MUG", "guest-first@lonja.test"), { tryMs: 500 });
    await buyer.auth.login({ email: "guest-first@lonja.test", password: eva.password });
    const order = await placed;

    expect(order.customerId).toBeNull();
    expect(sent("/v1/orders").map(({ headers }) => headers.authorization)).toEqual([undefined, undefined]);
    expect(await ordersOf("guest-first@lonja.test")).toHaveLength(1);
  });

  test("what a user has begun ends with the session, and is not said again as a guest's", async () => {
    const email = "user-first@lonja.test";
    const buyer = client();
    await buyer.auth.register({ email, password: eva.password });
    road.mishap = (_n, passed) => (placing(passed) ? "lost on the way there" : undefined);
    const order = buyer.orders.place(anOrder("tok_visa", 1, "MUG", email), { pauseMs: 200 });
    const told = order.catch((error) => error);
    while (sent("/v1/orders").length === 0) await new Promise((resolve) => setTimeout(resolve, 1));
    await buyer.auth.logout();
    road.mishap = () => undefined;

    expect(await told).toBeInstanceOf(SignedOutError);
    expect(await ordersOf(email)).toEqual([]);
  });

  test("what was refused on its merits is asked once", async () => {
    const buyer = client();
    await expect(buyer.orders.place(anOrder("tok_declined"))).rejects.toMatchObject({ code: "payment_declined" });
    await expect(buyer.orders.place(anOrder("tok_visa", 5_000))).rejects.toMatchObject({ code: "insufficient_stock" });
    await expect(buyer.orders.get("ord_0000000000000000")).rejects.toMatchObject({ code: "not_found" });
    await expect(buyer.me.get()).rejects.toMatchObject({ code: "unauthenticated" });

    expect(road.passed).toHaveLength(4);
  });

  test("a refusal says what is wrong, and how much there is", async () => {
    const error = await client()
      .orders.place(anOrder("tok_visa", 5_000))
      .catch((error: unknown) => error);

    if (!isRefusal(error, "insufficient_stock")) throw error;
    expect(error).toMatchObject({ status: 409, tries: 1, requestId: expect.stringMatching(/./) });
    expect(error.errors[0]).toMatchObject({ sku: "MUG", requested: 5_000, available: expect.any(Number) });
    expect(isRefusal(error, "payment_declined")).toBe(false);
  });

  test("a shop that wants to be asked later than anybody waits is not waited for", async () => {
    const problem = { code: "unavailable", status: 503, type: "", title: "", detail: "", requestId: "" };
    const busy = clientAt("http://shop.test", {
      fetch: async () =>
        new Response(JSON.stringify(problem), {
          status: 503,
          headers: { "content-type": "application/problem+json", "retry-after": "3600" },
        }),
    });

    await expect(busy.products.list()).rejects.toMatchObject({
      code: "unavailable",
      retryAfterMs: 3_600_000,
      tries: 1,
    });
  });

  test("a change is not said again when its answer was lost, and is where it was never heard", async () => {
    const user = client();
    await user.auth.register({ email: "changing@lonja.test", password: eva.password });
    const from = road.passed.length;
    road.mishap = (n) => (n === from + 1 ? "lost on the way back" : n === from + 2 ? "told to come again" : undefined);
    await expect(user.me.update({ name: "Eva" })).rejects.toThrow(ConnectionError);
    expect(road.passed).toHaveLength(from + 1);

    expect(await user.me.update({ name: "Eve" })).toMatchObject({ name: "Eve", version: 3 });
    expect(road.passed).toHaveLength(from + 3);
  });

  test("what was deleted stays deleted, also where the answer was lost", async () => {
    const staff = client();
    await staff.auth.login(admin);
    const { webhookEndpoints } = officeOf(staff);
    const { id } = await webhookEndpoints.create({
      url: "http://127.0.0.1:9/hook",
      eventTypes: ["order.confirmed"],
    });
    const from = road.passed.length;
    road.mishap = (n) => (n === from + 1 ? "lost on the way back" : undefined);

    await expect(webhookEndpoints.delete(id)).resolves.toBeUndefined();
    expect(road.passed).toHaveLength(from + 2);
    await expect(webhookEndpoints.delete(id)).rejects.toMatchObject({ code: "not_found" });
  });

  test("a call that is aborted ends between two tries, with the reason, however long the pause", async () => {
    // No pause ends by itself, as no time passes.
    jest.useFakeTimers();
    try {
      const controller = new AbortController();
      const reason = new Error("The buyer has left.");
      const fetch = async () => {
        setTimeout(() => controller.abort(reason), 1);
        throw new TypeError("fetch failed");
      };
      const asked = clientAt("http://shop.test", { fetch, pauseMs: 3_000 }).products.list({}, controller);
      const told = expect(asked).rejects.toBe(reason);
      await jest.advanceTimersByTimeAsync(1_000);
      await told;
    } finally {
      jest.useRealTimers();
    }
  });

  test("all items of a list come once each, however many pages and lost answers", async () => {
    const staff = clientAt(shop.url);
    await staff.auth.login(admin);
    for (let n = 0; n < 45; n++)
      await officeOf(staff).products.create({
        title: `Plate ${n}`,
        categories: ["plates"],
        variants: [{ sku: `PLATE-${n}`, price: { amount: 900, currency: "EUR" } }],
      });
    road.mishap = (n) => (n % 2 ? "lost on the way back" : undefined);
    const skus = [];
    for await (const { variants } of client().products.list({ category: "plates", limit: 10 }))
      skus.push(variants[0]?.sku);

    expect(skus.toSorted()).toEqual(Array.from({ length: 45 }, (_none, n) => `PLATE-${n}`).toSorted());
    expect(road.passed.length).toBe(10);
    expect((await client().products.list({ category: "plates" })).data).toHaveLength(20);
  });

  test("twenty who find their token ended are renewed by one request", async () => {
    const session = inMemory();
    const user = client({ session });
    await user.auth.register({ email: "ended@lonja.test", password: eva.password });
    const good = await session.get();
    await session.set(good && { ...good, accessToken: `${good.accessToken.slice(0, -4)}AAAA` });
    road.mishap = (_n, { path }) =>
      path === "/v1/auth/refresh" && sent(path).length === 1 ? "lost on the way back" : undefined;
    const all = await Promise.all(Array.from({ length: 20 }, () => user.me.get()));

    expect(new Set(all.map(({ email }) => email))).toEqual(new Set(["ended@lonja.test"]));
    expect(sent("/v1/auth/refresh")).toHaveLength(2);
    expect(new Set(sent("/v1/auth/refresh").map(({ headers }) => headers["idempotency-key"])).size).toBe(1);
    expect(await session.get()).not.toEqual(good);
  });

  test("two windows that share a store are renewed at the same time, and both stay signed in", async () => {
    const session = inMemory();
    const windows = [client({ session }), client({ session })] as const;
    await windows[0].auth.register({ email: "windows@lonja.test", password: eva.password });
    for (let round = 0; round < 3; round++) {
      const kept = await session.get();
      await session.set(kept && { ...kept, expiresAt: 0 });
      const all = await Promise.all(windows.flatMap((one) => [one.me.get(), one.me.get(), one.me.get()]));

      expect(new Set(all.map(({ email }) => email))).toEqual(new Set(["windows@lonja.test"]));
    }
  });

  test("a session that the shop has ended is over here as well, and its purchase is nobody's", async () => {
    const session = inMemory();
    const user = client({ session });
    const { refreshToken } = await user.auth.register({ email: "over@lonja.test", password: eva.password });
    await shop.call("users.logout", { refreshToken });
    const kept = await session.get();
    await session.set(kept && { ...kept, expiresAt: 0 });

    await expect(user.orders.place(anOrder("tok_visa", 1, "MUG", "over@lonja.test"))).rejects.toThrow(SignedOutError);
    expect(await session.get()).toBeUndefined();
    expect(await ordersOf("over@lonja.test")).toEqual([]);
  });

  test("whoever signs out where the shop cannot be told is signed out here", async () => {
    const session = inMemory();
    const user = client({ session });
    await user.auth.register({ email: "leaving@lonja.test", password: eva.password });
    road.mishap = () => "lost on the way there";

    await expect(user.auth.logout({ budgetMs: 100 })).rejects.toThrow(ConnectionError);
    expect(await session.get()).toBeUndefined();
  });

  test.each(["", ".", ".."])("an id %j would name another path, and is not sent", async (id) => {
    expect(() => client().orders.get(id)).toThrow(TypeError);
    expect(road.passed).toEqual([]);
  });

  test("a name with a slash and a space stays one part of the path", async () => {
    await expect(client().products.get("../admin/users?x=1 2")).rejects.toMatchObject({ code: "not_found" });
    expect(road.passed[0]?.path).toBe("/v1/products/..%2Fadmin%2Fusers%3Fx%3D1%202");
  });

  test("what staff can do is done in the name of who is signed in", async () => {
    const staff = client();
    await staff.auth.login(admin);
    const { inventory, payments, users } = officeOf(staff);
    const before = await inventory.get("MUG");
    const after = await inventory.adjust("MUG", { delta: 5, reason: "delivery" });
    const order = await staff.orders.place({ ...anOrder(), shippingAddress: address });
    const refunded = await payments.refund(order.payment?.id ?? "", { amount: 100, reason: "a scratch" });

    expect(after.onHand).toBe(before.onHand + 5);
    expect(refunded.refunded.amount).toBe(100);
    expect((await users.list({ role: "admin" })).data.map(({ email }) => email)).toEqual([admin.email]);
  });
});
