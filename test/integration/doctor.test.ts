import { setTimeout as pause } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import type { Middleware } from "moleculer";
import type { Doc } from "../../mixins/store.mixin.ts";
import type { Repair, Report } from "../../services/doctor/doctor.contract.ts";
import { realWorld } from "../../services/shared/world.ts";
import { adminOf, anOrder, Client, stockMugs } from "../client.ts";
import { kept, plants, type Spoiled, settled, spoil, Vandal } from "../planting.ts";
import { needMongo, startMongo } from "../servers/mongo.ts";
import { needPostgres, startPostgres } from "../servers/postgres.ts";
import { describeWith } from "../servers/server.ts";
import { openShop, type Shop } from "../shop.ts";

const found = ({ checks }: Report) =>
  checks.flatMap(({ name, findings }) => findings.map(({ about }) => `${name}: ${about[0]}`)).toSorted();
const named = (spoiled: readonly Spoiled[]) => spoiled.map(({ check, about }) => `${check}: ${about}`).toSorted();

describe("doctor", () => {
  let shop: Shop;
  let admin: Client;

  beforeEach(async () => {
    shop = await openShop();
    admin = await adminOf(shop.url);
  });
  afterEach(() => shop.close());

  const examined = async (): Promise<Report> => {
    const { status, body, text } = await admin.get("/v1/admin/doctor");
    if (status !== 200) throw new Error(`${status} ${text}`);
    return body as Report;
  };

  test("finds nothing in a shop that nobody has bought anything in", async () => {
    const report = await examined();
    expect(report).toMatchObject({ ok: true });
    expect(found(report)).toEqual([]);
  });

  test("finds nothing wrong with orders that went well, were declined, wait or were canceled", async () => {
    await stockMugs(admin, 100);
    const buyer = new Client(shop.url);
    for (const token of ["tok_visa", "tok_declined", "tok_3ds", "tok_async", "tok_flaky", "tok_capture_fails"])
      await buyer.buy(anOrder(token));
    const { body } = await buyer.buy(anOrder());
    await admin.post(`/v1/orders/${body.id}/cancel`);
    await admin.post(`/v1/admin/inventory/MUG/adjustments`, { delta: -3, reason: "broken" });
    const report = await examined();
    expect(found(report)).toEqual([]);
    expect(report).toMatchObject({ ok: true });
    expect(report.checks.find(({ name }) => name === "order_totals")).toMatchObject({
      examined: 7,
      detail: "7 orders",
    });
  });

  test(`names each of ${plants.length} corruptions, and nothing else`, async () => {
    const spoiled = await spoil(shop, admin);
    const report = await examined();
    expect(found(report)).toEqual(named(spoiled));
    expect(report.ok).toBe(false);
  });

  test("repairs what can be repaired safely, leaves a record of it, and the rest alone; twice changes nothing more", async () => {
    const spoiled = await spoil(shop, admin);
    const { status, body } = await admin.post("/v1/admin/doctor/repairs");
    expect({ status, body }).toMatchObject({ status: 200, body: { status: "done" } });
    await settled(shop);
    const left = named(spoiled.filter(({ isGone }) => !isGone));
    expect(found(await examined())).toEqual(left);
    const { body: records } = await admin.get("/v1/admin/doctor/repairs?limit=100");
    expect(records.data.filter(({ outcome }: Repair) => outcome !== "repaired")).toEqual([
      expect.objectContaining({ check: "stock_movements", outcome: "still_wrong" }),
      expect.objectContaining({ check: "stock_movements", outcome: "still_wrong" }),
    ]);

    const books = () =>
      Promise.all([
        shop.call("orders.audit", {}),
        shop.call("payments.audit", {}),
        shop.call("payments.auditLedger", {}),
        shop.call("payments.auditNumbers", {}),
        shop.call("sandbox.audit", {}),
        shop.call("inventory.auditStock", {}),
        shop.call("inventory.auditMovements", { by: "sku" }),
      ]);
    const before = await books();
    expect((await admin.post("/v1/admin/doctor/repairs")).body.repairs).toMatchObject([
      { check: "stock_movements", outcome: "still_wrong" },
      { check: "stock_movements", outcome: "still_wrong" },
    ]);
    expect(await books()).toEqual(before);
  });

  describe("while the shop sells", () => {
    const tokens = ["tok_visa", "tok_visa", "tok_visa", "tok_declined", "tok_flaky", "tok_async", "tok_capture_fails"];
    let isOver: boolean;
    let people: Promise<unknown>[];

    /** Buyers who also change their minds, of a few SKUs of which one is always short. */
    const buy = async (n: number) => {
      const buyer = new Client(shop.url);
      for (let turn = n; !isOver; turn++) {
        const sku = turn % 5 === 0 ? "SHORT" : "MUG";
        const { status, body } = await buyer.buy(anOrder(tokens[turn % tokens.length], 1 + (turn % 3), sku));
        if (status === 201 && turn % 4 === 0) await admin.post(`/v1/orders/${body.id}/cancel`);
        if (turn % 6 === 0) await admin.post("/v1/admin/inventory/SHORT/adjustments", { delta: 1, reason: "found" });
      }
    };

    beforeEach(async () => {
      await stockMugs(admin, 100_000);
      await stockMugs(admin, 3, "SHORT");
      isOver = false;
      people = Array.from({ length: 12 }, (_, n) => buy(n));
    });

    test("it never cries wolf, however often it is asked", async () => {
      const reports: Report[] = [];
      for (let times = 0; times < 6; times++) reports.push(await examined());
      isOver = true;
      await Promise.all(people);
      expect(reports.flatMap(({ checks }) => checks.flatMap(({ findings }) => findings))).toEqual([]);
      expect(reports.every(({ ok }) => ok)).toBe(true);
      const sizes = reports.map(({ checks }) => checks[0]?.examined ?? 0);
      expect(sizes.at(-1)).toBeGreaterThan(sizes[0] ?? 0);
      expect(found(await examined())).toEqual([]);
    });

    test("news that takes longer than doctor looks is on its way, and nothing is missing", async () => {
      isOver = true;
      await Promise.all(people);
      const late: Middleware = {
        localAction: (next, action) => async (ctx) => {
          if (action.name?.endsWith(".hear")) await new Promise((resolve) => setTimeout(resolve, 8_000));
          return next.call(undefined as never, ctx);
        },
      };
      const slow = await openShop({ between: late });
      try {
        const staff = await adminOf(slow.url);
        await stockMugs(staff, 10);
        const buyer = new Client(slow.url);
        const [one, other] = [await buyer.buy(anOrder()), await buyer.buy(anOrder())];
        await staff.post(`/v1/orders/${other.body.id}/cancel`);
        await staff.post(`/v1/admin/payments/${one.body.payment.id}/refunds`, { amount: 100, reason: "late" });
        expect((await slow.call("notifications.audit", {})).data).toEqual([]);
        expect(found((await staff.get("/v1/admin/doctor")).body)).toEqual([]);
      } finally {
        await slow.close();
      }
    });

    test("it finds what is wrong with a SKU that everybody buys", async () => {
      const { data } = await kept<Doc>(shop, "inventory", "movements").find({ where: { sku: "MUG" }, limit: 1 });
      await new Vandal(shop).remove("inventory.movements", { _id: data[0]?.id ?? "" });
      const report = await examined();
      isOver = true;
      await Promise.all(people);
      expect(found(report)).toEqual(["stock_movements: MUG"]);
    });
  });

  describe("where a service is away", () => {
    test("nothing that needs it is called right, and a doctor that is all alone says so", async () => {
      const alone = await openShop({ services: ["doctor"] });
      const report = await alone.call("doctor.examine", {}, { timeout: 60_000 });
      await alone.close();
      expect(report.ok).toBe(false);
      for (const { name, ok, found, detail } of report.checks)
        if (!["services", "outbox_lag", "dead_letters"].includes(name))
          expect({ name, ok, found, detail }).toEqual({
            name,
            ok: false,
            found: 0,
            detail: expect.stringMatching(/^Not all was looked at: .* could not be asked/),
          });
    });

    test("what needs it is not called right, and all else is looked at nevertheless", async () => {
      await stockMugs(admin, 10);
      await new Client(shop.url).buy(anOrder());
      await settled(shop);
      await shop.broker.destroyService("notifications");
      const { ok, checks } = await examined();
      expect(ok).toBe(false);
      expect(
        checks.filter((check) => !check.ok).map(({ name, findings }) => [name, findings.map(({ about }) => about)]),
      ).toEqual([
        ["confirmation_mails", []],
        ["services", [["notifications"]]],
        ["outbox_lag", [["notifications"]]],
        ["dead_letters", [["notifications"]]],
      ]);
      expect(checks.find(({ name }) => name === "charges")).toMatchObject({ ok: true, examined: 1 });
    });
  });

  test("who asks at the same time shares one examination; who asks later gets one that began later", async () => {
    const [one, other] = await Promise.all([examined(), examined()]);
    expect(other).toEqual(one);
    const later = await examined();
    expect(later.startedAt >= one.endedAt).toBe(true);
  });

  test("repairs that take longer than a request go on, and who asks next gets the report that comes after them", async () => {
    const hasty = {
      ...realWorld,
      after: (ms: number, then: () => void) => realWorld.after(ms === 25_000 ? 50 : ms, then),
    };
    const other = await openShop({ world: hasty });
    try {
      const staff = await adminOf(other.url);
      await spoil(other, staff);
      expect(await staff.post("/v1/admin/doctor/repairs")).toMatchObject({ status: 202, body: { report: null } });
      while ((await staff.get("/v1/admin/doctor")).status === 503) await pause(100);
      const { body } = await staff.get("/v1/admin/doctor/repairs?limit=100");
      const outcomes = body.data.map(({ outcome }: Repair) => outcome);
      expect(outcomes).toContain("repaired");
      expect(outcomes).not.toContain("asked");
    } finally {
      await other.close();
    }
  });

  test("only admins repair, and staff look", async () => {
    await new Client(shop.url).post("/v1/auth/register", {
      email: "staff@lonja.test",
      password: "correct horse battery",
      name: "Staff",
    });
    const { body: users } = await admin.get("/v1/admin/users?limit=100");
    const { id } = users.data.find(({ email }: { email: string }) => email === "staff@lonja.test");
    await admin.send("PATCH", `/v1/admin/users/${id}`, { role: "staff" });
    const staff = await new Client(shop.url).login("staff@lonja.test", "correct horse battery");
    const guest = new Client(shop.url);
    const statuses = async (client: Client) => [
      (await client.get("/v1/admin/doctor")).status,
      (await client.get("/v1/admin/doctor/repairs")).status,
      (await client.post("/v1/admin/doctor/repairs")).status,
    ];
    expect(await statuses(guest)).toEqual([401, 401, 401]);
    expect(await statuses(staff)).toEqual([200, 200, 403]);
    expect(await statuses(admin)).toEqual([200, 200, 200]);
  });
});

const servers = [
  ["PostgreSQL", needPostgres, startPostgres],
  ["MongoDB", needMongo, startMongo],
] as const;
for (const [name, need, start] of servers)
  describeWith([need], `doctor on ${name}`, () => {
    test("names each corruption, and nothing else", async () => {
      const server = await start();
      const shop = await openShop({ env: { STORE: server.url } });
      try {
        const admin = await adminOf(shop.url);
        expect(found((await admin.get("/v1/admin/doctor")).body)).toEqual([]);
        const spoiled = await spoil(shop, admin);
        expect(found((await admin.get("/v1/admin/doctor")).body)).toEqual(named(spoiled));
      } finally {
        await shop.close();
        await server.stop();
      }
    });
  });
