import { cpSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Webhook } from "standardwebhooks";
import { Compile } from "typebox/compile";
import { Secrets } from "../../repl/secrets.ts";
import type { ServiceName } from "../../services/contracts.ts";
import { bodyOf, type EventType, type NewWebhookEndpoint } from "../../services/notifications/webhooks.contract.ts";
import { realWorld, type World } from "../../services/shared/world.ts";
import { anOrder as aConfirmedOrder } from "../an-order.ts";
import { adminOf, anOrder, Client, stockMugs, until } from "../client.ts";
import { openStores, packed, unpacked } from "../moving.ts";
import { type Answering, ok, openReceiver, type Receiver, status } from "../receiver.ts";
import { openShop, type Shop } from "../shop.ts";
import { VirtualWorld } from "../virtual-world.ts";

const HOUR = 3_600_000;
const PATH = "/v1/admin/webhook-endpoints";

const folder = mkdtempSync(join(tmpdir(), "lonja-webhooks-"));
const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).toReversed()) await close();
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function receivers(many: number, answer: Answering = ok): Promise<Receiver[]> {
  const opened = await Promise.all(Array.from({ length: many }, () => openReceiver(answer)));
  closing.push(...opened.map(({ close }) => close));
  return opened;
}
const receiverOf = async (answer: Answering = ok): Promise<Receiver> => (await receivers(1, answer))[0] as Receiver;

/** The real world, but its time runs faster. */
function hastyWorld(factor: number): World {
  const start = realWorld.now();
  const after: World["after"] = (ms, then) => realWorld.after(ms / factor, then);
  return { ...realWorld, now: () => Math.round(start + (realWorld.now() - start) * factor), after };
}

interface Opened {
  services?: ServiceName[];
  world?: World;
  dataDir?: string;
}

/** Notifications, and a door to them, that may send to these receivers. */
async function open(to: readonly Receiver[], { services, world, dataDir }: Opened = {}): Promise<Shop> {
  const shop = await openShop({
    services: services ?? ["notifications"],
    dataDir: dataDir ?? mkdtempSync(join(folder, "shop-")),
    env: { WEBHOOK_ALLOW: to.map(({ place }) => place).join(",") },
    ...(world ? { world } : {}),
  });
  closing.push(shop.close);
  return shop;
}
const withDoor: ServiceName[] = ["gateway", "users", "notifications"];

const register = (shop: Shop, { url }: { url: string }, eventTypes: EventType[] = ["order.confirmed"]) =>
  shop.call("notifications.addWebhookEndpoint", { url, eventTypes });
const eventId = (n: number) => `evt_${String(n).padStart(26, "0")}`;
const hear = (shop: Shop, n: number, order = aConfirmedOrder({ id: `ord_${1_000_000_000 + n}` })) =>
  shop.call("notifications.hear", {
    id: eventId(n),
    type: "orders.confirmed",
    at: "2026-01-01T12:00:00.000Z",
    subject: order.id,
    data: { order, reason: null },
  });
const deliveriesOf = async (shop: Shop, id: string) =>
  (await shop.call("notifications.webhookDeliveries", { id, limit: 100 })).data;
const untilAll = (shop: Shop, id: string, wanted: string, many = 1) =>
  until(
    () => deliveriesOf(shop, id),
    (all) => all.length >= many && all.every(({ status }) => status === wanted),
  );
/** The oldest of them, whole. */
const firstOf = async (shop: Shop, id: string) => {
  const first = (await deliveriesOf(shop, id)).at(-1);
  if (!first) throw new Error("there is no delivery");
  return shop.call("notifications.webhookDelivery", { id, deliveryId: first.id });
};

/** Waits until what came of so many tries is noted, and answers when the next one is. */
const untilTried = async (shop: Shop, id: string, tries: number): Promise<string | null> => {
  const noted = await until(
    () => firstOf(shop, id),
    ({ attempts }) => attempts.length === tries,
  );
  expect(noted.attempts).toHaveLength(tries);
  return noted.nextTryAt;
};

