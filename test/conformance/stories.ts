import { randomInt } from "node:crypto";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { jest } from "@jest/globals";
import { admin as officeOf } from "../../sdk/src/admin.ts";
import { Lonja, type ShopEvent } from "../../sdk/src/index.ts";
import { contracts } from "../../services/contracts.ts";
import { openapi } from "../../services/gateway/openapi.ts";
import { routesOf } from "../../services/gateway/routes.ts";
import type { Contract } from "../../services/shared/contract.ts";
import { anOrder, Client, type Reply, until } from "../client.ts";
import type { ShopCluster } from "../cluster.ts";
import { read } from "../graphql.ts";

const marketStall = readFileSync(join(import.meta.dirname, "..", "fixtures", "market-stall.csv"), "utf8");
const { version } = createRequire(import.meta.url)("../../package.json") as { version: string };

/** Somebody who comes from an address of their own, so that no story uses up the limits of another. */
const fromSomewhere = (url: string) =>
  new Client(
    url,
    { "x-forwarded-for": `10.${randomInt(256)}.${randomInt(256)}.${randomInt(1, 255)}` },
    { isPatient: true },
  );
const sum = (numbers: readonly number[]) => numbers.reduce((total, number) => total + number, 0);
/** Where the first of equal requests takes long, the others are told to come back. */
const answered = (ask: () => Promise<Reply>) => until(ask, ({ body }) => body?.code !== "request_in_progress", 100);
const guestOf = (order: { guestToken: string }) => ({ "x-guest-token": order.guestToken });
const types = ({ body }: Reply): string[] => body.data.map(({ type }: { type: string }) => type);

/**
 * The stories of the whole shop, told through the HTTP door and nothing else, so that they are the same whatever
 * it is made of. Each makes its own products and people: they stand in no order.
 */
