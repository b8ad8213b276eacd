import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { adminOf, anOrder, Client, stockMugs, until } from "../client.ts";
import { type ShopProcess, startShop } from "../process.ts";

describe("kill -9", () => {
  let folder: string;
  let shop: ShopProcess;
  const restart = async () => {
    shop = await startShop(folder);
    return { guest: new Client(shop.url), admin: await adminOf(shop.url) };
  };

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), "lonja-kill-"));
    const { admin } = await restart();
    await stockMugs(admin, 50);
  });
  afterEach(async () => {
    await shop.kill();
    rmSync(folder, { recursive: true, force: true });
  });

  const charges = async (admin: Client) => (await admin.get("/v1/admin/sandbox/charges?limit=100")).body.data;

  test("right after the answer: everything is still there", async () => {
    const { body: order } = await new Client(shop.url).buy(anOrder());
    await shop.kill();
    const { guest, admin } = await restart();

    const token = { "x-guest-token": order.guestToken };
    expect((await guest.get(`/v1/orders/${order.id}`, token)).body).toMatchObject({
      status: "confirmed",
      paymentStatus: "captured",
      number: order.number,
    });
    expect((await guest.get(`/v1/orders/${order.id}/invoice`, token)).body).toMatchObject({ number: "INV-000001" });
    expect((await admin.get("/v1/admin/inventory/MUG")).body).toMatchObject({ onHand: 49, held: 0 });
    expect((await admin.get(`/v1/admin/ledger?orderId=${order.id}`)).body.data).toHaveLength(1);
    expect(await charges(admin)).toHaveLength(1);
    const mails = await until(
      () => admin.get("/v1/admin/mails"),
      ({ body }) => body.data[0]?.status === "sent",
    );
    expect(mails.body.data).toMatchObject([{ to: "ada@example.com", status: "sent" }]);
  });

  test("a request that is repeated after the restart gets the first answer again, byte for byte", async () => {
    const first = await new Client(shop.url).buy(anOrder(), "one-key");
    await shop.kill();
    const { guest, admin } = await restart();
    const again = await guest.buy(anOrder(), "one-key");
    expect(again.text).toBe(first.text);
    expect(again.headers.get("idempotent-replayed")).toBe("true");
    expect(await charges(admin)).toHaveLength(1);
  });

  test("between charge and answer: one charge, and the order is confirmed by itself", async () => {
    const pending = new Client(shop.url).buy(anOrder("tok_timeout"), "lost-key").catch(() => undefined);
    const before = await adminOf(shop.url);
    await until(
      () => charges(before),
      (all) => all.length === 1,
    );
    await shop.kill();
    await pending;

    const { guest, admin } = await restart();
    const confirmed = () => admin.get("/v1/admin/orders?status=confirmed");
    expect((await until(confirmed, ({ body }) => body.data.length === 1, 400)).body.data).toMatchObject([
      { paymentStatus: "captured" },
    ]);
    expect(await charges(admin)).toMatchObject([{ captured: 1900 }]);
    const again = await guest.buy(anOrder("tok_timeout"), "lost-key");
    expect([again.status, again.body.status]).toEqual([201, "confirmed"]);
    expect(await charges(admin)).toHaveLength(1);
    expect((await admin.get("/v1/admin/inventory/MUG")).body).toMatchObject({ onHand: 49, held: 0 });
  });

  test("in the middle of a rush: every order that was accepted is kept, the books agree", async () => {
    const buyer = new Client(shop.url);
    const told = new Map<string, string>();
    const rush = Array.from({ length: 80 }, async (_, n) => {
      const answer = await buyer.buy(anOrder("tok_visa", 1, "MUG", `b${n}@example.com`)).catch(() => undefined);
      if (answer?.status === 201) told.set(answer.body.id, answer.body.guestToken);
      if (told.size === 10) shop.child.kill("SIGKILL");
    });
    await Promise.all(rush);
    await shop.kill();
    expect(told.size).toBeGreaterThanOrEqual(10);

    const { guest, admin } = await restart();
    const open = async () => {
      const { body } = await admin.get("/v1/admin/orders?status=pending");
      return body.data.length as number;
    };
    expect(await until(open, (left) => left === 0, 400)).toBe(0);
    for (const [id, token] of told)
      expect((await guest.get(`/v1/orders/${id}`, { "x-guest-token": token })).body.status).toBe("confirmed");

    const confirmed = (await admin.get("/v1/admin/orders?status=confirmed&limit=100")).body.data.length;
    const captured = (await charges(admin)).filter(
      ({ captured, refunded }: Record<string, number>) => captured === 1900 && refunded === 0,
    ).length;
    const { onHand, held } = (await admin.get("/v1/admin/inventory/MUG")).body;
    const invoices = (await admin.get("/v1/admin/invoices?limit=100")).body.data.map(
      ({ sequence }: { sequence: number }) => sequence,
    );
    expect({ captured, onHand, held, invoices: invoices.length }).toEqual({
      captured: confirmed,
      onHand: 50 - confirmed,
      held: 0,
      invoices: confirmed,
    });
    expect(Math.max(...invoices)).toBe(confirmed);
  });

  test("a second process on the same data is refused with one clear line", async () => {
    const second = await startShop(folder);
    expect(second.child.exitCode).toBe(1);
    expect(second.output()).toMatch(/^\S+lonja\.db is in use by another process\..*\n$/m);
  });

  test("SIGTERM ends within a moment, with nothing left undone", async () => {
    const { body: order } = await new Client(shop.url).buy(anOrder());
    expect(await shop.stop()).toBe(0);
    const { guest } = await restart();
    expect((await guest.get(`/v1/orders/${order.id}`, { "x-guest-token": order.guestToken })).status).toBe(200);
  });
});

describe("a folder that cannot be made", () => {
  test("stops the start with one line that names it", async () => {
    const shop = await startShop("/proc/lonja");
    expect(shop.child.exitCode).toBe(1);
    expect(shop.output()).toMatch(/^\/proc\/lonja\/lonja\.db cannot be used: .+\.\n$/);
  });
});

describe("a setting that cannot be used", () => {
  test.each([
    ["PORT", "http", /^PORT=http cannot be used: .+\.$/m],
    ["STORE", "oracle://x", /^STORE=oracle:\/\/x cannot be used: .+\.$/m],
    ["SERVICES", "orders,nothing", /^SERVICES=orders,nothing cannot be used: .+\.$/m],
    ["LOG_LEVEL", "loud", /^LOG_LEVEL=loud cannot be used: .+\.$/m],
  ])("%s=%s stops the start with one line that names it", async (name, value, wanted) => {
    const folder = mkdtempSync(join(tmpdir(), "lonja-setting-"));
    const shop = await startShop(folder, { [name]: value });
    expect(shop.child.exitCode).toBe(2);
    expect(shop.output()).toMatch(wanted);
    expect(shop.output().trim().split("\n")).toHaveLength(1);
    rmSync(folder, { recursive: true, force: true });
  });
});
