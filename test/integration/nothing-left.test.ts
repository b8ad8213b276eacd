import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { readdirSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { Client as Database } from "pg";
import { disagreementsSeenBy } from "../books.ts";
import { Buyers } from "../buyers.ts";
import { adminOf, Client, stockMugs, until } from "../client.ts";
import { ShopCluster } from "../cluster.ts";
import { needPostgres, newDatabase, startPostgres } from "../servers/postgres.ts";
import { type BreakableServer, describeWith, ours, program } from "../servers/server.ts";

const UNITS = 100_000;
const ROLE = "shopkeeper";

const needPrlimit = () => program("prlimit", "apt-get install util-linux", "prlimit");

/** A shop in one process, in which six people buy. */
class BusyShop {
  readonly cluster: ShopCluster;
  readonly buyers: Buyers;
  readonly admin: Client;

  private constructor(cluster: ShopCluster, buyers: Buyers, admin: Client) {
    this.cluster = cluster;
    this.buyers = buyers;
    this.admin = admin;
  }

  static async open(env: Record<string, string> = {}): Promise<BusyShop> {
    const cluster = await ShopCluster.embedded({ RATE_LIMIT: "off", ...env });
    cluster.mend();
    const [url = ""] = cluster.urls;
    const admin = await adminOf(url);
    await stockMugs(admin, UNITS);
    const account = { email: "stroller@example.com", password: "seven salty sardines" };
    const { body: session } = await admin.post("/v1/auth/register", account);
    const buyers = new Buyers({ urls: () => cluster.urls, skus: ["MUG"], session });
    await buyers.come(6);
    await buyers.untilCalm(10);
    return new BusyShop(cluster, buyers, admin);
  }

  get url(): string {
    return this.cluster.urls[0] ?? "";
  }

  get pid(): number {
    return this.cluster.alive()[0]?.process.pid ?? 0;
  }

  /** The process is the one that was started, all is as if nothing had been, and nothing that was promised is lost. */
  async expectToBeAsBefore(pid: number): Promise<void> {
    const { buyers, admin } = this;
    await buyers.untilCalm(20);
    await buyers.goHome();
    expect(this.pid).toBe(pid);
    const wrong = await until(
      () => disagreementsSeenBy(admin, { MUG: UNITS }),
      (all) => all.length === 0,
      200,
    );
    expect(wrong.slice(0, 20)).toEqual([]);
    const orders = await admin.all<{ id: string; status: string }>("/v1/admin/orders");
    const known = new Set(orders.filter(({ status }) => status === "confirmed").map(({ id }) => id));
    expect([...buyers.confirmed].filter((id) => !known.has(id))).toEqual([]);
    expect(this.cluster.slips()).toEqual([]);
  }

  async close(): Promise<void> {
    await this.buyers.goHome();
    expect(await this.cluster.close()).toEqual([]);
  }
}

describeWith([needPrlimit], "no file handle is left", () => {
  let shop: BusyShop;
  beforeEach(async () => {
    shop = await BusyShop.open();
  });
  afterEach(() => shop.close());

  /** From now on no number above those that are in use is given to this process. */
  const limit = (pid: number, most: number) => execFileSync("prlimit", ["--pid", String(pid), `--nofile=${most}:`]);

  test("newcomers are turned away, those who are inside go on buying, and then it is as before", async () => {
    const { pid, url, buyers } = shop;
    const before = Number(
      execFileSync("prlimit", ["--pid", String(pid), "--nofile", "--raw", "--noheadings", "--output=SOFT"], {
        encoding: "utf8",
      }),
    );
    limit(pid, Math.max(...readdirSync(`/proc/${pid}/fd`).map(Number)) + 1);
    const crowd: Socket[] = [];
    const isTaken = async () => {
      const guest = connect(Number(new URL(url).port), "127.0.0.1").on("error", () => {});
      crowd.push(guest);
      await once(guest, "connect");
      guest.write("GET /health/live HTTP/1.1\r\nHost: shop\r\n\r\n");
      return new Promise((taken) => guest.once("data", () => taken(true)).once("close", () => taken(false)));
    };
    while (await isTaken());
    const bought = buyers.answered;
    await until(
      async () => buyers.answered,
      (answered) => answered > bought + 30,
    );
    expect(buyers.answered).toBeGreaterThan(bought + 30);

    limit(pid, before);
    for (const guest of crowd) guest.destroy();
    expect((await new Client(url).get("/v1/products")).status).toBe(200);
    await shop.expectToBeAsBefore(pid);
  });
});

describeWith([needPostgres, ours("LONJA_TEST_POSTGRES_URL")], "PostgreSQL", () => {
  let server: BreakableServer;
  let operator: Database;
  let shop: BusyShop;
  beforeAll(async () => {
    server = await startPostgres();
  });
  beforeEach(async () => {
    const url = new URL(await newDatabase(server, "nothing_left"));
    operator = new Database({ connectionString: url.href });
    operator.on("error", () => {});
    await operator.connect();
    await operator.query(`DROP ROLE IF EXISTS ${ROLE}`);
    await operator.query(`CREATE ROLE ${ROLE} LOGIN`);
    await operator.query(`ALTER DATABASE nothing_left OWNER TO ${ROLE}`);
    shop = await BusyShop.open({ STORE: Object.assign(url, { username: ROLE }).href });
  });
  afterEach(async () => {
    await shop.close();
    await operator.end();
  });
  afterAll(() => server.stop());

  /** What buyers were told since, and that some of them were told something. */
  async function untilSomeFail(): Promise<void> {
    const { buyers } = shop;
    const count = await until(
      async () => buyers.failures.length,
      (failures) => failures > 5,
    );
    expect(count).toBeGreaterThan(5);
  }

  test("has no connection left: buyers are told to come again, and it goes on by itself when there is one", async () => {
    const { pid, buyers } = shop;
    await operator.query(`ALTER ROLE ${ROLE} CONNECTION LIMIT 0`);
    await operator.query("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = $1", [ROLE]);
    await untilSomeFail();
    expect(buyers.failures.filter(({ why }) => !why.startsWith("503"))).toEqual([]);
    await operator.query(`ALTER ROLE ${ROLE} CONNECTION LIMIT -1`);
    await shop.expectToBeAsBefore(pid);
  });

  test("loses one of its processes to kill -9, and restarts itself: buyers are told to come again", async () => {
    const { pid, buyers } = shop;
    const { rows } = await operator.query("SELECT pid FROM pg_stat_activity WHERE usename = $1 LIMIT 1", [ROLE]);
    process.kill(rows[0].pid, "SIGKILL");
    await untilSomeFail();
    expect(buyers.failures.filter(({ why }) => !why.startsWith("503"))).toEqual([]);
    await shop.expectToBeAsBefore(pid);
  });
});
