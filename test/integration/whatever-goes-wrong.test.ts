import { cpSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Middleware } from "moleculer";
import { SqliteAdapter } from "../../mixins/sqlite.adapter.ts";
import { SqliteFile } from "../../mixins/sqlite.file.ts";
import type { Order, PlacedOrder } from "../../services/orders/orders.contract.ts";
import { isRefusal } from "../../services/shared/refusal.ts";
import { disagreements } from "../books.ts";
import { address } from "../client.ts";
import { inWeather, type Sleeper, storm, type Weather } from "../faults.ts";
import { staff } from "../money.ts";
import { openShop, type Shop } from "../shop.ts";
import { VirtualWorld } from "../virtual-world.ts";

const services = ["catalog", "inventory", "orders", "payments", "sandbox", "notifications"] as const;
const stock = { MUG: 400, TRAY: 300, LAMP: 110 };
const tokens = [
  "tok_visa",
  "tok_declined",
  "tok_3ds",
  "tok_async",
  "tok_timeout",
  "tok_flaky",
  "tok_capture_fails",
  "tok_insufficient_funds",
];

const THRONGS = 8;
const BUYERS_PATIENCE_MS = 20_000;

/** What a buyer was told, and may rely on. */
interface Told {
  key: string;
  ask: () => Promise<PlacedOrder>;
  order?: PlacedOrder;
  refused?: string;
  canceled?: boolean;
}

/**
 * A shop in a storm, on a clock of its own, and the buyers that do not give up: the real broker, and files on a disk.
 * Thousands of other storms pass over the same services in `npm run simulate`.
 */
class Rush {
  readonly world: VirtualWorld;
  readonly weather: Weather;
  readonly told: Told[] = [];
  shop!: Shop;
  /** All nodes of the shop. Buyers come to any of them. */
  #nodes: Shop[] = [];
  #sleepers: Sleeper[] = [];
  /** The end of the process that runs now: nobody hears any more of what was under way. */
  #death = Promise.withResolvers<void>();
  #isDown = false;
  #leaving: Promise<void>[] = [];

  constructor(seed: number) {
    this.world = new VirtualWorld(seed);
    this.weather = storm(seed);
  }

  async open(dataDir?: string): Promise<void> {
    const { calm } = this.weather;
    this.weather.calm = true;
    this.shop = await this.world.during(
      openShop({
        services: [...services],
        world: this.world,
        between: inWeather(this.weather, this.world),
        ...(dataDir ? { dataDir } : {}),
      }),
    );
    this.#nodes = [this.shop];
    this.weather.calm = calm;
  }

