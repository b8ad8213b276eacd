import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { jest } from "@jest/globals";
import { adminOf, anOrder, Client, stockMugs, until } from "../client.ts";
import { type ShopProcess, startShop } from "../process.ts";
import { ok, openReceiver, type Received, type Receiver } from "../receiver.ts";

/** A try that was cut off is made again when its lease is over, half a minute later. */
jest.setTimeout(150_000);

const orderIn = ({ body }: Received): string => JSON.parse(body).data.order.id;

describe("kill -9 and webhooks", () => {
  let folder: string;
  let shop: ShopProcess;
  let receiver: Receiver;
  const restart = async () => {
    shop = await startShop(folder, { WEBHOOK_ALLOW: receiver.place });
    return { guest: new Client(shop.url), admin: await adminOf(shop.url) };
  };

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), "lonja-kill-"));
    receiver = await openReceiver();
    const { admin } = await restart();
    await stockMugs(admin, 500);
    const wanted = { url: receiver.url, eventTypes: ["order.confirmed"] };
    expect((await admin.post("/v1/admin/webhook-endpoints", wanted)).status).toBe(201);
  });
  afterEach(async () => {
    await shop.kill();
    await receiver.close();
    rmSync(folder, { recursive: true, force: true });
  });

  test("between sending and noting: it is sent again, with the same id and the same body", async () => {
    receiver.answer = () => {};
    const { body: order } = await new Client(shop.url).buy(anOrder());
    await receiver.got(1);
    await shop.kill();

    receiver.answer = ok;
    await restart();
    const [first, second] = await receiver.got(2);
    expect(second?.headers["webhook-id"]).toBe(first?.headers["webhook-id"]);
    expect(second?.body).toBe(first?.body);
    expect(orderIn(second as Received)).toBe(order.id);
  });

  test("in the middle of a rush, three times: of every order that was accepted the receiver hears", async () => {
    // What was sent before a kill may be in its ears, and not in its books: it counts only what it has said yes to.
    const heard = new Set<string>();
    const seen = new Set<string>();
    receiver.answer = (response, received) => {
      const order = orderIn(received);
      const isFirst = !seen.has(order);
      if (isFirst && seen.add(order).size % 4 === 0) return response.writeHead(500).end();
      heard.add(order);
      return response.writeHead(204).end();
    };
    const told = new Set<string>();
    for (let round = 0; round < 3; round++) {
      const buyer = new Client(shop.url);
      let most = told.size + 8;
      const rush = Array.from({ length: 40 }, async () => {
        const answer = await buyer.buy(anOrder()).catch(() => undefined);
        if (answer?.status === 201) told.add(answer.body.id);
        if (told.size < most) return;
        most = Number.POSITIVE_INFINITY;
        shop.child.kill("SIGKILL");
      });
      await Promise.all(rush);
      await shop.kill();
      await restart();
    }
    expect(told.size).toBeGreaterThanOrEqual(24);
    const missing = await until(
      async () => [...told].filter((id) => !heard.has(id)),
      (left) => left.length === 0,
      1_600,
    );
    expect(missing).toEqual([]);

    // However often an order was told of, it was told of under one id.
    const idsOf = Map.groupBy(receiver.received, orderIn);
    for (const [, all] of idsOf) expect(new Set(all.map(({ headers }) => headers["webhook-id"])).size).toBe(1);
  });
});
