import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { adminOf, anOrder, Client, stockMugs, until } from "../client.ts";
import { openShop, type Shop } from "../shop.ts";

describe("a purchase", () => {
  let shop: Shop;
  let guest: Client;
  let admin: Client;

  beforeEach(async () => {
    shop = await openShop();
    guest = new Client(shop.url);
    admin = await adminOf(shop.url);
    await stockMugs(admin, 50);
  });
  afterEach(() => shop.close());

  const level = async (sku = "MUG") => (await admin.get(`/v1/admin/inventory/${sku}`)).body;
  const charges = async () => (await shop.call("sandbox.charges", { limit: 100 })).data;
  const letGo = (status: string) => status === "canceled" || status === "declined";

  test("stock, payment, ledger, invoice, mail and timeline agree", async () => {
    const { status, body: order } = await guest.buy(anOrder("tok_visa", 2));
    expect(status).toBe(201);
    expect(order).toMatchObject({
      status: "confirmed",
      paymentStatus: "captured",
      fulfillmentStatus: "not_fulfilled",
      currency: "EUR",
      email: "ada@example.com",
      lines: [{ sku: "MUG", quantity: 2, unitPrice: { amount: 1900 }, total: { amount: 3800 } }],
      totals: { subtotal: { amount: 3800 }, total: { amount: 3800, currency: "EUR" } },
    });
    const token = { "x-guest-token": order.guestToken };

    expect(await level()).toMatchObject({ onHand: 48, held: 0, available: 48 });
    const movements = await until(
      () => admin.get("/v1/admin/inventory/MUG/movements"),
      ({ body }) => body.data.length === 2,
    );
    expect(movements.body.data[0]).toMatchObject({ delta: -2, kind: "sold", orderId: order.id, onHandAfter: 48 });

    const payment = await guest.get(`/v1/payments/${order.payment.id}`, token);
    expect(payment.body).toMatchObject({
      status: "captured",
      captured: { amount: 3800 },
      refunded: { amount: 0 },
      orderId: order.id,
    });
    expect(await charges()).toMatchObject([{ amount: 3800, captured: 3800, refunded: 0, status: "captured" }]);

    const { body: ledger } = await admin.get(`/v1/admin/ledger?orderId=${order.id}`);
    expect(ledger.data).toHaveLength(1);
    const sum = (side: "debit" | "credit") =>
      ledger.data[0].postings.reduce(
        (total: number, posting: Record<string, number>) => total + (posting[side] ?? 0),
        0,
      );
    expect([sum("debit"), sum("credit")]).toEqual([3800, 3800]);

    const invoice = await guest.get(`/v1/orders/${order.id}/invoice`, token);
    expect(invoice.body).toMatchObject({
      number: "INV-000001",
      status: "paid",
      orderId: order.id,
      bill: { orderNumber: order.number, totals: { total: { amount: 3800 } } },
    });

    const events = await guest.get(`/v1/orders/${order.id}/events`, token);
    expect(events.body.data.map(({ type }: { type: string }) => type)).toEqual([
      "placed",
      "stock_held",
      "payment_authorized",
      "stock_taken",
      "payment_captured",
      "confirmed",
    ]);

    const folder = join(shop.folder, "mail");
    const written = async () => (existsSync(folder) ? readdirSync(folder).filter((name) => name.endsWith(".eml")) : []);
    const mails = await until(written, (names) => names.length > 0);
    expect(mails).toHaveLength(1);
    const mail = readFileSync(join(folder, mails[0] ?? ""), "utf8");
    expect(mail).toMatch(/^To: Ada Byron <ada@example\.com>/im);
    expect(mail).toContain(order.number);
  });

  test("nothing of it can be read by others, and a missing order looks the same", async () => {
    const { body: order } = await guest.buy(anOrder());
    const other = new Client(shop.url);
    const session = await other.post("/v1/auth/register", { email: "eve@example.com", password: "a quiet evening" });
    await other.login("eve@example.com", "a quiet evening");
    expect(session.status).toBe(201);
    const missing = "ord_00000000000000000000000000";
    for (const [client, headers] of [
      [guest, {}],
      [other, {}],
      [guest, { "x-guest-token": "wrong" }],
    ] as const) {
      for (const path of ["", "/events", "/invoice"]) {
        const [theirs, none] = [
          await client.get(`/v1/orders/${order.id}${path}`, headers),
          await client.get(`/v1/orders/${missing}${path}`, headers),
        ];
        expect([theirs.status, none.status]).toEqual([404, 404]);
        expect({ ...theirs.body, requestId: "" }).toEqual({ ...none.body, requestId: "" });
      }
      expect((await client.get(`/v1/payments/${order.payment.id}`, headers)).status).toBe(404);
      expect((await client.post(`/v1/orders/${order.id}/cancel`, {}, headers)).status).toBe(404);
    }
    expect((await guest.get(`/v1/orders/${order.id}?token=${order.guestToken}`)).status).toBe(200);
  });

  test("a customer finds it in the list of their orders", async () => {
    const customer = new Client(shop.url);
    await customer.post("/v1/auth/register", { email: "ada@example.com", password: "analytical engine" });
    await customer.login("ada@example.com", "analytical engine");
    const { body: order } = await customer.buy(anOrder());
    await guest.buy(anOrder());
    const { body } = await customer.get("/v1/orders");
    expect(body.data.map(({ id }: { id: string }) => id)).toEqual([order.id]);
    expect((await customer.get(`/v1/orders/${order.id}`)).body).toMatchObject({ number: order.number });
    expect((await admin.get(`/v1/admin/orders?q=${order.number}`)).body.data).toHaveLength(1);
  });

  test("200 buyers at once for 50 units: 50 confirmed, 150 told that there is no stock, books in order", async () => {
    const answers = await Promise.all(
      Array.from({ length: 200 }, (_, n) => guest.buy(anOrder("tok_visa", 1, "MUG", `buyer${n}@example.com`))),
    );
    const by = Map.groupBy(answers, ({ status, body }) => `${status} ${status === 201 ? body.status : body.code}`);
    expect([...by].map(([what, all]) => [what, all.length]).toSorted()).toEqual([
      ["201 confirmed", 50],
      ["409 insufficient_stock", 150],
    ]);
    expect(by.get("409 insufficient_stock")?.[0]?.body.errors).toMatchObject([{ sku: "MUG", requested: 1 }]);

    expect(await level()).toMatchObject({ onHand: 0, held: 0, available: 0 });
    expect((await charges()).filter(({ captured }) => captured === 1900)).toHaveLength(50);
    const invoices = (await admin.get("/v1/admin/invoices?limit=100")).body.data;
    expect(
      invoices.map(({ sequence }: { sequence: number }) => sequence).toSorted((a: number, b: number) => a - b),
    ).toEqual(Array.from({ length: 50 }, (_, n) => n + 1));
    expect((await admin.get("/v1/admin/orders?status=confirmed&limit=100")).body.data).toHaveLength(50);
  });

  test("50 parallel requests with one key: one order, one charge, equal bodies", async () => {
    const answers = await Promise.all(Array.from({ length: 50 }, () => guest.buy(anOrder(), "the-same-key")));
    expect(answers.map(({ status }) => status)).toEqual(Array(50).fill(201));
    expect(new Set(answers.map(({ text }) => text)).size).toBe(1);
    expect(answers.filter(({ headers }) => headers.get("idempotent-replayed") === "true")).toHaveLength(49);
    expect(await level()).toMatchObject({ onHand: 49 });
    expect(await charges()).toHaveLength(1);
  });

  test("a key that is used for another order is refused", async () => {
    await guest.buy(anOrder(), "a-key");
    expect(await guest.buy(anOrder("tok_visa", 2), "a-key")).toMatchObject({
      status: 422,
      body: { code: "idempotency_key_reused" },
    });
    expect(await guest.post("/v1/orders", anOrder())).toMatchObject({
      status: 422,
      body: { code: "idempotency_key_required" },
    });
  });

  test.each([
    ["tok_declined", "payment_declined"],
    ["tok_insufficient_funds", "payment_declined"],
    ["tok_capture_fails", "payment_failed"],
    ["tok_nobody_knows", "payment_declined"],
  ])("%s: 402, the stock is free again and no money is kept", async (token, code) => {
    const key = `key-${token}`;
    const declined = await guest.buy(anOrder(token), key);
    expect(declined).toMatchObject({ status: 402, body: { code } });
    expect(await level()).toMatchObject({ onHand: 50, held: 0 });
    expect((await charges()).every(({ status, captured }) => letGo(status) && captured === 0)).toBe(true);
    expect((await admin.get("/v1/admin/invoices")).body.data).toEqual([]);
    expect((await guest.buy(anOrder(token), key)).text).toBe(declined.text);
  });

  test.each(["tok_timeout", "tok_flaky"])(
    "%s: the outcome is found out, one charge",
    async (token) => {
      const { status, body } = await guest.buy(anOrder(token));
      expect([status, body.status]).toEqual([201, "confirmed"]);
      expect(await charges()).toMatchObject([{ captured: 1900, status: "captured" }]);
    },
    30_000,
  );

  test("tok_3ds: the buyer is asked, and the order goes on when they have answered", async () => {
    const { status, body: order } = await guest.buy(anOrder("tok_3ds"));
    expect(status).toBe(201);
    expect(order).toMatchObject({
      status: "requires_action",
      paymentStatus: "requires_action",
      payment: { nextAction: { type: "redirect" } },
    });
    expect(await level()).toMatchObject({ onHand: 50, held: 1, available: 49 });

    const page = await guest.get(order.payment.nextAction.url);
    expect(page.headers.get("content-type")).toMatch(/text\/html/);
    expect((await guest.post(`${order.payment.nextAction.url}/confirm`, { approve: true })).status).toBe(200);
    const read = () => guest.get(`/v1/orders/${order.id}`, { "x-guest-token": order.guestToken });
    expect((await until(read, ({ body }) => body.status === "confirmed")).body).toMatchObject({
      status: "confirmed",
      paymentStatus: "captured",
    });
    expect(await level()).toMatchObject({ onHand: 49, held: 0 });
  });

  test("tok_3ds that is turned down: canceled, and the stock is free again", async () => {
    const { body: order } = await guest.buy(anOrder("tok_3ds"));
    await guest.post(`${order.payment.nextAction.url}/confirm`, { approve: false });
    const read = () => guest.get(`/v1/orders/${order.id}`, { "x-guest-token": order.guestToken });
    expect((await until(read, ({ body }) => body.status === "canceled")).body).toMatchObject({
      status: "canceled",
      paymentStatus: "failed",
    });
    expect(await until(level, ({ held }) => held === 0)).toMatchObject({ onHand: 50, held: 0 });
  });

  test("tok_async: pending at first, confirmed when the provider has said so", async () => {
    const { status, body: order } = await guest.buy(anOrder("tok_async"));
    expect([status, order.status, order.paymentStatus]).toEqual([202, "pending", "awaiting"]);
    const read = () => guest.get(`/v1/orders/${order.id}`, { "x-guest-token": order.guestToken });
    expect((await until(read, ({ body }) => body.status === "confirmed")).body).toMatchObject({
      paymentStatus: "captured",
    });
    expect(await charges()).toMatchObject([{ captured: 1900 }]);
  });

  test("is canceled: stock and money go back, once", async () => {
    const { body: order } = await guest.buy(anOrder("tok_visa", 3));
    const token = { "x-guest-token": order.guestToken };
    const cancel = () => guest.post(`/v1/orders/${order.id}/cancel`, { reason: "changed my mind" }, token);
    const answers = await Promise.all([cancel(), cancel(), cancel()]);
    for (const { status, body } of answers) expect([status, body.status]).toEqual([200, "canceled"]);
    await cancel();
    const read = () => guest.get(`/v1/orders/${order.id}`, token);
    expect((await until(read, ({ body }) => body.paymentStatus === "refunded")).body).toMatchObject({
      status: "canceled",
      paymentStatus: "refunded",
      cancelReason: "changed my mind",
    });
    expect(await until(level, ({ onHand }) => onHand === 50)).toMatchObject({ onHand: 50, held: 0 });
    expect(await charges()).toMatchObject([{ captured: 5700, refunded: 5700 }]);
  });

  test("is refunded in parts, never more than was paid", async () => {
    const { body: order } = await guest.buy(anOrder());
    const refund = (amount: number) =>
      admin.post(`/v1/admin/payments/${order.payment.id}/refunds`, { amount, reason: "scratched" });
    const answers = await Promise.all([refund(1000), refund(1000), refund(900), refund(900)]);
    const paid = (await charges())[0]?.refunded ?? 0;
    expect(paid).toBeLessThanOrEqual(1900);
    expect(answers.filter(({ status }) => status === 201).length).toBeGreaterThanOrEqual(1);
    for (const { status, body } of answers)
      if (status !== 201) expect([status, body.code]).toEqual([409, "invalid_state"]);
    const read = () => guest.get(`/v1/orders/${order.id}`, { "x-guest-token": order.guestToken });
    const wanted = paid === 1900 ? "refunded" : "partially_refunded";
    expect((await until(read, ({ body }) => body.paymentStatus === wanted)).body.paymentStatus).toBe(wanted);
  });

  test("what does not exist or is not sold cannot be bought", async () => {
    const unknown = await guest.buy(anOrder("tok_visa", 1, "NOTHING"));
    expect(unknown).toMatchObject({ status: 422, body: { code: "invalid_input", errors: [{ path: "lines/0/sku" }] } });
    const foreign = await guest.buy({ ...anOrder(), currency: "USD" });
    expect(foreign).toMatchObject({ status: 422, body: { errors: [{ path: "currency" }] } });
  });

  test("hostile orders are refused and change nothing", async () => {
    const good = anOrder();
    const hostile: unknown[] = [
      { ...good, email: { $ne: null } },
      { ...good, email: "not an address" },
      { ...good, email: "a@b.co\r\nBcc: all@x.co" },
      { ...good, lines: [] },
      { ...good, lines: [{ sku: "MUG", quantity: -1 }] },
      { ...good, lines: [{ sku: "MUG", quantity: 1.5 }] },
      { ...good, lines: [{ sku: "MUG", quantity: 1e308 }] },
      { ...good, lines: [{ sku: "MUG", quantity: "1" }] },
      { ...good, lines: [{ sku: "MUG", quantity: 0 }] },
      { ...good, lines: [{ sku: { $gt: "" }, quantity: 1 }] },
      { ...good, lines: Array(201).fill({ sku: "MUG", quantity: 1 }) },
      { ...good, lines: [{ sku: "MUG", quantity: 1, unitPrice: { amount: 1, currency: "EUR" } }] },
      { ...good, status: "confirmed" },
      { ...good, customerId: "usr_00000000000000000000000000" },
      { ...good, shippingAddress: { ...good.shippingAddress, country: "Spain" } },
      { ...good, shippingAddress: { ...good.shippingAddress, name: "x".repeat(1000) } },
      { ...good, payment: { token: "4111 1111 1111 1111" } },
      { ...good, payment: {} },
      { ...good, payment: null },
      [],
      null,
      7,
      "text",
      `{"email":"a@b.co","__proto__":{"admin":true},"lines":[{"sku":"MUG","quantity":1}]}`,
    ];
    for (const body of hostile) {
      const answer = await guest.buy(typeof body === "string" ? { body } : (body as object));
      expect([400, 422]).toContain(answer.status);
      expect(answer.headers.get("content-type")).toMatch(/problem\+json/);
      expect(answer.text).not.toMatch(/node_modules|at \w+ \(|sqlite|SELECT|lonja\.db/i);
    }
    expect((await admin.get("/v1/admin/orders")).body.data).toEqual([]);
    expect(await level()).toMatchObject({ onHand: 50, held: 0 });
  });
});
