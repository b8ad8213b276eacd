import { jest } from "@jest/globals";
import type { ServiceName } from "../../services/contracts.ts";
import { adminOf, anOrder, Client, stockMugs, until } from "../client.ts";
import { everyService, ShopCluster } from "../cluster.ts";
import { type Heard, Listener } from "../listener.ts";
import { needNats, startNats } from "../servers/nats.ts";
import { needPostgres, newDatabase, startPostgres } from "../servers/postgres.ts";
import { describeWith, type RunningServer } from "../servers/server.ts";

jest.setTimeout(300_000);

const one = Object.fromEntries(everyService.map((service) => [service, 1])) as Record<ServiceName, number>;
const events = "/v1/admin/events";
const ORDERS = 340;

interface Happened {
  data: { order?: { id: string }; payment?: { orderId: string } };
}

/** Follows what happens, and loses the connection again and again, in the middle of whatever comes. */
class Unlucky {
  readonly heard: Heard[] = [];
  drops = 0;
  readonly #urls: () => string[];
  readonly #path: string;
  readonly #token: string;
  #isOver = false;
  readonly #stopped = Promise.withResolvers<void>();
  readonly #over: Promise<void>;

  constructor(urls: () => string[], path: string, token: string, patience: () => number) {
    [this.#urls, this.#path, this.#token] = [urls, path, token];
    this.#over = this.#go(patience);
  }

  async stop(): Promise<void> {
    this.#isOver = true;
    this.#stopped.resolve();
    await this.#over;
  }

  async #go(patience: () => number): Promise<void> {
    for (let n = 0; !this.#isOver; n++) {
      const urls = this.#urls();
      const url = `${urls[n % urls.length]}${this.#path}`;
      const last = this.heard.at(-1)?.id;
      const headers = { authorization: `Bearer ${this.#token}`, ...(last ? { "last-event-id": last } : {}) };
      // Whoever is asked of a node that has just been killed is told to come again.
      const listener = await Listener.open(url, headers).catch((error) => {
        if (error.status !== 503) throw error;
      });
      if (!listener) continue;
      await Promise.race([listener.got(1 + Math.floor(patience())), listener.ended, this.#stopped.promise]);
      listener.drop();
      await listener.ended;
      this.heard.push(...listener.heard);
      this.drops++;
    }
  }
}

describeWith([needNats, needPostgres], "streams of a cluster", () => {
  const running: RunningServer[] = [];
  let shop: ShopCluster;
  let admin: Client;
  let token: string;

  beforeAll(async () => {
    const [nats, postgres] = [await startNats(), await startPostgres()];
    running.push(nats, postgres);
    const env = { TRANSPORTER: nats.url, STORE: await newDatabase(postgres, "streams"), RATE_LIMIT: "off" };
    shop = await ShopCluster.open({ env, scale: { ...one, gateway: 2, notifications: 2 } });
    shop.mend();
    admin = await adminOf(shop.urls[0] ?? "");
    await stockMugs(admin, 1_000);
    const account = { email: "admin@lonja.test", password: "correct horse battery" };
    token = (await new Client(shop.urls[0] ?? "").post("/v1/auth/login", account)).body.accessToken;
  });
  afterAll(async () => {
    await shop?.close();
    await Promise.all(running.map((server) => server.stop()));
  });

  const buy = async (many: number) => {
    const ids: string[] = [];
    const buyOn = async () => {
      const guest = new Client(shop.urls[0] ?? "", {}, { isPatient: true });
      while (many-- > 0) ids.push((await guest.buy(anOrder())).body.id);
    };
    await Promise.all(Array.from({ length: 8 }, buyOn));
    return ids;
  };
  const journal = () => admin.all<Happened>(events);

  test("a thousand events on other nodes, one killed among them: whoever loses the connection all the time hears each once", async () => {
    let seed = 1;
    const chance = () => (seed = (seed * 48_271) % 2_147_483_647) / 2_147_483_647;
    const listeners = [3, 40, 200].map(
      (most) =>
        new Unlucky(
          () => shop.urls,
          `${events}/stream`,
          token,
          () => chance() * most,
        ),
    );
    const first = await buy(ORDERS / 2);
    await shop.alive("notifications")[0]?.process.kill();
    const orders = [...first, ...(await buy(ORDERS / 2))];
    const all = await until(journal, ({ length }) => length >= 3 * ORDERS, 1_200);
    expect(all).toHaveLength(3 * ORDERS);

    for (const listener of listeners) {
      await until(
        async () => listener.heard.length,
        (heard) => heard >= all.length - 200,
        600,
      );
      await listener.stop();
      // What was under way when it was stopped is heard by whoever goes on from there.
      const rest = await Listener.open(`${shop.urls[1]}${events}/stream`, {
        authorization: `Bearer ${token}`,
        "last-event-id": listener.heard.at(-1)?.id ?? "",
      });
      const missing = all.length - listener.heard.length;
      await until(
        async () => rest.heard.length,
        (heard) => heard >= missing,
      );
      const heard = [...listener.heard, ...rest.heard];
      rest.drop();
      expect(heard.map(({ data }) => data)).toEqual(all);
      expect(heard.map(({ id }) => Number.parseInt(id, 10))).toEqual(all.map((_, n) => n + 1));
    }
    const byOrder = Map.groupBy(all, ({ data }) => data.order?.id ?? data.payment?.orderId);
    expect(orders.filter((id) => byOrder.get(id)?.length !== 3)).toEqual([]);
    const drops = listeners.map((listener) => listener.drops);
    process.stdout.write(`${all.length} events, connections lost: ${drops.join(", ")}\n`);
    expect(Math.max(...drops)).toBeGreaterThan(10);
    expect(shop.slips()).toEqual([]);
  });
});