  /** Nodes that share one store and know nothing of each other. */
  async openNodes(count: number): Promise<void> {
    this.weather.calm = true;
    const dataDir = mkdtempSync(join(tmpdir(), "lonja-nodes-"));
    const file = new SqliteFile(join(dataDir, "shared.db"));
    for (let n = 0; n < count; n++) {
      const sleeper: Sleeper = {};
      this.#sleepers.push(sleeper);
      const weather = inWeather(this.weather, this.world, sleeper);
      const between: Middleware = {
        ...weather,
        created(broker) {
          Object.assign(broker, { openStore: () => new SqliteAdapter(() => file) });
          weather.created?.call(broker, broker);
        },
      };
      this.#nodes.push(
        await this.world.during(openShop({ services: [...services], world: this.world, dataDir, between })),
      );
    }
    this.shop = this.#nodes[0] as Shop;
  }

  async stockUp(): Promise<void> {
    this.weather.calm = true;
    for (const [sku, onHand] of Object.entries(stock)) {
      const variants = [{ sku, price: { amount: 1900, currency: "EUR" } }];
      await this.world.during(this.shop.call("catalog.create", { title: sku, status: "active", variants }, staff));
      await this.world.during(this.shop.call("inventory.open", { stock: [{ sku, onHand }] }));
    }
    this.weather.calm = false;
  }

  /** Lets so many buyers come, in throngs over some seconds, and answers when each knows where they stand. */
  async buy(buyers: number, overMs: number, meanwhile: () => Promise<void> = async () => {}) {
    let left = buyers;
    for (let n = 0; n < buyers; n++) {
      const wait = (Math.floor(this.world.random() * THRONGS) * overMs) / THRONGS;
      this.world.after(wait, () => void this.#buyer(n).then(() => left--));
    }
    for (let turn = 0; left > 0 && turn < 6_000; turn++) {
      await this.world.run(50);
      await meanwhile();
    }
    expect(left).toBe(0);
  }

  /** The weather clears up. What is still open after a while, but for those whose turn it is, and what they hold. */
  async calm(): Promise<{ orders: Order[]; held: Record<string, number> }> {
    this.weather.calm = true;
    await this.world.run(90_000);
    const held: Record<string, number> = {};
    for (const sku of Object.keys(stock)) held[sku] = (await this.shop.call("inventory.level", { sku }, staff)).held;
    const orders: Order[] = [];
    for (const status of ["pending", "requires_action"] as const) {
      const { data } = await this.shop.call("orders.search", { status, limit: 100 }, staff);
      orders.push(...data.filter((order) => order.status === "pending"));
      for (const { sku, quantity } of data.flatMap(({ lines }) => lines)) held[sku] = (held[sku] ?? 0) - quantity;
    }
    return { orders, held };
  }

  /** Whoever was to do something has had another hour for it. */
  async end(): Promise<void> {
    this.world.leap(60 * 60_000);
    await this.world.run(90_000);
  }

  /** One node stands still, in the middle of whatever it does. The others take over, and then it is back. */
  freezeOne(ms: number): void {
    const awake = this.#sleepers.filter(({ asleep }) => !asleep);
    const node = awake[Math.floor(this.world.random() * awake.length)];
    if (!node || awake.length < 2) return;
    node.asleep = this.world.pause(ms).then(() => {
      node.asleep = undefined;
    });
  }

  /** The process dies at once. What is on the disk at this moment is all that is left. */
  async crash(): Promise<void> {
    const left = mkdtempSync(join(tmpdir(), "lonja-crash-"));
    const { folder } = this.shop;
    cpSync(folder, left, { recursive: true, filter: (path) => !/-owner$|-shm$/.test(path) });
    this.#isDown = true;
    this.#death.resolve();
    this.#leaving.push(this.shop.close().then(() => rmSync(folder, { recursive: true, force: true })));
    this.#death = Promise.withResolvers();
    await this.open(left);
    this.#isDown = false;
  }

  async close(): Promise<void> {
    const { folder } = this.shop;
    await this.world.during(Promise.all([...this.#nodes.map((node) => node.close()), ...this.#leaving]));
    rmSync(folder, { recursive: true, force: true });
  }

  async #buyer(n: number): Promise<void> {
    const token = tokens[n % tokens.length] ?? "";
    const all = Object.keys(stock);
    const lines = all
      .slice(0, 1 + (n % 3))
      .map((_, k) => ({ sku: all[(n + k) % 3] ?? "", quantity: 1 + ((n * 7 + k) % 2) }));
    const told: Told = { key: `request-${n}`, ask: () => Promise.reject(new Error("not asked yet")) };
    this.told.push(told);
    const asked = { email: `b${n}@example.com`, lines, shippingAddress: address, payment: { token } };
    const meta = { requestKey: told.key, bodyDigest: told.key };
    told.ask = () => this.#anywhere().call("orders.place", asked, { meta });
    const outcome = await this.#until(told.ask);
    if (outcome.refused) told.refused = outcome.refused;
    const order = outcome.answer;
    if (!order) return;
    told.order = order;
    const acting = token === "tok_3ds" && n % 3 > 0 ? this.#confirm(order, n % 3 === 1) : undefined;
    // Some change their mind, a few of them at the very moment at which their bank says yes.
    if (n % 7 === 0) {
      const { refused } = await this.#until(() => this.#anywhere().call("orders.cancel", { id: order.id }, staff));
      told.canceled = !refused;
    }
    await acting;
  }

  #anywhere(): Shop {
    return this.#nodes[Math.floor(this.world.random() * this.#nodes.length)] ?? this.shop;
  }

  async #confirm(order: Order, approve: boolean): Promise<void> {
    const id = order.payment?.nextAction?.url.split("/").at(-1) ?? "";
    if (id) await this.#until(() => this.#anywhere().call("sandbox.confirm", { id, approve }));
  }

  /** Asks until there is an answer that one can rely on, if need be the shop that is opened after a crash. */
  async #until<T>(ask: () => Promise<T>): Promise<{ answer?: T; refused?: string }> {
    for (;;) {
      while (this.#isDown) await this.world.pause(100);
      const outcome = await Promise.race([
        ask().then(
          (answer) => ({ answer }),
          (error) => (isRefusal(error) && error.code < 500 ? { refused: error.type } : undefined),
        ),
        this.#death.promise,
        this.world.pause(BUYERS_PATIENCE_MS),
      ]);
      if (outcome) return outcome;
      await this.world.pause(300 + this.world.random() * 700);
    }
  }
}

