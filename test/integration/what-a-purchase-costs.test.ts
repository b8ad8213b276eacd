import type { Middleware } from "moleculer";
import type { Collection } from "../../mixins/collection.ts";
import { contracts, type ServiceName } from "../../services/contracts.ts";
import type { Stock } from "../../services/inventory/stock.ts";
import type { Figures } from "../../services/shared/figures.ts";
import { adminOf, anOrder, type Client, drained, Client as Guest, stockMugs, until } from "../client.ts";
import { needNats, startNats } from "../servers/nats.ts";
import { describeWith, type RunningServer } from "../servers/server.ts";
import { openShop, type Shop } from "../shop.ts";

/*
 * Speed is not tested; what is counted here is what it is made of. A figure that rises is to be looked at: it may be
 * worth it, and then is changed here, with a word about it in docs/performance.md.
 */
const PURCHASES = 5;

/** What so many purchases, one after the other, have added to the counts, for each of them. */
async function costOfOne(admin: Client, url: string, counts: () => Record<string, number>) {
  const buy = async () => {
    const { status, text } = await new Guest(url).buy(anOrder());
    if (status !== 201) throw new Error(`${status} ${text}`);
  };
  await buy();
  await drained(admin);
  const before = counts();
  for (let n = 0; n < PURCHASES; n++) await buy();
  await drained(admin);
  const cost = Object.entries(counts()).map(([name, count]) => [name, (count - (before[name] ?? 0)) / PURCHASES]);
  return Object.fromEntries(cost) as Record<string, number>;
}

describe("what it costs in a shop that is one process", () => {
  let shop: Shop;
  let admin: Client;
  const figuresOf = (name: ServiceName) =>
    (shop.broker.getLocalService(name) as unknown as { figures: Figures }).figures;

  beforeEach(async () => {
    shop = await openShop({ env: { DOCTOR_EVERY_MINUTES: "0" } });
    admin = await adminOf(shop.url);
    await stockMugs(admin, 1_000);
  });
  afterEach(() => shop.close());

  test("a purchase writes 26 documents, three of them for the journal of events, in as many syncs of the disk at most where nobody else buys", async () => {
    const { writes, commits } = await costOfOne(admin, shop.url, () => ({ ...figuresOf("orders") }));
    // One that lost a race with another change of the same document is written again.
    expect(Math.round(writes ?? 0)).toBe(26);
    expect(commits).toBeLessThanOrEqual(27);
  });

  test("a SKU that is sold without a pause has no more to tell after the last purchase than after the first", async () => {
    const { stock } = shop.broker.getLocalService("inventory") as unknown as { stock: Collection<Stock> };
    const waiting: number[] = [];
    let left = 600;
    const buyOnAndOn = async () => {
      while (left-- > 0) {
        expect((await new Guest(shop.url).buy(anOrder())).status).toBe(201);
        waiting.push((await stock.adapter.findById("MUG"))?.outbox?.length ?? 0);
      }
    };
    await Promise.all(Array.from({ length: 32 }, buyOnAndOn));
    expect(waiting).toHaveLength(600);
    expect(Math.max(...waiting)).toBeLessThan(20);
  });

  test("products that nobody has changed are shown again without a question or a write", async () => {
    await drained(admin);
    const paths = ["/v1/products", "/v1/products/a-mug", "/v1/products?q=mug"];
    for (const path of paths) await new Guest(shop.url).read(path);
    const { calls, writes } = { ...figuresOf("catalog") };
    for (const path of paths) await new Guest(shop.url).read(path);
    expect({ ...figuresOf("catalog") }).toMatchObject({ calls, writes });
  });
});

describeWith([needNats], "what it costs in a shop of many processes", () => {
  let nats: RunningServer;
  const shops: Shop[] = [];
  const asked: Record<string, number> = {};
  type Send = (topic: string, data: Buffer, meta: Meta) => unknown;
  interface Meta {
    packet: { type: string; payload: { action: string } };
  }
  const counting = {
    transporterSend: (next: Send) => (topic: string, data: Buffer, meta: Meta) => {
      const { type, payload } = meta.packet;
      if (type === "REQ") asked[payload.action] = (asked[payload.action] ?? 0) + 1;
      return next(topic, data, meta);
    },
  } as unknown as Middleware;

  beforeAll(async () => {
    nats = await startNats();
    const env = { TRANSPORTER: nats.url, BUS_SECRET: "a secret that only these nodes know", DOCTOR_EVERY_MINUTES: "0" };
    const names = Object.keys(contracts) as ServiceName[];
    const opened = names.map((name) =>
      openShop({ services: [name], env: { ...env, NAMESPACE: "costs", NODE_ID: name }, inside: counting }),
    );
    shops.push(...(await Promise.all(opened)));
  });
  afterAll(async () => {
    await Promise.all(shops.map((shop) => shop.close()));
    await nats?.stop();
  });

  test("a purchase is eleven questions from node to node, and a list asks for its stock once", async () => {
    const url = shops.find((shop) => shop.url)?.url ?? "";
    await until(
      () =>
        fetch(`${url}/health/ready`).then(
          ({ status }) => status,
          () => 0,
        ),
      (status) => status === 200,
    );
    const admin = await adminOf(url);
    await stockMugs(admin, 1_000);
    const { "inventory.availability": before = 0 } = asked;
    const cost = await costOfOne(admin, url, () => ({ ...asked }));
    const looking = ["doctor.latest", "notifications.webhookBacklog"];
    const ofPurchase = Object.entries(cost).filter(
      ([name, n]) => n && !looking.includes(name) && !/outbox$/.test(name),
    );
    expect(Object.fromEntries(ofPurchase)).toEqual({
      "orders.place": 1,
      "catalog.offers": 1,
      "inventory.hold": 1,
      "payments.authorize": 1,
      "sandbox.authorize": 1,
      "inventory.commit": 1,
      "payments.captureOrder": 1,
      "sandbox.capture": 1,
      "notifications.hear": 3,
    });
    await new Guest(url).read("/v1/products");
    expect((asked["inventory.availability"] ?? 0) - before).toBe(1);
  });
});
