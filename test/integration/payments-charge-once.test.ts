import { cpSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { realWorld } from "../../services/shared/world.ts";
import { until } from "../client.ts";
import { asked, orderId, staff, till } from "../money.ts";
import { openShop, type Shop, type ShopOptions } from "../shop.ts";

const services: ShopOptions["services"] = ["payments", "sandbox"];
const aMinuteLater = { ...realWorld, now: () => realWorld.now() + 60_000 };
const many = <T>(n: number, ask: () => Promise<T>) => Promise.all(Array.from({ length: n }, ask));

describe("a payment is charged once", () => {
  let shop: Shop;
  beforeEach(async () => {
    shop = await openShop({ services });
  });
  afterEach(() => shop.close());

  test("however many ask at once", async () => {
    const { authorize, charges } = till(shop);
    const payments = await many(50, () => authorize(1));

    expect(new Set(payments.map(({ id }) => id)).size).toBe(1);
    expect(payments.every(({ status }) => status === "authorized")).toBe(true);
    expect(await charges()).toHaveLength(1);
  });

  test("and taken once, with one entry and one invoice", async () => {
    const { authorize, captureOrder, charges, ledger, invoice } = till(shop);
    await authorize(1);
    const payments = await many(20, () => captureOrder(1));

    expect(payments.every(({ status, captured }) => status === "captured" && captured.amount === 10_000)).toBe(true);
    expect(await charges()).toMatchObject([{ status: "captured", captured: 10_000 }]);
    expect(await ledger(1)).toMatchObject([{ kind: "capture" }]);
    expect(await invoice(1)).toMatchObject({ number: "INV-000001", status: "paid" });
  });

  test.each(["tok_timeout", "tok_flaky"])("when the provider's answer is lost (%s)", async (token) => {
    const { authorize, charges } = till(shop);
    const payments = await many(5, () => authorize(1, token));

    expect(payments.every(({ status }) => status === "authorized")).toBe(true);
    expect(await charges()).toMatchObject([{ token, status: "authorized", amount: 10_000 }]);
  });

  test.each([
    ["tok_declined", "card_declined"],
    ["tok_insufficient_funds", "insufficient_funds"],
    ["tok_of_nobody", "invalid_token"],
    ["__proto__", "invalid_token"],
  ])("or not at all: %s is %s, also when asked again with another token", async (token, failure) => {
    const { authorize, charges, captureOrder } = till(shop);

    expect(await authorize(1, token)).toMatchObject({ status: "failed", failure });
    expect(await authorize(1, "tok_visa")).toMatchObject({ status: "failed", failure });
    expect(await captureOrder(1)).toMatchObject({ status: "failed", captured: { amount: 0 } });
    expect(await charges()).toMatchObject([{ status: "declined" }]);
  });

  test("the bank may take its time", async () => {
    const { authorize, charges, get } = till(shop);
    const { id, status } = await authorize(1, "tok_async");

    expect(status).toBe("awaiting");
    expect(
      await until(
        () => get(id),
        (payment) => payment.status !== "awaiting",
      ),
    ).toMatchObject({
      status: "authorized",
    });
    expect(await charges()).toHaveLength(1);
  });

  test.each([
    [true, "authorized", null],
    [false, "failed", "authentication_failed"],
  ])("the buyer is asked, and says %s", async (approve, status, failure) => {
    const { authorize, get } = till(shop);
    const { id, nextAction, ...payment } = await authorize(1, "tok_3ds");
    const charge = nextAction?.url.split("/").at(-1) ?? "";

    expect(payment.status).toBe("requires_action");
    expect(nextAction).toEqual({ type: "redirect", url: `/v1/sandbox/charges/${charge}` });
    expect(await shop.call("sandbox.page", { id: charge })).toContain("€100.00");
    await shop.call("sandbox.confirm", { id: charge, approve });
    expect(
      await until(
        () => get(id),
        (payment) => payment.status !== "requires_action",
      ),
    ).toMatchObject({
      status,
      failure,
      nextAction: null,
    });
  });

  test("a capture that is refused leaves nothing taken and nothing reserved once it is reversed", async () => {
    const { authorize, captureOrder, reverse, charges, ledger, invoice } = till(shop);
    await authorize(1, "tok_capture_fails");

    expect(await captureOrder(1)).toMatchObject({ status: "failed", failure: "capture_refused" });
    expect(await captureOrder(1)).toMatchObject({ status: "failed" });
    expect(await charges()).toMatchObject([{ status: "authorized", captured: 0 }]);
    expect(await reverse(1)).toMatchObject({ status: "canceled", failure: "capture_refused" });
    expect(await charges()).toMatchObject([{ status: "canceled", captured: 0 }]);
    expect(await ledger(1)).toEqual([]);
    await expect(invoice(1)).rejects.toMatchObject({ type: "not_found" });
  });

  test("neither the answers nor the log hold the token", async () => {
    const said: unknown[] = [];
    const hear = (...words: unknown[]) => void said.push(words);
    Object.assign(shop.broker.getLocalService("payments").logger, { warn: hear, error: hear, info: hear, debug: hear });
    const { authorize, get } = till(shop);
    const payment = await authorize(1, "tok_flaky");

    expect(said).not.toEqual([]);
    expect(JSON.stringify([said, payment, await get(payment.id)])).not.toContain("tok_flaky");
  });

  test("a purchase that was begun for another amount than its bill is refused", async () => {
    await expect(
      shop.call("payments.authorize", { ...asked(1, "tok_visa"), amount: { amount: 1, currency: "EUR" } }),
    ).rejects.toMatchObject({ type: "invalid_input" });
    expect(await till(shop).charges()).toEqual([]);
  });
});

test("a stranger cannot tell somebody's payment, or its invoice, from one that does not exist", async () => {
  const shop = await openShop({ services: ["payments", "sandbox", "orders"] });
  const { id } = await till(shop).authorize(1);
  await till(shop).captureOrder(1);
  const said = (asking: Promise<unknown>) => asking.catch(({ type, message }) => ({ type, message }));

  const payments = [id, "pay_00000000000000000000000000"].map((id) => said(shop.call("payments.get", { id })));
  const invoices = [1, 2].map((n) => said(shop.call("payments.invoice", { orderId: orderId(n) })));
  for (const [theirs, missing] of [await Promise.all(payments), await Promise.all(invoices)]) {
    expect(theirs).toEqual(missing);
    expect(theirs).toMatchObject({ type: "not_found" });
  }
  await shop.close();
});

describe("a payment survives", () => {
  const folders: string[] = [];
  const shops: Shop[] = [];
  const open = async (options: ShopOptions) => {
    const shop = await openShop(options);
    shops.push(shop);
    return shop;
  };
  afterEach(async () => {
    for (const shop of shops.splice(0)) await shop.close();
    for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
  });
  /** The disk as it is at this moment: what a process that dies now leaves behind. */
  const crashSite = ({ folder }: Shop) => {
    const copy = mkdtempSync(join(tmpdir(), "lonja-"));
    folders.push(copy);
    cpSync(folder, copy, { recursive: true, filter: (path) => !path.includes("-owner") && !path.endsWith("-shm") });
    return copy;
  };

  test("a crash between the charge and the answer: it is found and not charged again", async () => {
    const before = await open({ services });
    const asking = till(before).authorize(1, "tok_timeout");
    await until(till(before).charges, (charges) => charges.length > 0);
    const dataDir = crashSite(before);
    await asking;

    const after = till(await open({ services, dataDir, world: aMinuteLater }));
    const { id, key } = (await after.charges())[0] ?? { id: "", key: "" };
    expect(
      await until(
        () => after.get(key),
        ({ status }) => status !== "awaiting",
      ),
    ).toMatchObject({
      status: "authorized",
    });
    expect(await after.authorize(1, "tok_timeout")).toMatchObject({ status: "authorized" });
    expect(await after.charges()).toMatchObject([{ id, captured: 0 }]);
  });

  test("crashes at any moment of a hundred purchases: the books agree with the provider's", async () => {
    const before = await open({ services });
    const { authorize, captureOrder } = till(before);
    const buying = Promise.all(
      Array.from({ length: 100 }, async (_, n) => {
        await authorize(n);
        await captureOrder(n);
      }),
    );
    const dataDirs: string[] = [];
    let done = false;
    buying.finally(() => {
      done = true;
    });
    for (let site = 0; site < 4 && !done; site++) {
      const charges = (await till(before).charges()).length;
      await until(till(before).charges, ({ length }) => done || length > charges, 20);
      dataDirs.push(crashSite(before));
    }
    await buying;

    for (const dataDir of dataDirs) {
      const shop = await open({ services, dataDir, world: aMinuteLater });
      const after = till(shop);
      await Promise.all(
        Array.from({ length: 100 }, async (_, n) => {
          await after.authorize(n);
          await after.captureOrder(n);
        }),
      );
      const charges = await after.charges();
      expect(charges).toHaveLength(100);
      expect(charges.every(({ captured }) => captured === 10_000)).toBe(true);
      const { data } = await shop.call("payments.ledger", { limit: 100 }, staff);
      expect(data).toHaveLength(100);
      expect(new Set(data.map(({ orderId }) => orderId)).size).toBe(100);
      const numbers = (await shop.call("payments.invoices", { limit: 100 }, staff)).data.map(
        ({ sequence }) => sequence,
      );
      expect(numbers).toEqual(Array.from({ length: 100 }, (_, n) => 100 - n));
    }
  });

  test("a provider that is away: it is awaited and charged once the provider is back", async () => {
    const dataDir = crashSite(await open({ services }));
    const alone = await openShop({ services: ["payments"], dataDir });
    const { id, status } = await till(alone).authorize(1);
    expect(status).toBe("awaiting");
    await expect(till(alone).captureOrder(1)).rejects.toMatchObject({ type: "invalid_state" });
    await alone.close();

    const { get, charges } = till(await open({ services, dataDir, world: aMinuteLater }));
    expect(
      await until(
        () => get(id),
        (payment) => payment.status !== "awaiting",
      ),
    ).toMatchObject({
      status: "authorized",
      orderId: orderId(1),
    });
    expect(await charges()).toHaveLength(1);
  });
});
