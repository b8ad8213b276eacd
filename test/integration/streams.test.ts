import type { Socket } from "node:net";
import type { Collection } from "../../mixins/collection.ts";
import { type KeptEntry, type NewEntry, numbered } from "../../services/notifications/entry.ts";
import { realWorld, type World } from "../../services/shared/world.ts";
import { adminOf, anOrder, Client, stockMugs, until } from "../client.ts";
import { Listener } from "../listener.ts";
import { openShop, type ShopOptions } from "../shop.ts";

const admin = { email: "admin@lonja.test", password: "correct horse battery" };
const bearer = (token: string) => ({ authorization: `Bearer ${token}` });

/** A shop whose clock can be set ahead. */
async function open(options: ShopOptions = {}) {
  let aheadMs = 0;
  const world: World = { ...realWorld, now: () => realWorld.now() + aheadMs };
  const shop = await openShop({ world, ...options, env: { DOCTOR_EVERY_MINUTES: "0", ...options.env } });
  const guest = new Client(shop.url);
  const boss = await adminOf(shop.url);
  await stockMugs(boss, 1_000);
  const tokenOf = async ({ email, password }: typeof admin): Promise<string> =>
    (await guest.post("/v1/auth/login", { email, password })).body.accessToken;
  const listeners: Listener[] = [];
  return {
    shop,
    guest,
    boss,
    tokenOf,
    leap: (ms: number) => void (aheadMs += ms),
    async listen(path: string, headers: Record<string, string> = {}) {
      const listener = await Listener.open(`${shop.url}${path}`, headers);
      listeners.push(listener);
      return listener;
    },
    async close() {
      for (const listener of listeners) listener.drop();
      await shop.close();
    },
  };
}