describe("webhooks of a whole shop", () => {
  test("a purchase, its refund and a cancellation are told, signed, with what is public and nothing else", async () => {
    const receiver = await receiverOf();
    const shop = await openShop({ env: { WEBHOOK_ALLOW: receiver.place } });
    closing.push(shop.close);
    const admin = await adminOf(shop.url);
    await stockMugs(admin, 10);
    const eventTypes: EventType[] = [
      "order.confirmed",
      "order.canceled",
      "payment.authorized",
      "payment.captured",
      "payment.partially_refunded",
      "payment.refunded",
    ];
    const made = await admin.post(PATH, { url: receiver.url, eventTypes });
    expect(made.status).toBe(201);

    const { body: first } = await new Client(shop.url).buy(anOrder());
    const { body: second } = await new Client(shop.url).buy(anOrder());
    await receiver.got(6);
    const refund = { amount: 500, reason: "a scratch" };
    expect((await admin.post(`/v1/admin/payments/${first.payment.id}/refunds`, refund)).status).toBe(201);
    expect((await admin.post(`/v1/orders/${second.id}/cancel`, { reason: "too late" })).status).toBe(200);
    await receiver.got(9);

    const verifier = new Webhook(made.body.secret);
    const told = receiver.received.map(({ body, headers }) => verifier.verify(body, headers as never)) as {
      type: EventType;
      timestamp: string;
      // biome-ignore lint/suspicious/noExplicitAny: what it holds is what the test is about.
      data: any;
    }[];
    for (const one of told) expect(Compile(bodyOf(one.type)).Errors(one)).toEqual([]);
    const typesOf = (id: string) =>
      told
        .filter(({ data }) => (data.order?.id ?? data.payment.orderId) === id)
        .map(({ type }) => type)
        .toSorted();
    expect(typesOf(first.id)).toEqual([
      "order.confirmed",
      "payment.authorized",
      "payment.captured",
      "payment.partially_refunded",
    ]);
    expect(typesOf(second.id)).toEqual([
      "order.canceled",
      "order.confirmed",
      "payment.authorized",
      "payment.captured",
      "payment.refunded",
    ]);
    const { guestToken, ...order } = first;
    const confirmed = told.find(({ type, data }) => type === "order.confirmed" && data.order.id === first.id);
    expect(confirmed?.data.order).toMatchObject({ id: order.id, lines: order.lines, totals: order.totals });
    expect(JSON.stringify(receiver.received)).not.toMatch(/tok_visa|guestToken/);
    expect(JSON.stringify(receiver.received)).not.toContain(guestToken);
    expect(new Set(receiver.received.map(({ headers }) => headers["webhook-id"])).size).toBe(9);

    const shown = await until(
      () => admin.get(`${PATH}/${made.body.id}`),
      ({ body }) => body.waiting === 0,
    );
    expect(shown.body).toMatchObject({ waiting: 0, dead: 0, enabled: true });
    expect((await admin.get("/metrics")).text).toMatch(
      /^lonja_webhooks_waiting 0$[\s\S]*^lonja_webhooks_dead 0$[\s\S]*^lonja_webhook_endpoints_disabled 0$/m,
    );
  });
});