/** What every buyer was told still holds, and is told again. */
async function brokenPromises({ told }: Rush): Promise<string[]> {
  const broken: string[] = [];
  for (const { key, ask, order, refused, canceled } of told) {
    const now = await ask().catch(({ type }) => ({ refused: type as string }));
    const isOrder = "id" in now;
    if (refused) {
      if (isOrder || now.refused !== refused) broken.push(`${key} was told ${refused}, now ${JSON.stringify(now)}`);
    } else if (canceled || order?.status === "confirmed") {
      const status = isOrder ? now.status : "canceled";
      if ((isOrder && now.id !== order?.id) || status !== (canceled ? "canceled" : "confirmed"))
        broken.push(`${key} was told ${order?.id} ${order?.status}, now ${JSON.stringify(now)}`);
    } else if (isOrder && now.id !== order?.id) broken.push(`${key} has become another order`);
  }
  return broken;
}

const nothing = Object.fromEntries(Object.keys(stock).map((sku) => [sku, 0]));

describe("whatever goes wrong between the services and with their stores", () => {
  test("no order is lost, charged twice or oversold", async () => {
    const rush = new Rush(1);
    await rush.open();
    await rush.stockUp();
    await rush.buy(200, 20_000);

    expect(await rush.calm()).toEqual({ orders: [], held: nothing });
    await rush.end();
    expect(await disagreements(rush.shop, stock)).toEqual([]);
    expect(await brokenPromises(rush)).toEqual([]);
    expect(Object.keys(rush.weather.faults)).toHaveLength(7);
    await rush.close();
  });
});

describe("several nodes that share a store and nothing else, and stand still now and then", () => {
  test("lose no order, charge none twice and oversell nothing", async () => {
    const rush = new Rush(21);
    await rush.openNodes(3);
    await rush.stockUp();
    let freezes = 0;
    await rush.buy(120, 15_000, async () => {
      if (rush.world.random() > 0.02) return;
      freezes++;
      rush.freezeOne(1_000 + rush.world.random() * 15_000);
    });

    expect(freezes).toBeGreaterThan(2);
    expect(await rush.calm()).toEqual({ orders: [], held: nothing });
    await rush.end();
    expect(await disagreements(rush.shop, stock)).toEqual([]);
    expect(await brokenPromises(rush)).toEqual([]);
    await rush.close();
  });
});

describe("whenever the process dies", () => {
  test("no order is lost, charged twice or oversold", async () => {
    const rush = new Rush(11);
    await rush.open();
    await rush.stockUp();
    let crashes = 0;
    await rush.buy(100, 10_000, async () => {
      if (crashes >= 6 || rush.world.random() > 0.03) return;
      crashes++;
      await rush.crash();
    });

    expect(crashes).toBeGreaterThan(2);
    expect(await rush.calm()).toEqual({ orders: [], held: nothing });
    await rush.end();
    expect(await disagreements(rush.shop, stock)).toEqual([]);
    expect(await brokenPromises(rush)).toEqual([]);
    await rush.close();
  });
});