describe("following an order", () => {
  let town: Awaited<ReturnType<typeof open>>;
  beforeAll(async () => void (town = await open()));
  afterAll(() => town.close());

  test("a guest hears what has happened, then what happens, and all of it once", async () => {
    const { guest, listen } = town;
    const { id, guestToken, payment } = (await guest.buy(anOrder("tok_3ds"))).body;
    const stream = `/v1/orders/${id}/stream`;
    const listener = await listen(stream, { "x-guest-token": guestToken });
    expect(listener.response.headers).toMatchObject({
      "content-type": "text/event-stream",
      "cache-control": "no-store",
      "x-accel-buffering": "no",
      "x-content-type-options": "nosniff",
      connection: "close",
    });
    await listener.got(3);
    expect(listener.heard.map(({ type }) => type)).not.toContain("confirmed");
    expect(listener.retryMs).toBe(2_000);

    await guest.post(`/v1/sandbox/charges/${payment.nextAction.url.split("/").at(-1)}/confirm`, { approve: true });
    await until(
      async () => listener.heard,
      (heard) => heard.some(({ type }) => type === "confirmed"),
    );
    const path = `/v1/orders/${id}/events`;
    const timeline = () => guest.get(`${path}?limit=100`, { "x-guest-token": guestToken });
    await until(timeline, ({ body }) => body.data.length === listener.heard.length);
    expect(listener.heard.map(({ data }) => data)).toEqual((await timeline()).body.data);
    expect(listener.heard.every(({ type, data }) => type === data.type)).toBe(true);

    // From any of them it goes on, by header or by query, as the list does.
    for (const [at, cursor] of listener.ids.entries()) {
      const rest = listener.ids.slice(at + 1);
      const [again, elsewhere] = [
        await listen(stream, { "x-guest-token": guestToken, "last-event-id": cursor }),
        await listen(`${stream}?token=${guestToken}&cursor=${cursor}`),
      ];
      expect([(await again.got(rest.length)).map(({ id }) => id), again.ids]).toEqual([rest, rest]);
      expect((await elsewhere.got(rest.length)).map(({ id }) => id)).toEqual(rest);
    }
  });

  test("whoever comes again says what came last, whatever their address says", async () => {
    const { guest, listen } = town;
    const { id, guestToken } = (await guest.buy(anOrder())).body;
    const headers = { "x-guest-token": guestToken };
    const [, second] = await (await listen(`/v1/orders/${id}/stream`, headers)).got(3);
    const again = await listen(`/v1/orders/${id}/stream?cursor=t1`, { ...headers, "last-event-id": second?.id ?? "" });
    expect((await again.got(1))[0]?.id).toBe("t3");
  });

  test("a stranger is told that there is no such order, as for one that there is not, also while its buyer listens", async () => {
    const { guest, listen } = town;
    const { id, guestToken } = (await guest.buy(anOrder())).body;
    const account = { email: "bea@lonja.test", password: "seven salty sardines", name: "Bea" };
    const bea = (await guest.post("/v1/auth/register", account)).body;
    const strangers: Record<string, string>[] = [{}, { "x-guest-token": "made.up" }, bearer(bea.accessToken)];
    for (const path of [`/v1/orders/${id}/stream`, "/v1/orders/ord_0123456789abcdefghjkmnpqrs/stream"]) {
      // All ask for the same at the same moment: what is asked once for many is asked for one and the same person.
      const buyer = listen(path, { "x-guest-token": guestToken }).catch((error) => error);
      const refused = await Promise.all(strangers.map((who) => listen(path, who).catch((error) => error)));
      expect(refused.map(({ status, body }) => [status, JSON.parse(body).code])).toEqual(
        strangers.map(() => [404, "not_found"]),
      );
      expect((await buyer).status).toBe(path.includes(id) ? 200 : 404);
    }
  });

  test.each([
    ["an id that no event has had", "", { "last-event-id": "nonsense" }],
    ["an id of another list", "", { "last-event-id": "1.evt_0123456789abcdefgh" }],
    ["an id of an event that has not happened", "", { "last-event-id": "t999" }],
    ["a cursor that is none", "&cursor=nonsense", {}],
    ["an id that is too long", "", { "last-event-id": "t".repeat(600) }],
    ["how much comes at once", "&limit=5", {}],
    ["cursors", "&cursors=true", {}],
    ["what nobody knows", "&what=ever", {}],
  ])("%s is bad input, and no stream", async (_what, query, headers) => {
    const { guest, listen } = town;
    const { id, guestToken } = (await guest.buy(anOrder())).body;
    const refused = await listen(`/v1/orders/${id}/stream?token=${guestToken}${query}`, headers as never).catch(
      (error) => error,
    );
    expect([refused.status, JSON.parse(refused.body).code]).toEqual([422, "invalid_input"]);
  });

  test("a look at the head of a stream opens none, and no other method is known there", async () => {
    const { guest, boss } = town;
    const { id, guestToken } = (await guest.buy(anOrder())).body;
    const path = `/v1/orders/${id}/stream?token=${guestToken}`;
    const head = await guest.send("HEAD", path);
    expect([head.status, head.headers.get("content-type"), head.text]).toEqual([200, "text/event-stream", ""]);
    const post = await guest.post(path);
    expect([post.status, post.headers.get("allow")]).toEqual([405, "GET, HEAD"]);
    expect((await boss.get("/metrics")).text).not.toMatch(/lonja_streams_ended_total\{why="(?!left)/);
  });
});

describe("following the shop", () => {
  let town: Awaited<ReturnType<typeof open>>;
  beforeEach(async () => void (town = await open()));
  afterEach(() => town.close());
  const events = "/v1/admin/events";

  test("staff see what has happened, oldest first, and hear what happens", async () => {
    const { guest, boss, listen, tokenOf } = town;
    const listener = await listen(`${events}/stream`, bearer(await tokenOf(admin)));
    const order = (await guest.buy(anOrder())).body;
    await listener.got(3);
    const list = await boss.all<{ id: string; type: string; at: string; data: object }>(events);
    expect(listener.heard.map(({ data }) => data)).toEqual(list);
    expect(list.map(({ type }) => type).toSorted()).toEqual([
      "order.confirmed",
      "payment.authorized",
      "payment.captured",
    ]);
    expect(list.find(({ type }) => type === "order.confirmed")?.data).toEqual({
      order: {
        id: order.id,
        number: order.number,
        status: "confirmed",
        paymentStatus: order.paymentStatus,
        totals: order.totals,
      },
    });
    expect(list.find(({ type }) => type === "payment.captured")?.data).toMatchObject({
      payment: { orderId: order.id, status: "captured" },
    });
    expect(JSON.stringify(list)).not.toMatch(/ada@example\.com|Quay Street/);
  });

  test("page by page and behind any event it is the same list", async () => {
    const { guest, boss } = town;
    for (let n = 0; n < 3; n++) await guest.buy(anOrder());
    const whole = await until(
      () => boss.read<{ data: object[]; cursors: string[] }>(`${events}?limit=100&cursors=true`),
      ({ data }) => data.length === 9,
    );
    expect(whole.data).toHaveLength(9);
    for (const [at, cursor] of whole.cursors.entries()) {
      const page = await boss.read<{ data: object[]; nextCursor: string | null }>(`${events}?limit=2&cursor=${cursor}`);
      expect(page.data).toEqual(whole.data.slice(at + 1, at + 3));
      expect(page.nextCursor).toBe(at + 3 < 9 ? whole.cursors[at + 2] : null);
    }
  });

  test("who wants only what comes from now on begins with that", async () => {
    const { guest, boss, listen, tokenOf, leap } = town;
    await guest.buy(anOrder());
    await until(
      () => boss.all(events),
      (all) => all.length === 3,
    );
    leap(60_000);
    const since = new Date(realWorld.now() + 30_000).toISOString();
    const listener = await listen(`${events}/stream?since=${since}`, bearer(await tokenOf(admin)));
    const { id } = (await guest.buy(anOrder())).body;
    const heard = await listener.got(3);
    expect(heard.map(({ data }) => data.data.order?.id ?? data.data.payment.orderId)).toEqual([id, id, id]);
    expect((await boss.read<{ data: object[] }>(`${events}?since=${since}`)).data).toEqual(
      heard.map(({ data }) => data),
    );
  });

  test("is for staff alone, and for as long as they are staff", async () => {
    const { guest, boss, listen, tokenOf, leap } = town;
    const cleo = { email: "cleo@lonja.test", password: "seven salty sardines" };
    const { user, accessToken } = (await guest.post("/v1/auth/register", { ...cleo, name: "Cleo" })).body;
    const refused = await Promise.all(
      [{}, bearer(accessToken)].map((who) => listen(`${events}/stream`, who as never).catch(({ status }) => status)),
    );
    expect(refused).toEqual([401, 403]);

    await boss.send("PATCH", `/v1/admin/users/${user.id}`, { role: "staff" });
    const [hers, bosss] = [
      await listen(`${events}/stream`, bearer(await tokenOf(cleo))),
      await listen(`${events}/stream`, bearer(await tokenOf(admin))),
    ];
    leap(16_000);
    await hers.beaten(1);
    await boss.send("PATCH", `/v1/admin/users/${user.id}`, { role: "customer" });
    leap(16_000);
    await hers.ended;
    await bosss.beaten(2);
    await guest.buy(anOrder());
    expect([(await bosss.got(3)).length, hers.heard.length]).toEqual([3, 0]);
  });

  test("a silent stream has a heartbeat, and ends when it is old, or when its token ends", async () => {
    const { guest, listen, tokenOf, leap } = town;
    const { id, guestToken } = (await guest.buy(anOrder())).body;
    const asGuest = await listen(`/v1/orders/${id}/stream?token=${guestToken}`);
    const token = bearer(await tokenOf(admin));
    leap(300_000);
    const asStaff = await listen(`${events}/stream`, token);
    await asGuest.beaten(1);
    leap(16_000);
    await asGuest.beaten(2);
    await asStaff.beaten(1);
    // Ten minutes after the sign-in, and five after the stream was opened.
    leap(290_000);
    await asStaff.ended;
    await asGuest.ended;
    const again = await listen(`/v1/orders/${id}/stream?token=${guestToken}`, {
      "last-event-id": asGuest.lastId ?? "",
    });
    leap(16_000);
    await again.beaten(1);
    expect(again.heard).toEqual([]);
  });

  test("all streams end as soon as the gateway is to stop, and hold up nothing", async () => {
    const { shop, guest, listen, tokenOf } = town;
    const { id, guestToken } = (await guest.buy(anOrder())).body;
    const listeners = [
      await listen(`/v1/orders/${id}/stream?token=${guestToken}`),
      await listen(`${events}/stream`, bearer(await tokenOf(admin))),
    ];
    await listeners[0]?.got(3);
    const order: string[] = [];
    const ended = Promise.all(listeners.map(({ ended }) => ended)).then(() => order.push("ended"));
    const stopped = shop.broker.stop().then(() => order.push("stopped"));
    await Promise.all([ended, stopped]);
    expect(order).toEqual(["ended", "stopped"]);
    expect(listeners.every(({ response }) => response.complete)).toBe(true);
  });

  test("thousands of events are taken in full by somebody who is slow, and whoever stops taking is cut off", async () => {
    const { shop, boss, listen, tokenOf, leap } = town;
    const MANY = 40_000;
    const { entries } = shop.broker.getLocalService("notifications") as unknown as { entries: Collection<KeptEntry> };
    const now = new Date().toISOString();
    const told = (n: number): NewEntry => ({
      id: `evt_${String(n).padStart(26, "0")}`,
      type: "payment.failed",
      at: now,
      data: { payment: paymentOf(n) },
      keptAt: now,
    });
    for (let n = 0; n < MANY; n += 1_000)
      await entries.insertMany(
        numbered(
          Array.from({ length: 1_000 }, (_, more) => told(n + more)),
          { number: n, keptAt: now },
        ),
      );

    const sockets: Socket[] = [];
    const { server } = shop.broker.getLocalService("gateway") as unknown as { server: NodeJS.EventEmitter };
    server.on("connection", (socket: Socket) => sockets.push(socket));
    const slow = await listen(`${events}/stream`, bearer(await tokenOf(admin)));
    slow.response.pause();
    const [socket] = sockets.slice(-1);
    // When the network takes nothing any more, a page of it and no more waits here.
    let [sent, looks] = [0, 0];
    await until(
      async () => socket?.bytesWritten ?? 0,
      (bytes) => {
        looks = bytes === sent ? looks + 1 : 0;
        sent = bytes;
        return looks === 10;
      },
    );
    expect(socket?.writableLength).toBeGreaterThan(0);
    expect(socket?.writableLength).toBeLessThan(64 * 1_024);
    leap(20_000);
    await until(
      async () => socket?.destroyed,
      (isGone) => isGone === true,
    );
    expect((await boss.get("/metrics")).text).toMatch(/lonja_streams_ended_total\{why="slow"\} 1/);

    slow.response.resume();
    await slow.ended;
    const rest = await listen(`${events}/stream`, {
      ...bearer(await tokenOf(admin)),
      "last-event-id": slow.lastId ?? "",
    });
    const all = [...slow.ids, ...(await rest.got(MANY - slow.heard.length)).map(({ id }) => id)];
    expect(slow.heard.length).toBeLessThan(MANY);
    expect(all.map((id) => Number(id.split(".")[0]))).toEqual(Array.from({ length: MANY }, (_, n) => n + 1));
  });
});

const money = (amount: number) => ({ amount, currency: "EUR" });
const paymentOf = (n: number): NonNullable<KeptEntry["data"]["payment"]> => ({
  paymentId: `pay_${String(n).padStart(26, "0")}`,
  orderId: `ord_${String(n).padStart(26, "0")}`,
  status: "failed",
  amount: money(1_900),
  captured: money(0),
  refunded: money(0),
  version: 1,
  failure: "The card was declined.",
});

test("a stream outlives the service that it asks, and begins only where it can be asked", async () => {
  let isAway = false;
  const town = await open({
    between: {
      localAction: (next, { name }) => {
        if (name !== "orders.events") return next;
        return (ctx) => {
          if (isAway) throw Object.assign(new Error("away"), { name: "ServiceNotAvailableError" });
          return next.call(undefined as never, ctx);
        };
      },
    },
  });
  const { guest, listen } = town;
  const { id, guestToken, payment } = (await guest.buy(anOrder("tok_3ds"))).body;
  const path = `/v1/orders/${id}/stream?token=${guestToken}`;
  const listener = await listen(path);
  await listener.got(2);
  isAway = true;
  await guest.post(`/v1/sandbox/charges/${payment.nextAction.url.split("/").at(-1)}/confirm`, { approve: true });
  expect(await listen(`${path}&cursor=t1`).catch(({ status }) => status)).toBe(503);
  isAway = false;
  await until(
    async () => listener.heard,
    (heard) => heard.some(({ type }) => type === "confirmed"),
  );
  expect(listener.ids).toEqual(listener.ids.map((_, n) => `t${n + 1}`));
  await town.close();
});

test("one network has its share of the streams, and others have theirs", async () => {
  const town = await open({ env: { RATE_LIMIT: "on", TRUSTED_PROXIES: "1" } });
  const { guest, listen } = town;
  const { id, guestToken } = (await guest.buy(anOrder())).body;
  const from = (address: string) =>
    listen(`/v1/orders/${id}/stream?token=${guestToken}`, { "x-forwarded-for": address });
  const [first] = await Promise.all(Array.from({ length: 200 }, () => from("203.0.113.7")));
  expect(await from("203.0.113.7").catch(({ status }) => status)).toBe(429);
  expect((await from("203.0.113.8")).status).toBe(200);
  expect((await guest.get("/v1/products", { "x-forwarded-for": "203.0.113.7" })).status).toBe(200);
  first?.drop();
  const again = await until(
    () => from("203.0.113.7").catch(({ status }) => ({ status })),
    ({ status }) => status === 200,
  );
  expect(again.status).toBe(200);
  await town.close();
});
