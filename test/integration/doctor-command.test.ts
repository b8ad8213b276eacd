import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { text } from "node:stream/consumers";
import { adminOf, anOrder, Client, stockMugs } from "../client.ts";
import { settled, Vandal } from "../planting.ts";
import { type ShopProcess, startShop } from "../process.ts";
import { needNats, startNats } from "../servers/nats.ts";
import { describeWith } from "../servers/server.ts";
import { openShop } from "../shop.ts";

/** As an operator starts it. */
async function doctor(args: string[], env: Record<string, string>) {
  const child = spawn(process.execPath, ["doctor/doctor.ts", ...args], {
    env: { PATH: process.env.PATH ?? "", ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const said = Promise.all([text(child.stdout), text(child.stderr)]);
  const [code] = await once(child, "exit");
  const [stdout, stderr] = await said;
  return { code, stdout, stderr };
}

const password = { ADMIN_EMAIL: "admin@lonja.test", ADMIN_PASSWORD: "correct horse battery" };

describe("npm run doctor", () => {
  let folder: string;
  let env: Record<string, string>;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "lonja-doctor-"));
    env = { DATA_DIR: folder };
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true, maxRetries: 5 }));

  /** Somebody has bought a mug, and somebody else can write into the books. */
  const soldOnce = async (spoil: (vandal: Vandal, orderId: string) => Promise<unknown> = async () => {}) => {
    const shop = await openShop({ dataDir: folder });
    await stockMugs(await adminOf(shop.url), 10);
    const { body } = await new Client(shop.url).buy(anOrder());
    await settled(shop);
    await spoil(new Vandal(shop), body.id);
    await shop.close();
  };

  describe("of a shop that is stopped", () => {
    test("looks into its stores: 0 if all is well", async () => {
      await soldOnce();
      const { code, stdout, stderr } = await doctor(["--json"], env);
      expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
      const report = JSON.parse(stdout);
      expect(report.ok).toBe(true);
      expect(report.checks.find(({ name }: { name: string }) => name === "charges")).toMatchObject({ examined: 1 });
    });

    test("says what is wrong, in words for people: 1", async () => {
      await soldOnce((vandal) => vandal.change("inventory.stock", { _id: "MUG" }, () => ({ onHand: 12 })));
      const { code, stdout } = await doctor([], env);
      expect(code).toBe(1);
      expect(stdout).toMatch(/stock_movements\s+1 wrong\s+1 of 1 SKUs/);
      expect(stdout).toContain("MUG: 12 on hand; expected: 9, the sum of its movements");
      expect(stdout).toContain("Not all is well: stock_movements.");
    });

    test("is not surprised by an order that went to sleep with the shop", async () => {
      await soldOnce();
      const db = new DatabaseSync(join(folder, "lonja.db"));
      const lately = "2026-01-01T00:00:00.000Z";
      db.prepare(
        "UPDATE orders_orders SET dueAt = ?, doc = json_set(doc, '$.status', 'canceled', '$.dueAt', ?, '$.process.phase', 'undoing', '$.process.deadlineAt', ?)",
      ).run(lately, lately, lately);
      db.close();
      expect(await doctor([], env)).toMatchObject({ code: 0, stderr: "" });
    });

    test("repairs nothing", async () => {
      await soldOnce();
      expect(await doctor(["--repair"], env)).toMatchObject({
        code: 2,
        stderr: "A shop that is stopped cannot repair anything: start it, and ask again.\n",
      });
    });
  });

  test("says that there is no shop, and makes none: 2", async () => {
    const nowhere = join(folder, "nowhere");
    const { code, stderr } = await doctor([], { DATA_DIR: nowhere });
    expect(code).toBe(2);
    expect(stderr).toMatch(/^There is no shop in .*: nothing was ever kept there\.\n$/);
    expect(existsSync(nowhere)).toBe(false);
  });

  test.each([["--jsno"], ["shop.ndjson"]])("does not guess what %s means: 2", async (arg) => {
    const { code, stderr } = await doctor([arg], env);
    expect({ code, stderr }).toEqual({ code: 2, stderr: expect.stringMatching(/It is: npm run doctor/) });
  });

  describe("of a shop that is open", () => {
    let shop: ShopProcess;

    beforeEach(async () => {
      await soldOnce((vandal, orderId) => vandal.remove("payments.ledger", { orderId }));
      shop = await startShop(folder);
      env = { ...env, PORT: new URL(shop.url).port };
    });
    afterEach(() => shop.kill());

    test("asks who comes in, and then what is wrong; repairs it, and finds nothing any more", async () => {
      const stranger = await doctor([], env);
      expect(stranger).toMatchObject({ code: 2, stdout: "" });
      expect(stranger.stderr).toMatch(/is open, and asks who comes in: set ADMIN_EMAIL and ADMIN_PASSWORD\.\n$/);

      const wrong = await doctor(["--json"], { ...env, ...password });
      expect(wrong.code).toBe(1);
      expect(JSON.parse(wrong.stdout).checks.filter(({ ok }: { ok: boolean }) => !ok)).toMatchObject([
        { name: "ledger_journal", found: 1, findings: [{ remedy: { action: "payments.mend" } }] },
      ]);

      const repaired = await doctor(["--repair"], { ...env, ...password });
      expect(repaired).toMatchObject({ code: 0, stderr: "" });
      expect(repaired.stdout).toMatch(/ledger_journal\s.*payments\.mend\s+repaired/);
      expect(await doctor(["--url", shop.url], password)).toMatchObject({ code: 0, stderr: "" });
    });

    test("whose door is elsewhere is not found: 2", async () => {
      expect(await doctor(["--url", "http://127.0.0.1:1"], password)).toMatchObject({
        code: 2,
        stderr: expect.stringMatching(/^Nobody answers at http:\/\/127\.0\.0\.1:1: /),
      });
    });
  });
});

describeWith([needNats], "npm run doctor of a cluster", () => {
  test("joins it, and asks its doctor", async () => {
    const nats = await startNats();
    const folder = mkdtempSync(join(tmpdir(), "lonja-doctor-"));
    const env = { TRANSPORTER: nats.url, BUS_SECRET: "a secret that only these nodes know", DATA_DIR: folder };
    try {
      const away = await doctor([], { ...env, NAMESPACE: "nobody" });
      const shop = await startShop(folder, env);
      const well = await doctor([], env);
      await shop.stop();
      expect(away).toMatchObject({ code: 2, stderr: expect.stringMatching(/^Nobody answers at nats:/) });
      expect(well).toMatchObject({ code: 0, stderr: "" });
      expect(well.stdout).toContain("All is well.");
    } finally {
      await nats.stop();
      rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
    }
  });
});
