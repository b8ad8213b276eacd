import { jest } from "@jest/globals";
import type { ServiceName } from "../../services/contracts.ts";
import { adminOf, anOrder, Client, stockMugs, until } from "../client.ts";
import { everyService, ShopCluster } from "../cluster.ts";
import { ok, openReceiver, type Received, type Receiver } from "../receiver.ts";
import { needNats, startNats } from "../servers/nats.ts";
import { needPostgres, newDatabase, startPostgres } from "../servers/postgres.ts";
import { describeWith, type RunningServer } from "../servers/server.ts";

jest.setTimeout(180_000);

const orderIn = ({ body }: Received): string => JSON.parse(body).data.order.id;
const one = Object.fromEntries(everyService.map((service) => [service, 1])) as Record<ServiceName, number>;

describeWith([needNats, needPostgres], "webhooks of two nodes", () => {
  const running: RunningServer[] = [];
  let shop: ShopCluster;
  let receiver: Receiver;
  let admin: Client;
  let path: string;

  beforeAll(async () => {
    const [nats, postgres] = [await startNats(), await startPostgres()];
    running.push(nats, postgres);
    receiver = await openReceiver();
    const store = await newDatabase(postgres, "webhooks");
    const env = { TRANSPORTER: nats.url, STORE: store, RATE_LIMIT: "off", WEBHOOK_ALLOW: receiver.place };
    shop = await ShopCluster.open({ env, scale: { ...one, notifications: 2 } });
    shop.mend();
    admin = await adminOf(shop.urls[0] ?? "");
    await stockMugs(admin, 1_000);
    const wanted = { url: receiver.url, eventTypes: ["order.confirmed"] };
    path = `/v1/admin/webhook-endpoints/${(await admin.post("/v1/admin/webhook-endpoints", wanted)).body.id}`;
  });
  afterAll(async () => {
    await shop?.close();
    await receiver?.close();
    await Promise.all(running.map((server) => server.stop()));
  });

  const buy = async (many: number): Promise<string[]> => {
    const guest = new Client(shop.urls[0] ?? "");
    const answers = await Promise.all(Array.from({ length: many }, () => guest.buy(anOrder())));
    return answers.map(({ body }) => body.id);
  };
  const untilNothingWaits = () =>
    until(
      () => admin.get(path),
      ({ body }) => body.waiting === 0,
      1_600,
    );

  test("each delivery is made by one of them", async () => {
    const orders = await buy(60);
    await receiver.got(60);
    await untilNothingWaits();
    expect(receiver.received.map(orderIn).toSorted()).toEqual(orders.toSorted());
  });

  test("one is killed with some under way: the other makes them, under the same ids, and none is missing", async () => {
    receiver.received.length = 0;
    receiver.answer = () => {};
    const orders = await buy(30);
    await receiver.got(5);
    await shop.alive("notifications")[0]?.process.kill();
    receiver.answer = ok;
    expect((await untilNothingWaits()).body).toMatchObject({ waiting: 0, dead: 0, enabled: true });

    expect([...new Set(receiver.received.map(orderIn))].toSorted()).toEqual(orders.toSorted());
    for (const [, all] of Map.groupBy(receiver.received, orderIn))
      expect(new Set(all.map(({ headers }) => headers["webhook-id"])).size).toBe(1);
    expect(shop.slips()).toEqual([]);
  });
});