describe("the endpoints of webhooks", () => {
  let receiver: Receiver;
  let shop: Shop;
  let admin: Client;
  beforeEach(async () => {
    receiver = await receiverOf();
    shop = await open([receiver], { services: withDoor });
    admin = await adminOf(shop.url);
  });
  const wanted = (different: object = {}) => ({ url: receiver.url, eventTypes: ["order.confirmed"], ...different });
  const withKey = (key: string) => ({ "idempotency-key": key });

  test("the secret is shown to who registers, and never again", async () => {
    const { status, body } = await admin.post(PATH, wanted({ description: "ERP" }));
    expect(status).toBe(201);
    expect(body).toMatchObject({ enabled: true, description: "ERP", disabledReason: null, version: 1 });
    expect(body.secret).toMatch(/^whsec_[\w+/]{43}=$/);
    expect(Buffer.from(body.secret.slice(6), "base64")).toHaveLength(32);

    const changed = await admin.send("PATCH", `${PATH}/${body.id}`, { description: "CRM" });
    for (const { text } of [await admin.get(PATH), await admin.get(`${PATH}/${body.id}`), changed]) {
      expect(text).toContain(body.id);
      expect(text).not.toMatch(/whsec_|secret"/);
    }
    const raw = readFileSync(join(shop.folder, "lonja.db-wal"), "latin1");
    expect(raw).toContain(body.secret);
    const secrets = new Secrets({});
    expect(secrets.show(body, false)).not.toContain(body.secret);
    expect(secrets.hide(`it is ${body.secret}.`)).toBe("it is •••.");
  });

  test("registering twice under one key registers once, with one secret, also after the answer was lost", async () => {
    const first = await admin.post(PATH, wanted(), withKey("once"));
    const again = await admin.post(PATH, wanted(), withKey("once"));
    expect(again.text).toBe(first.text);
    expect((await admin.post(PATH, wanted({ description: "x" }), withKey("once"))).body.code).toBe(
      "idempotency_key_reused",
    );
    const meta = { requestKey: "a-digest" };
    const params: NewWebhookEndpoint = { url: receiver.url, eventTypes: ["order.canceled"] };
    const ask = () => shop.call("notifications.addWebhookEndpoint", params, { meta });
    const [one, other] = await Promise.all([ask(), ask()]);
    expect(one).toEqual(other);
    expect((await admin.get(PATH)).body.data).toHaveLength(2);
  });

  test("a change counts for the version that it was made for", async () => {
    const { body } = await admin.post(PATH, wanted());
    const path = `${PATH}/${body.id}`;
    const change = { eventTypes: ["order.canceled"], enabled: false };
    const { headers } = await admin.get(path);
    const ifMatch = { "if-match": headers.get("etag") ?? "" };
    expect((await admin.send("PATCH", path, change, ifMatch)).body).toMatchObject({
      ...change,
      disabledReason: "staff",
      version: 2,
    });
    expect((await admin.send("PATCH", path, { enabled: true }, ifMatch)).status).toBe(412);
    expect((await admin.send("DELETE", path, undefined, ifMatch)).status).toBe(412);
    expect((await admin.send("DELETE", path, undefined, { "if-match": '"2"' })).status).toBe(204);
    for (const [method, suffix] of [
      ["GET", ""],
      ["PATCH", ""],
      ["DELETE", ""],
      ["GET", "/deliveries"],
      ["POST", "/test"],
      ["POST", "/rotate"],
    ] as const)
      expect((await admin.send(method, path + suffix, /GET|DELETE/.test(method) ? undefined : {})).status).toBe(404);
    expect((await admin.get(PATH)).body.data).toEqual([]);
  });

  test("only staff have to do with them", async () => {
    const { body } = await admin.post(PATH, wanted());
    const signUp = { email: "eva@example.com", password: "seven salty sardines" };
    const { body: session } = await new Client(shop.url).post("/v1/auth/register", signUp);
    const customer = new Client(shop.url, { authorization: `Bearer ${session.accessToken}` });
    for (const [method, path] of [
      ["GET", PATH],
      ["POST", PATH],
      ["GET", `${PATH}/${body.id}`],
      ["PATCH", `${PATH}/${body.id}`],
      ["DELETE", `${PATH}/${body.id}`],
      ["POST", `${PATH}/${body.id}/rotate`],
      ["POST", `${PATH}/${body.id}/test`],
      ["GET", `${PATH}/${body.id}/deliveries`],
      ["GET", `${PATH}/${body.id}/deliveries/whd_0000000000000`],
      ["POST", `${PATH}/${body.id}/deliveries/whd_0000000000000/retry`],
    ] as const) {
      const sent = method === "POST" || method === "PATCH" ? wanted() : undefined;
      expect((await new Client(shop.url).send(method, path, sent)).status).toBe(401);
      expect((await customer.send(method, path, sent)).status).toBe(403);
    }
    await admin.send("PATCH", `/v1/admin/users/${session.user.id}`, { role: "staff" });
    const staff = await new Client(shop.url).login(signUp.email, signUp.password);
    expect((await staff.post(PATH, wanted())).status).toBe(201);
  });

  test.each([
    ["an address inside", { url: "https://10.0.0.1/hook" }, "url"],
    ["http", { url: "http://hooks.example.com" }, "url"],
    ["another port of a place that is allowed", { url: "http://127.0.0.1:1/hook" }, "url"],
    ["no URL", { url: "hooks" }, "url"],
    ["no types", { eventTypes: [] }, "eventTypes"],
    ["a type twice", { eventTypes: ["order.confirmed", "order.confirmed"] }, "eventTypes"],
    ["a type that is not there", { eventTypes: ["order.painted"] }, "eventTypes/0"],
    ["the test event", { eventTypes: ["webhook.test"] }, "eventTypes/0"],
    ["a secret of one's own", { secret: "whsec_AAAA" }, "secret"],
    ["a URL without end", { url: `https://hooks.example.com/${"x".repeat(3000)}` }, "url"],
  ])("%s is refused, when it is registered and when it is changed", async (_what, different, path) => {
    const made = await admin.post(PATH, wanted(different));
    expect([made.status, made.body.errors[0].path]).toEqual([422, path]);
    const { body } = await admin.post(PATH, wanted());
    expect((await admin.send("PATCH", `${PATH}/${body.id}`, different)).status).toBe(422);
    expect((await admin.get(`${PATH}/${body.id}`)).body.version).toBe(1);
  });

  test("there are fifty at most, and one that was removed makes room", async () => {
    for (let n = 0; n < 50; n++) expect((await admin.post(PATH, wanted())).status).toBe(201);
    const { status, body } = await admin.post(PATH, wanted());
    expect([status, body.code]).toEqual([409, "invalid_state"]);
    const first = await admin.get(`${PATH}?limit=30`);
    const rest = await admin.get(`${PATH}?limit=30&cursor=${first.body.nextCursor}`);
    expect([first.body.data.length, rest.body.data.length, rest.body.nextCursor]).toEqual([30, 20, null]);
    await admin.send("DELETE", `${PATH}/${first.body.data[0].id}`);
    expect((await admin.post(PATH, wanted())).status).toBe(201);
  });

  test("a test event arrives, whatever the endpoint has chosen, and is listed", async () => {
    const { body: endpoint } = await admin.post(PATH, wanted());
    const { status, body } = await admin.post(`${PATH}/${endpoint.id}/test`);
    expect([status, body.type, body.status]).toEqual([202, "webhook.test", "waiting"]);
    const [received] = await receiver.got(1);
    expect(new Webhook(endpoint.secret).verify(received?.body ?? "", received?.headers as never)).toMatchObject({
      type: "webhook.test",
    });
    const delivered = await until(
      () => admin.get(`${PATH}/${endpoint.id}/deliveries/${body.id}`),
      ({ body }) => body.status === "delivered",
    );
    expect(delivered.body).toMatchObject({
      tries: 1,
      body: received?.body,
      eventId: received?.headers["webhook-id"],
      nextTryAt: null,
      attempts: [{ status: 204, error: null }],
    });
    const list = (status: string) => admin.get(`${PATH}/${endpoint.id}/deliveries?status=${status}`);
    expect((await list("delivered")).body.data).toHaveLength(1);
    expect((await list("dead")).body.data).toEqual([]);
  });

  test("after a rotation what is sent has both signatures; after a leak only the new one", async () => {
    const { body: endpoint } = await admin.post(PATH, wanted());
    const rotate = (given: object) => admin.post(`${PATH}/${endpoint.id}/rotate`, given);
    const { body: rotated } = await rotate({});
    expect(rotated.secret).not.toBe(endpoint.secret);
    expect(Date.parse(rotated.oldSecretUntil) - Date.now()).toBeGreaterThan(23 * HOUR);
    await admin.post(`${PATH}/${endpoint.id}/test`);
    const [both] = await receiver.got(1);
    for (const secret of [endpoint.secret, rotated.secret])
      expect(new Webhook(secret).verify(both?.body ?? "", both?.headers as never)).toMatchObject({});

    const { body: leaked } = await rotate({ oldValidSeconds: 0 });
    expect(leaked.oldSecretUntil).toBeNull();
    await admin.post(`${PATH}/${endpoint.id}/test`);
    const [, one] = await receiver.got(2);
    expect(new Webhook(leaked.secret).verify(one?.body ?? "", one?.headers as never)).toMatchObject({});
    for (const secret of [endpoint.secret, rotated.secret])
      expect(() => new Webhook(secret).verify(one?.body ?? "", one?.headers as never)).toThrow();
  });

  test("a rotation that is repeated under one key rotates once", async () => {
    const { id, secret } = await register(shop, receiver);
    const rotate = () => shop.call("notifications.rotateWebhookSecret", { id }, { meta: { requestKey: "k" } });
    const [one, other] = [await rotate(), await rotate()];
    expect(one.secret).toBe(other.secret);
    expect([one.secret === secret, other.version]).toEqual([false, 2]);
  });
});

describe("deliveries", () => {
  test("a fact that is heard twice, or by two at once, is delivered once to each endpoint that wants it", async () => {
    const [one, other, third] = (await receivers(3)) as [Receiver, Receiver, Receiver];
    const shop = await open([one, other, third]);
    const [a, b, c] = [
      await register(shop, one),
      await register(shop, other, ["order.canceled", "order.confirmed"]),
      await register(shop, third, ["order.canceled"]),
    ];
    await Promise.all([hear(shop, 1), hear(shop, 1), hear(shop, 1)]);
    await untilAll(shop, a.id, "delivered");
    await untilAll(shop, b.id, "delivered");
    await hear(shop, 1);

    for (const { received } of [one, other])
      expect(received.map(({ headers }) => headers["webhook-id"])).toEqual([eventId(1)]);
    expect(await deliveriesOf(shop, c.id)).toEqual([]);
    expect(await deliveriesOf(shop, a.id)).toMatchObject([{ eventId: eventId(1), tries: 1, status: "delivered" }]);
  });

  test("what fails is sent again with the same id and body, and signed anew", async () => {
    const receiver = await receiverOf((response, _received, n) => response.writeHead(n < 3 ? 500 : 200).end("see log"));
    const shop = await open([receiver], { world: hastyWorld(20) });
    const { id, secret } = await register(shop, receiver);
    await hear(shop, 1);
    await untilAll(shop, id, "delivered");

    const { received } = receiver;
    expect(new Set(received.map(({ headers, body }) => `${headers["webhook-id"]} ${body}`)).size).toBe(1);
    expect(new Set(received.map(({ headers }) => headers["webhook-timestamp"])).size).toBe(3);
    for (const { headers } of received) expect(headers["webhook-signature"]).toMatch(/^v1,\S{44}$/);
    expect(secret).not.toBe("");
    expect((await firstOf(shop, id)).attempts).toMatchObject([
      { status: 500, error: "It answered 500.", response: "see log" },
      { status: 500 },
      { status: 200, error: null },
    ]);
  });

  test("72 hours of failure: sixteen tries, then it is dead, and the endpoint is switched off until staff look", async () => {
    const receiver = await receiverOf(status(500));
    const world = new VirtualWorld(5);
    const shop = await open([receiver], { world });
    const { id } = await register(shop, receiver);
    const start = world.now();
    await hear(shop, 1);
    for (let n = 1; n <= 16; n++) {
      const nextTryAt = await untilTried(shop, id, n);
      if (nextTryAt === null) break;
      world.leap(Date.parse(nextTryAt) - world.now() - 1_000);
      await world.run(400);
      expect(receiver.received).toHaveLength(n);
      await world.run(1_200);
    }
    const { status: end, attempts, tries } = await firstOf(shop, id);
    expect([end, tries, receiver.received.length]).toEqual(["dead", 16, 16]);
    const hours = (Date.parse(attempts.at(-1)?.at ?? "") - start) / HOUR;
    expect(hours).toBeGreaterThan(66);
    expect(hours).toBeLessThan(78);

    const shown = () => shop.call("notifications.webhookEndpoint", { id });
    expect(await until(shown, ({ enabled }) => !enabled)).toMatchObject({
      enabled: false,
      disabledReason: "failing",
      dead: 1,
      waiting: 0,
    });
    expect(await shop.call("notifications.webhookBacklog", {})).toEqual({ waiting: 0, dead: 1, disabledEndpoints: 1 });

    // Staff have mended it.
    receiver.answer = ok;
    const [dead] = await deliveriesOf(shop, id);
    const retry = () => shop.call("notifications.retryWebhook", { id, deliveryId: dead?.id ?? "" });
    await expect(retry()).rejects.toMatchObject({ type: "invalid_state" });
    await shop.call("notifications.changeWebhookEndpoint", { id, enabled: true });
    await retry();
    await untilAll(shop, id, "delivered");
    expect(receiver.received.at(-1)?.headers["webhook-id"]).toBe(eventId(1));
    expect(await shown()).toMatchObject({ enabled: true, disabledReason: null, dead: 0 });
  });

  test("an endpoint that takes others is not switched off for one that it never takes", async () => {
    const receiver = await receiverOf((response, { body }) =>
      response.writeHead(body.includes("ord_1000000001") ? 422 : 200).end(),
    );
    const world = new VirtualWorld(6);
    const shop = await open([receiver], { world });
    const { id } = await register(shop, receiver);
    await hear(shop, 1);
    for (let n = 1; n <= 16; n++) {
      const nextTryAt = await untilTried(shop, id, n);
      if (nextTryAt === null) break;
      if (n === 8) await hear(shop, 2);
      world.leap(Date.parse(nextTryAt) - world.now());
      await world.run(600);
    }
    const all = await deliveriesOf(shop, id);
    expect(all.map((one) => [one.eventId, one.status, one.tries])).toEqual([
      [eventId(2), "delivered", 1],
      [eventId(1), "dead", 16],
    ]);
    expect(await shop.call("notifications.webhookEndpoint", { id })).toMatchObject({ enabled: true, dead: 1 });
  });

  test("410 switches the endpoint off; what waits for it waits until staff switch it on again", async () => {
    const receiver = await receiverOf((response, _received, n) => response.writeHead(n === 1 ? 500 : 410).end());
    const shop = await open([receiver], { world: hastyWorld(20) });
    const { id } = await register(shop, receiver);
    await hear(shop, 1);
    await receiver.got(1);
    receiver.answer = status(500);
    await hear(shop, 2);
    await receiver.got(2);
    receiver.answer = status(410);
    await hear(shop, 3);
    const off = await until(
      () => shop.call("notifications.webhookEndpoint", { id }),
      ({ enabled }) => !enabled,
    );
    expect(off).toMatchObject({ disabledReason: "gone" });
    await hear(shop, 4);
    expect((await deliveriesOf(shop, id)).some(({ eventId: one }) => one === eventId(4))).toBe(false);
    expect(off.dead + off.waiting).toBe(3);
    expect(off.dead).toBeGreaterThanOrEqual(1);

    receiver.answer = ok;
    await shop.call("notifications.changeWebhookEndpoint", { id, enabled: true });
    const done = await until(
      () => deliveriesOf(shop, id),
      (all) => all.every(({ status }) => status !== "waiting"),
    );
    expect(done.filter(({ status }) => status === "delivered")).toHaveLength(off.waiting);
  });

  test("a receiver that is busy is left alone for as long as it asks", async () => {
    const receiver = await receiverOf((response, _received, n) =>
      n === 1 ? response.writeHead(429, { "retry-after": "600" }).end() : response.writeHead(204).end(),
    );
    const world = new VirtualWorld(7);
    const shop = await open([receiver], { world });
    const { id } = await register(shop, receiver);
    await hear(shop, 1);
    await untilTried(shop, id, 1);
    await world.run(590_000);
    expect(receiver.received).toHaveLength(1);
    await world.run(20_000);
    await receiver.got(2);
    await untilAll(shop, id, "delivered");
  });

  test("receivers that never answer, with much waiting for them, delay nobody else, and little is under way", async () => {
    const held: { end(): unknown }[] = [];
    const silent = await receivers(4, (response) => void held.push(response));
    const quick = await receiverOf();
    const shop = await open([...silent, quick]);
    for (const one of silent) await register(shop, one);
    for (let n = 1; n <= 60; n++) await hear(shop, n);
    const { id } = await register(shop, quick);
    for (let n = 61; n <= 120; n++) await hear(shop, n);
    await untilAll(shop, id, "delivered", 60);

    expect(quick.received).toHaveLength(60);
    expect(silent.map(({ received }) => received.length)).toEqual([5, 5, 5, 5]);
    expect((await shop.call("notifications.webhookBacklog", {})).waiting).toBe(4 * 120);
    // The shutdown does not wait for them either.
    await closing.pop()?.();
  });

  test("a mass of deliveries that waits for a dead receiver arrives when it is back, each once", async () => {
    const receiver = await receiverOf();
    const world = new VirtualWorld(10);
    const shop = await open([receiver], { world });
    const { id } = await register(shop, receiver);
    await receiver.close();
    await Promise.all(Array.from({ length: 150 }, (_, n) => hear(shop, n + 1)));
    const endpoint = () => shop.call("notifications.webhookEndpoint", { id });
    // Time stands still: each has failed once, and waits for its second try.
    const { hooks } = shop.broker.getLocalService("notifications") as unknown as {
      hooks: { count(where: object): Promise<number> };
    };
    const soon = new Date(world.now() + 10_000).toISOString();
    const failed = await until(
      () => hooks.count({ dueAt: { $gt: new Date(world.now()).toISOString(), $lt: soon } }),
      (many) => many === 150,
    );
    expect(failed).toBe(150);

    const back = await openReceiver(ok, undefined, receiver.port);
    closing.push(back.close);
    world.leap(10_000);
    await world.run(1_000);
    await back.got(150);
    expect((await until(endpoint, ({ waiting }) => waiting === 0)).waiting).toBe(0);
    expect(new Set(back.received.map(({ headers }) => headers["webhook-id"])).size).toBe(150);
    expect(back.received).toHaveLength(150);
  });

  test("what was sent and not noted when the node died is sent again, with the same id", async () => {
    const receiver = await receiverOf(() => {});
    const dataDir = mkdtempSync(join(folder, "shop-"));
    const shop = await open([receiver], { dataDir });
    await register(shop, receiver);
    await hear(shop, 1);
    await receiver.got(1);
    const crashSite = join(folder, "crash-site");
    cpSync(dataDir, crashSite, { recursive: true, filter: (path) => !/-owner|-shm$/.test(path) });

    receiver.answer = ok;
    const late = { ...realWorld, now: () => realWorld.now() + 60_000 };
    const next = await open([receiver], { dataDir: crashSite, world: late });
    const [{ id } = { id: "" }] = (await next.call("notifications.webhookEndpoints", {})).data;
    expect(await untilAll(next, id, "delivered")).toMatchObject([{ tries: 2, eventId: eventId(1) }]);
    expect(new Set(receiver.received.map(({ headers, body }) => `${headers["webhook-id"]} ${body}`)).size).toBe(1);
  });

  test("what waits moves with the shop into another store, and is delivered from there", async () => {
    const receiver = await receiverOf(status(500));
    const from = mkdtempSync(join(folder, "shop-"));
    const shop = await open([receiver], { dataDir: from });
    const { id, secret } = await register(shop, receiver);
    await hear(shop, 1);
    await untilTried(shop, id, 1);
    await closing.pop()?.();
    const [before, after] = [await openStores({ DATA_DIR: from }), await openStores({ DATA_DIR: join(folder, "to") })];
    const { compared } = await unpacked(after.shelves, await packed(before.shelves));
    expect(compared.filter(({ differs }) => differs)).toEqual([]);
    await Promise.all([before.close(), after.close()]);

    receiver.answer = ok;
    const next = await open([receiver], { dataDir: join(folder, "to"), world: hastyWorld(10) });
    await untilAll(next, id, "delivered");
    const last = receiver.received.at(-1);
    expect(last?.headers["webhook-id"]).toBe(eventId(1));
    expect(new Webhook(secret).verify(last?.body ?? "", last?.headers as never)).toMatchObject({});
  });

  test("an endpoint that is removed while a try is under way hears no more, and nothing is left of it", async () => {
    const held: { end(): unknown }[] = [];
    const receiver = await receiverOf((response) => void held.push(response));
    const world = new VirtualWorld(9);
    const shop = await open([receiver], { world });
    const { id } = await register(shop, receiver);
    for (let n = 1; n <= 20; n++) await hear(shop, n);
    await receiver.got(5);
    await shop.call("notifications.removeWebhookEndpoint", { id });
    receiver.answer = ok;
    for (const response of held) response.end();
    const { endpoints, hooks } = shop.broker.getLocalService("notifications") as unknown as Record<
      "endpoints" | "hooks",
      { count(): Promise<number>; get(id: string): Promise<object | undefined> }
    >;
    const left = (in_: typeof hooks) =>
      until(
        () => world.run(600).then(() => in_.count()),
        (left) => left === 0,
      );
    expect(await left(hooks)).toBe(0);
    expect(receiver.received).toHaveLength(5);
    expect(JSON.stringify(await endpoints.get(id))).not.toMatch(/whsec_|127\.0\.0\.1/);
    // For a while it is remembered, for whoever has looked for endpoints just before it was removed.
    world.leap(600_000);
    expect(await left(endpoints)).toBe(0);
  });

  test("what is over is forgotten after 30 days", async () => {
    const receiver = await receiverOf();
    const world = new VirtualWorld(8);
    const shop = await open([receiver], { world });
    const { id } = await register(shop, receiver);
    await hear(shop, 1);
    await untilAll(shop, id, "delivered");
    world.leap(29 * 24 * HOUR);
    await world.run(1_000);
    expect(await deliveriesOf(shop, id)).toHaveLength(1);
    world.leap(25 * HOUR);
    await world.run(1_000);
    expect(
      await until(
        () => deliveriesOf(shop, id),
        (all) => all.length === 0,
      ),
    ).toEqual([]);
    expect(receiver.received).toHaveLength(1);
  });

  test("a delivery of another endpoint is not found", async () => {
    const receiver = await receiverOf();
    const shop = await open([receiver]);
    const [one, other] = [await register(shop, receiver), await register(shop, receiver, ["order.canceled"])];
    await hear(shop, 1);
    const [{ id: deliveryId } = { id: "" }] = await untilAll(shop, one.id, "delivered");
    const asked = { id: other.id, deliveryId };
    await expect(shop.call("notifications.webhookDelivery", asked)).rejects.toMatchObject({ type: "not_found" });
    await expect(shop.call("notifications.retryWebhook", asked)).rejects.toMatchObject({ type: "not_found" });
  });

  test("one that has arrived can be delivered once more by hand", async () => {
    const receiver = await receiverOf();
    const shop = await open([receiver]);
    const { id } = await register(shop, receiver);
    await hear(shop, 1);
    const [{ id: deliveryId } = { id: "" }] = await untilAll(shop, id, "delivered");
    await shop.call("notifications.retryWebhook", { id, deliveryId });
    await receiver.got(2);
    expect(await untilAll(shop, id, "delivered")).toMatchObject([{ tries: 2 }]);
    expect(receiver.received.map(({ headers }) => headers["webhook-id"])).toEqual([eventId(1), eventId(1)]);
  });
});