export function stories(open: () => Promise<ShopCluster>, afterwards: () => Promise<void> = async () => {}): void {
  jest.setTimeout(180_000);

  let shop: ShopCluster;
  let admin: Client;
  /** Two different doors, where there are two. */
  let here: string;
  let there: string;
  /** Bought when everything begins, because it takes a while until nobody tries to tell of it any more. */
  let refused: { id: string; sku: string };
  let names = 0;

  beforeAll(async () => {
    shop = await open();
    [here = "", there = here] = shop.urls;
    admin = await fromSomewhere(here).login("admin@lonja.test", "correct horse battery");
    const sku = await stocked(1);
    const order = await bought(here, anOrder("tok_visa", 1, sku, "refused@example.com"));
    if (order.status !== "confirmed") throw new Error(`nothing can be bought: ${JSON.stringify(order)}`);
    refused = { id: order.id, sku };
  });
  afterAll(async () => {
    const errors = shop?.errors() ?? [];
    const unwilling = (await shop?.close()) ?? [];
    await afterwards();
    expect([...errors, ...unwilling]).toEqual([]);
  });

  const fresh = (word: string) => `${word}-${++names}-${randomInt(1e9)}`;

  async function made(product: object): Promise<{ id: string; version: number; handle: string }> {
    const { status, body, text } = await admin.post("/v1/admin/products", product);
    if (status !== 201) throw new Error(`no product: ${status} ${text}`);
    return body;
  }
  async function stocked(units: number): Promise<string> {
    const sku = fresh("MUG");
    await made({ title: `A ${sku}`, variants: [{ sku, price: { amount: 1900, currency: "EUR" } }] });
    const delivered = await admin.post(`/v1/admin/inventory/${sku}/adjustments`, {
      delta: units,
      reason: "delivery",
    });
    expect(delivered).toMatchObject({ status: 200, body: { sku, onHand: units, held: 0, available: units } });
    return sku;
  }
  const level = async (sku: string) => (await admin.get(`/v1/admin/inventory/${sku}`)).body;
  const orderAt = (url: string, order: { id: string; guestToken: string }) =>
    fromSomewhere(url).get(`/v1/orders/${order.id}`, guestOf(order));
  /** Buys, and waits for the outcome where a shop with much to do has answered, after eight seconds, that it is at it. */
  async function bought(url: string, wanted: ReturnType<typeof anOrder>): Promise<Reply["body"]> {
    const beganMs = performance.now();
    const { status, body } = await fromSomewhere(url).buy(wanted);
    if (status !== 202) return body;
    expect(performance.now() - beganMs).toBeGreaterThan(7_500);
    const seen = await until(
      () => orderAt(url, body),
      ({ body }) => body.status !== "pending",
      400,
    );
    return { ...body, ...seen.body };
  }
  const becomes = (order: { id: string; guestToken: string }, paymentStatus: string) =>
    until(
      () => orderAt(there, order),
      ({ body }) => body.paymentStatus === paymentStatus,
    );
  async function chargesOf({ payment }: { payment: { id: string } }): Promise<Record<string, unknown>[]> {
    const { body } = await admin.get("/v1/admin/sandbox/charges?limit=100");
    return body.data.filter(({ key }: { key: string }) => key === payment.id);
  }
  async function registered(
    role?: "staff",
  ): Promise<{ client: Client; email: string; id: string; session: Reply["body"] }> {
    const email = `${fresh("person")}@example.com`;
    const client = fromSomewhere(here);
    const { status, body, text } = await client.post("/v1/auth/register", {
      email,
      password: "seven salty sardines",
    });
    if (status !== 201) throw new Error(`no account: ${status} ${text}`);
    if (role)
      expect((await admin.at(there).send("PATCH", `/v1/admin/users/${body.user.id}`, { role })).status).toBe(200);
    await client.login(email, "seven salty sardines");
    return { client, email, id: body.user.id, session: body };
  }

  test("a purchase: stock, payment, ledger, invoice, mail and timeline agree", async () => {
    const sku = await stocked(50);
    const order = await bought(here, anOrder("tok_visa", 2, sku));
    expect([order.status, order.paymentStatus]).toEqual(["confirmed", "captured"]);
    expect(order.totals.total).toEqual({ amount: 3800, currency: "EUR" });

    expect(await level(sku)).toMatchObject({ onHand: 48, held: 0, available: 48 });
    const guest = fromSomewhere(there);
    const events = await guest.get(`/v1/orders/${order.id}/events`, guestOf(order));
    expect(types(events)).toEqual([
      "placed",
      "stock_held",
      "payment_authorized",
      "stock_taken",
      "payment_captured",
      "confirmed",
    ]);
    expect(await chargesOf(order)).toMatchObject([{ amount: 3800, captured: 3800, refunded: 0, closed: true }]);
    const ledger = await admin.get(`/v1/admin/ledger?orderId=${order.id}`);
    expect(ledger.body.data).toHaveLength(1);
    const [{ postings }] = ledger.body.data as [{ postings: { debit: number; credit: number }[] }];
    expect([sum(postings.map(({ debit }) => debit)), sum(postings.map(({ credit }) => credit))]).toEqual([3800, 3800]);
    expect((await guest.get(`/v1/orders/${order.id}/invoice`, guestOf(order))).body).toMatchObject({
      number: expect.stringMatching(/^INV-\d{6}$/),
      status: "paid",
      bill: { orderNumber: order.number, totals: { total: { amount: 3800 } } },
    });
    const mails = await until(
      () => admin.get(`/v1/admin/mails?orderId=${order.id}`),
      ({ body }) => body.data[0]?.status === "sent",
    );
    expect(mails.body.data).toMatchObject([{ template: "order_confirmed", to: "ada@example.com", status: "sent" }]);
    const moved = await until(
      () => admin.get(`/v1/admin/inventory/${sku}/movements`),
      ({ body }) => body.data.length === 2,
    );
    expect(moved.body.data).toMatchObject([
      { delta: -2, kind: "sold", orderId: order.id, onHandAfter: 48 },
      { delta: 50, kind: "opened" },
    ]);
  });

  test.each([
    ["tok_declined", "payment_declined"],
    ["tok_capture_fails", "payment_failed"],
  ])("%s: 402, and the stock is free again", async (token, code) => {
    const sku = await stocked(3);
    const key = fresh("key");
    const declined = await fromSomewhere(here).buy(anOrder(token, 1, sku), key);
    expect([declined.status, declined.body.code]).toEqual([402, code]);
    expect(
      await until(
        () => level(sku),
        ({ held }) => held === 0,
      ),
    ).toMatchObject({ onHand: 3, held: 0 });
    expect((await fromSomewhere(there).buy(anOrder(token, 1, sku), key)).text).toBe(declined.text);
  });

  test.each(["tok_timeout", "tok_flaky"])("%s: the outcome is found out, and charged once", async (token) => {
    const sku = await stocked(1);
    const { body: order } = await fromSomewhere(here).buy(anOrder(token, 1, sku));
    expect((await becomes(order, "captured")).body.status).toBe("confirmed");
    expect(await chargesOf((await orderAt(here, order)).body)).toMatchObject([{ captured: 1900 }]);
  });

  test("out of stock: 409 names each SKU, and nothing is held", async () => {
    const [some, none] = [await stocked(2), await stocked(1)];
    const lines = [
      { sku: some, quantity: 2 },
      { sku: none, quantity: 5 },
    ];
    const answer = await fromSomewhere(there).buy({ ...anOrder(), lines });
    expect([answer.status, answer.body.code]).toEqual([409, "insufficient_stock"]);
    expect(answer.body.errors).toMatchObject([{ sku: none, requested: 5, available: 1 }]);
    expect(
      await until(
        () => level(some),
        ({ held }) => held === 0,
      ),
    ).toMatchObject({ available: 2 });
  });

  test("30 buyers at once at all doors for 10 units: 10 have them", async () => {
    const sku = await stocked(10);
    const buyers = Array.from({ length: 30 }, (_, n) =>
      bought(n % 2 ? here : there, anOrder("tok_visa", 1, sku, `buyer${n}@example.com`)),
    );
    const outcomes = (await Promise.all(buyers)).map(
      ({ title, cancelReason, status }) => title ?? cancelReason ?? status,
    );
    expect(outcomes.toSorted()).toEqual([
      ...Array<string>(20).fill("Not enough in stock"),
      ...Array<string>(10).fill("confirmed"),
    ]);
    expect(await level(sku)).toMatchObject({ onHand: 0, held: 0, available: 0 });
  });

  test("one key 50 times at once at all doors: one order, equal bytes; another body is refused", async () => {
    const sku = await stocked(100);
    const key = fresh("key");
    const order = anOrder("tok_visa", 1, sku);
    const answers = await Promise.all(
      Array.from({ length: 50 }, (_, n) => answered(() => fromSomewhere(n % 2 ? here : there).buy(order, key))),
    );
    expect(answers.map(({ status }) => status)).toEqual(Array(50).fill(201));
    expect(new Set(answers.map(({ text }) => text)).size).toBe(1);
    expect(answers.filter(({ headers }) => !headers.has("idempotent-replayed"))).toHaveLength(1);
    expect(await level(sku)).toMatchObject({ onHand: 99, held: 0 });
    expect(await chargesOf(answers[0]?.body)).toHaveLength(1);
    for (const url of [here, there])
      expect(await fromSomewhere(url).buy(anOrder("tok_visa", 2, sku), key)).toMatchObject({
        status: 422,
        body: { code: "idempotency_key_reused" },
      });
  });

  test("a repeat at another door adjusts no stock and makes no product a second time", async () => {
    const sku = await stocked(5);
    const key = { "idempotency-key": fresh("key") };
    const product = { title: fresh("Mug"), variants: [{ sku: fresh("MUG"), price: { amount: 1, currency: "EUR" } }] };
    for (const [path, body] of [
      [`/v1/admin/inventory/${sku}/adjustments`, { delta: 3, reason: "found" }],
      ["/v1/admin/products", product],
    ] as const) {
      const answers = await Promise.all(
        [here, there, here, there].map((url) => answered(() => admin.at(url).post(path, body, key))),
      );
      const [first, ...repeats] = answers;
      for (const { status, text } of repeats) expect([status, text]).toEqual([first?.status, first?.text]);
      expect(answers.filter(({ headers }) => !headers.has("idempotent-replayed"))).toHaveLength(1);
    }
    expect(await level(sku)).toMatchObject({ onHand: 8 });
  });

  test("a cancellation: stock and money go back, once", async () => {
    const sku = await stocked(5);
    const order = await bought(here, anOrder("tok_visa", 3, sku));
    const cancel = (url: string) =>
      fromSomewhere(url).post(`/v1/orders/${order.id}/cancel`, { reason: "changed my mind" }, guestOf(order));
    for (const { status, body } of await Promise.all([here, there, here].map(cancel)))
      expect([status, body.status]).toEqual([200, "canceled"]);
    expect((await becomes(order, "refunded")).body).toMatchObject({ cancelReason: "changed my mind" });
    expect(
      await until(
        () => level(sku),
        ({ onHand }) => onHand === 5,
      ),
    ).toMatchObject({ onHand: 5, held: 0 });
    expect(await chargesOf(order)).toMatchObject([{ captured: 5700, refunded: 5700 }]);
    const mails = await until(
      () => admin.get(`/v1/admin/mails?orderId=${order.id}`),
      ({ body }) => body.data.length === 2,
    );
    expect(mails.body.data.map(({ template }: { template: string }) => template)).toEqual([
      "order_canceled",
      "order_confirmed",
    ]);
  });

  test("refunds, in part and then the rest, are never more than was paid", async () => {
    const sku = await stocked(1);
    const order = await bought(here, anOrder("tok_visa", 1, sku));
    const refund = (url: string, amount?: number) =>
      admin.at(url).post(`/v1/admin/payments/${order.payment.id}/refunds`, { amount, reason: "scratched" });
    expect(await refund(here, 700)).toMatchObject({
      status: 201,
      body: { status: "partially_refunded", refunded: { amount: 700 } },
    });
    expect(await refund(there, 1300)).toMatchObject({ status: 409, body: { code: "invalid_state" } });
    const rest = await Promise.all([here, there, here].map((url) => refund(url)));
    expect(rest.map(({ status }) => status).toSorted()).toEqual([201, 409, 409]);

    expect((await becomes(order, "refunded")).body.status).toBe("confirmed");
    expect(await chargesOf(order)).toMatchObject([{ captured: 1900, refunded: 1900 }]);
    const ledger = (await admin.get(`/v1/admin/ledger?orderId=${order.id}`)).body.data;
    expect(ledger.map(({ kind }: { kind: string }) => kind)).toEqual(["refund", "refund", "capture"]);
  });

  test.each([
    [true, "confirmed", "captured", 0],
    [false, "canceled", "failed", 1],
  ])("tok_3ds: the buyer says %s, the order is %s", async (approve, status, paymentStatus, left) => {
    const sku = await stocked(1);
    const { body: order } = await fromSomewhere(here).buy(anOrder("tok_3ds", 1, sku));
    expect(order).toMatchObject({ status: "requires_action", payment: { nextAction: { type: "redirect" } } });
    expect(await level(sku)).toMatchObject({ onHand: 1, held: 1 });
    const { url } = order.payment.nextAction;
    expect((await fromSomewhere(there).get(url)).headers.get("content-type")).toMatch(/text\/html/);
    expect((await fromSomewhere(there).post(`${url}/confirm`, { approve })).status).toBe(200);
    expect((await becomes(order, paymentStatus)).body.status).toBe(status);
    const after = await until(
      () => level(sku),
      ({ held, onHand }) => held === 0 && onHand === left,
    );
    expect(after).toMatchObject({ onHand: left, held: 0 });
  });

  test("tok_async: 202 pending, and confirmed when the provider has said so", async () => {
    const sku = await stocked(1);
    const { status, body: order } = await fromSomewhere(here).buy(anOrder("tok_async", 1, sku));
    expect([status, order.status, order.paymentStatus]).toEqual([202, "pending", "awaiting"]);
    expect((await becomes(order, "captured")).body.status).toBe("confirmed");
    expect(await level(sku)).toMatchObject({ onHand: 0, held: 0 });
  });

  test("news that nobody has signed is refused at every door", async () => {
    for (const url of [here, there])
      expect(
        await fromSomewhere(url).post(
          "/v1/webhooks/payments/sandbox",
          { id: "evt_1" },
          { "sandbox-signature": "t=1,v1=0" },
        ),
      ).toMatchObject({ status: 400, body: { code: "invalid_signature" } });
  });

  test("an account: opened once, signed in at any door, and its orders are its own", async () => {
    const sku = await stocked(2);
    const { client, email, id } = await registered();
    const again = await fromSomewhere(there).post("/v1/auth/register", {
      email: email.toUpperCase(),
      password: "another long one",
    });
    expect([again.status, again.body.code]).toEqual([409, "already_exists"]);
    for (const password of ["seven salty sardinas", " "])
      expect(await fromSomewhere(there).post("/v1/auth/login", { email, password })).toMatchObject({
        status: 401,
        body: { code: "invalid_credentials" },
      });
    const elsewhere = await fromSomewhere(there).login(email, "seven salty sardines");
    expect((await elsewhere.get("/v1/me")).body).toMatchObject({ id, email, role: "customer" });
    expect((await client.send("PATCH", "/v1/me", { name: "Ada" })).body).toMatchObject({ name: "Ada" });
    expect((await elsewhere.get("/v1/me")).body.name).toBe("Ada");

    const { body: order } = await client.buy(anOrder("tok_visa", 1, sku, email));
    expect((await elsewhere.get("/v1/orders")).body.data).toMatchObject([{ id: order.id, customerId: id }]);
    const other = (await registered()).client;
    for (const [path, missing] of [
      [`/v1/orders/${order.id}`, "/v1/orders/ord_00000000000000000000000000"],
      [`/v1/payments/${order.payment.id}`, "/v1/payments/pay_00000000000000000000000000"],
    ] as const) {
      const [theirs, none] = [await other.at(there).get(path), await other.get(missing)];
      expect([theirs.status, none.status]).toEqual([404, 404]);
      expect({ ...theirs.body, requestId: "" }).toEqual({ ...none.body, requestId: "" });
    }
  });

  test("refresh tokens are good for one use at any door, and one that comes back ends the session", async () => {
    const { session } = await registered();
    const refresh = (url: string, refreshToken: string) =>
      fromSomewhere(url).post("/v1/auth/refresh", { refreshToken });
    const repeated = await Promise.all([here, there].map((url) => refresh(url, session.refreshToken)));
    const [second, same] = repeated.map(({ status, body }) => [status, body.refreshToken]);
    expect(second?.[0]).toBe(200);
    expect(same).toEqual(second);
    const third = await refresh(there, repeated[0]?.body.refreshToken);
    expect(third.status).toBe(200);

    expect(await refresh(here, session.refreshToken)).toMatchObject({ status: 401, body: { code: "invalid_token" } });
    for (const url of [here, there]) expect((await refresh(url, third.body.refreshToken)).status).toBe(401);
  });

  test("a session that is ended at one door is ended at all", async () => {
    const { session } = await registered();
    const { refreshToken } = session;
    expect((await fromSomewhere(here).post("/v1/auth/logout", { refreshToken })).status).toBe(204);
    expect((await fromSomewhere(there).post("/v1/auth/refresh", { refreshToken })).status).toBe(401);
  });

  test("roles: a customer may not, staff may, and only an admin makes staff", async () => {
    const sku = await stocked(1);
    const customer = await registered();
    const staff = await registered("staff");
    const adjust = (client: Client) =>
      client.at(there).post(`/v1/admin/inventory/${sku}/adjustments`, { delta: 1, reason: "found" });
    expect((await adjust(fromSomewhere(there))).status).toBe(401);
    expect((await adjust(customer.client)).status).toBe(403);
    expect((await adjust(staff.client)).status).toBe(200);
    const promote = { role: "admin" };
    expect((await staff.client.send("PATCH", `/v1/admin/users/${staff.id}`, promote)).status).toBe(403);

    expect((await admin.send("PATCH", `/v1/admin/users/${staff.id}`, { disabled: true })).status).toBe(200);
    const { refreshToken } = staff.session;
    expect((await fromSomewhere(there).post("/v1/auth/refresh", { refreshToken })).status).toBe(401);
    expect((await staff.client.at(there).get("/v1/me")).status).toBe(401);
  });

  test("wrong passwords make the next try wait, at whichever door", async () => {
    const { email } = await registered();
    const tries: Reply[] = [];
    for (let n = 0; n < 12 && tries.at(-1)?.status !== 429; n++)
      tries.push(await fromSomewhere(n % 2 ? here : there).post("/v1/auth/login", { email, password: "a guess" }));
    expect(tries.at(-1)).toMatchObject({ status: 429, body: { code: "too_many_requests" } });
    expect(Number(tries.at(-1)?.headers.get("retry-after"))).toBeGreaterThan(0);
    expect(tries.slice(0, 5).map(({ status }) => status)).toEqual(Array(5).fill(401));
  });

  test("whoever asks too often is told to wait, and nobody else", async () => {
    const eager = fromSomewhere(here);
    const answers = await Promise.all(Array.from({ length: 130 }, () => eager.post("/v1/auth/login", {})));
    const statuses = Map.groupBy(answers, ({ status }) => status);
    expect([...statuses.keys()].toSorted()).toEqual([422, 429]);
    expect(statuses.get(429)?.[0]?.headers.get("retry-after")).toMatch(/^\d+$/);
    expect((await fromSomewhere(here).post("/v1/auth/login", {})).status).toBe(422);
  });

  test("an import is seen at every door by whoever looks there", async () => {
    const tag = fresh("stall").toLowerCase();
    const ours = ["saffron-tin", "fisherman-jersey", "beach-towel", "wind-lantern", "old-anchor", "SAF-2G"]
      .concat("TOWEL-SEA", "'0077", "ANCHOR-OLD")
      .reduce((text, one) => text.replaceAll(one, `${one}-${tag}`), marketStall);
    const { status, body } = await admin.send("POST", "/v1/admin/imports", ours, { "content-type": "text/csv" });
    expect(status).toBe(202);
    const over = await until(
      () => admin.at(there).get(`/v1/admin/imports/${body.id}`),
      (answer) => ["succeeded", "failed"].includes(answer.body.status),
    );
    expect(over.body).toMatchObject({ status: "succeeded", total: 5, imported: 5, skipped: 0, errors: [] });

    const jersey = await admin.at(there).get(`/v1/products/fisherman-jersey-${tag}`);
    expect(jersey.body).toMatchObject({
      title: "Fisherman's jersey",
      options: [
        { name: "Size", values: ["S", "M", "L"] },
        { name: "Colour", values: ["Navy", "Écru"] },
      ],
      variants: [{ price: { amount: 8900 }, available: 4 }, { available: 0 }, { available: 0 }],
    });
    const visible = [`beach-towel-${tag}`, `fisherman-jersey-${tag}`, `saffron-tin-${tag}`];
    const handles = async (query: string) => {
      const lists = await Promise.all(
        [here, there, here, there].map((url) => fromSomewhere(url).get(`/v1/products?limit=100&${query}`)),
      );
      return lists.map(({ body }) =>
        body.data
          .map(({ handle }: { handle: string }) => handle)
          .filter((handle: string) => handle.endsWith(tag))
          .toSorted(),
      );
    };
    for (const query of ["sort=-createdAt", `q=${tag}`])
      expect(
        await until(
          () => handles(query),
          (lists) => lists.every((list) => list.length === 3),
        ),
      ).toEqual(Array(4).fill(visible));
    expect((await fromSomewhere(there).get(`/v1/products/wind-lantern-${tag}`)).status).toBe(404);
  });

  test("a product that has changed is sold by its new price at once, and shown so at every door", async () => {
    const sku = await stocked(5);
    const { body: page } = await until(
      () => admin.get(`/v1/products?q=${sku}`),
      ({ body }) => body.data.length === 1,
    );
    const [product] = page.data;
    const variants = [{ sku, price: { amount: 2500, currency: "EUR" } }];
    const changed = await admin.send(
      "PATCH",
      `/v1/admin/products/${product.id}`,
      { title: "Dearer", variants },
      { "if-match": `"${product.version}"` },
    );
    expect([changed.status, changed.body.version]).toEqual([200, product.version + 1]);
    const order = await bought(there, anOrder("tok_visa", 1, sku));
    expect(order.totals.total.amount).toBe(2500);

    const stale = { title: "Too late" };
    const late = await admin.at(there).send("PATCH", `/v1/admin/products/${product.id}`, stale, {
      "if-match": `"${product.version}"`,
    });
    expect([late.status, late.body.code]).toEqual([412, "version_conflict"]);
    const seen = async () =>
      Promise.all(
        [here, there, here, there].map(async (url) => {
          const { title, variants } = (await fromSomewhere(url).get(`/v1/products/${product.id}`)).body;
          return [title, variants[0].price.amount, variants[0].available];
        }),
      );
    expect(await until(seen, (all) => all.every(([title]) => title === "Dearer"))).toEqual(
      Array(4).fill(["Dearer", 2500, 4]),
    );

    expect((await admin.at(there).send("DELETE", `/v1/admin/products/${product.id}`)).status).toBe(200);
    const gone = await fromSomewhere(here).buy(anOrder("tok_visa", 1, sku));
    expect([gone.status, gone.body.errors[0].path]).toEqual([422, "lines/0/sku"]);
  });

  test("hostile input is refused and changes nothing", async () => {
    const sku = await stocked(5);
    const good = anOrder("tok_visa", 1, sku);
    const line = { sku, quantity: 1 };
    const bodies: unknown[] = [
      { ...good, email: { $ne: null } },
      { ...good, email: "a@b.co\r\nBcc: all@x.co" },
      { ...good, lines: [] },
      { ...good, lines: [{ ...line, quantity: -1 }] },
      { ...good, lines: [{ ...line, quantity: 1e308 }] },
      { ...good, lines: [{ ...line, quantity: "1" }] },
      { ...good, lines: [{ sku: { $gt: "" }, quantity: 1 }] },
      { ...good, lines: [{ sku: `${sku}\u0000`, quantity: 1 }] },
      { ...good, lines: [{ ...line, unitPrice: { amount: 1, currency: "EUR" } }] },
      { ...good, lines: Array(201).fill(line) },
      { ...good, status: "confirmed" },
      { ...good, customerId: "usr_00000000000000000000000000" },
      { ...good, payment: { token: "4111 1111 1111 1111" } },
      { ...good, payment: null },
      [good],
      null,
      `{"email":"a@b.co","__proto__":{"admin":true},"lines":[]}`,
      '{"email":',
    ];
    const post = (body: unknown, headers = {}) =>
      fromSomewhere(here).post("/v1/orders", body, { "idempotency-key": fresh("key"), ...headers });
    const answers = await Promise.all(bodies.map((body) => post(body)));
    answers.push(
      await post("{}", { "content-type": "text/html" }),
      await post(`"${"x".repeat(2_000_000)}"`),
      await post(good, { "idempotency-key": "x".repeat(300) }),
      await fromSomewhere(there).get("/v1/products?limit=101"),
      await fromSomewhere(there).get("/v1/products?q[$ne]=1"),
      await fromSomewhere(there).get("/v1/products/%ff"),
      await fromSomewhere(there).get("/v1/products/..%2f..%2fetc%2fpasswd"),
      await fromSomewhere(there).get("/v1/orders/ord_1'%20OR%20'1'='1"),
      await fromSomewhere(there).get("/v1/nowhere"),
      await fromSomewhere(there).send("DELETE", "/v1/products"),
      await new Client(here, { authorization: "Bearer eyJhbGciOiJub25lIn0.e30." }).get("/v1/me"),
    );
    expect(answers.map(({ status }) => status)).toEqual([
      ...Array(16).fill(422),
      ...[expect.any(Number), 400, 415, 413, 422, 422, 422, 400, 404, 422, 404, 405, 401],
    ]);
    for (const { status, headers, text } of answers) {
      expect(status).toBeGreaterThanOrEqual(400);
      expect(status).toBeLessThan(500);
      expect(headers.get("content-type")).toMatch(/problem\+json/);
      expect(text).not.toMatch(/node_modules|\bat \w+ \(|sqlite|postgres|mongo|SELECT|nats|nodeID/i);
    }
    expect(await level(sku)).toMatchObject({ onHand: 5, held: 0 });
  });

  describe("through the typed client", () => {
    const cardHolder = (url: string) => {
      const { headers } = fromSomewhere(url);
      return new Lonja({ url, headers, budgetMs: 120_000, tryMs: 20_000 });
    };

    test("a purchase is made once at one door, and followed to its end at another", async () => {
      const sku = await stocked(5);
      const [buyer, watcher] = [cardHolder(here), cardHolder(there)];
      const wanted = anOrder("tok_visa", 2, sku);
      const options = { idempotencyKey: fresh("wish") };
      const order = await buyer.orders.place(wanted, options);
      const { guestToken } = order;
      expect((await watcher.orders.place(wanted, options)).id).toBe(order.id);
      const seen: string[] = [];
      for await (const { type } of watcher.orders.stream(order.id, { guestToken })) {
        seen.push(type);
        if (type === "confirmed") break;
      }
      expect([seen[0], seen.at(-1), new Set(seen).size]).toEqual(["placed", "confirmed", seen.length]);
      await expect(buyer.orders.get(order.id)).rejects.toMatchObject({ code: "not_found" });
      await expect(buyer.orders.place({ ...wanted, lines: [{ sku, quantity: 4 }] })).rejects.toMatchObject({
        code: "insufficient_stock",
        errors: [{ sku, requested: 4, available: 3 }],
      });
    });

    test("staff are told of all that happens, at every door in the same order, and a list is read to its end", async () => {
      const staff = cardHolder(here);
      await staff.auth.login({ email: "admin@lonja.test", password: "correct horse battery" });
      const sku = await stocked(5);
      const order = await cardHolder(there).orders.place(anOrder("tok_visa", 1, sku));
      const isOfIt = ({ data }: ShopEvent) => data.order?.id === order.id || data.payment?.orderId === order.id;
      const told = async () => {
        const ids: string[] = [];
        for await (const event of officeOf(staff).events.list({})) if (isOfIt(event)) ids.push(event.id);
        return { ids };
      };
      const { ids } = await until(told, ({ ids }) => ids.length >= 3, 400);
      const elsewhere = (await admin.at(there).all<{ id: string }>("/v1/admin/events")).map(({ id }) => id);
      expect(elsewhere.filter((id) => ids.includes(id))).toEqual(ids);
    });
  });

  test("by GraphQL: an order with its invoice, payment and product, and nobody else's", async () => {
    const sku = await stocked(5);
    const guest = fromSomewhere(there);
    const place = `mutation($input: PlaceOrderInput!, $key: String!) {
      placeOrder(input: $input, idempotencyKey: $key) { ... on PlacedOrder { id guestToken } ... on Refusal { code } }
    }`;
    const asked = { input: anOrder("tok_visa", 2, sku), key: fresh("wish") };
    const { placeOrder: placed } = await read(guest, place, asked);
    const rest = await fromSomewhere(here).buy(asked.input, asked.key);
    expect([rest.body.id, rest.headers.get("idempotent-replayed")]).toEqual([placed.id, "true"]);

    const query = `query($id: ID!, $token: String) { order(id: $id, guestToken: $token) {
      status totals { total { amount } } invoice { number order { id } } paymentDetails { status }
      lines { quantity product { variants { sku available } } } } }`;
    const ask = (token?: string) => read(fromSomewhere(here), query, { id: placed.id, token });
    const { order } = await until(
      () => ask(placed.guestToken),
      ({ order }) => order.status === "CONFIRMED" && order.invoice,
      400,
    );
    expect(order).toEqual({
      status: "CONFIRMED",
      totals: { total: { amount: 3800 } },
      invoice: { number: expect.stringMatching(/^INV-/), order: { id: placed.id } },
      paymentDetails: { status: "CAPTURED" },
      lines: [{ quantity: 2, product: { variants: [{ sku, available: 3 }] } }],
    });
    expect(await ask()).toEqual({ order: null });
  });

  test("every door describes the shop as the contracts do", async () => {
    const map = contracts as Readonly<Record<string, Contract>>;
    const described = JSON.stringify(openapi(map, routesOf(map), version));
    for (const url of [here, there])
      expect(JSON.stringify((await fromSomewhere(url).get("/openapi.json")).body)).toBe(described);
  });

  test("a fact that its hearer cannot take becomes a dead letter, and has its effect when it is replayed", async () => {
    const letters = async () =>
      (await admin.at(there).get("/v1/admin/dead-letters?limit=100")).body.data.filter(
        ({ event }: { event: { subject: string } }) => event.subject === refused.id,
      );
    const [letter] = await until(letters, (found) => found.length > 0, 1_500);
    expect(letter).toMatchObject({ from: "orders", to: "notifications" });
    expect(letter.tries).toBeGreaterThanOrEqual(10);
    expect(letter.event).toMatchObject({ type: "orders.confirmed", data: { order: { id: refused.id } } });
    const counted = /lonja_dead_letters\{service="orders"\} [1-9]/;
    const metrics = () => admin.get("/metrics");
    expect((await until(metrics, ({ text }) => counted.test(text))).text).toMatch(counted);
    const mails = async () => (await admin.get(`/v1/admin/mails?orderId=${refused.id}`)).body.data;
    expect(await mails()).toEqual([]);

    shop.mend();
    const replay = await admin.post(`/v1/admin/dead-letters/${encodeURIComponent(letter.id)}/replay`);
    expect([replay.status, replay.body.id]).toEqual([202, letter.id]);
    expect(await until(mails, ([mail]) => mail?.status === "sent")).toMatchObject([{ template: "order_confirmed" }]);
    expect(await until(letters, (found) => found.length === 0)).toEqual([]);
    const unknown = await admin.at(there).post(`/v1/admin/dead-letters/${encodeURIComponent(letter.id)}/replay`);
    expect(unknown.status).toBe(404);
  });
}
