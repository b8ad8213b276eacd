import { execFileSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { jest } from "@jest/globals";
import { Client as Database } from "pg";
import { disagreementsSeenBy, promisesNotKept, whatStaysWrong } from "../books.ts";
import { Buyers } from "../buyers.ts";
import { adminOf, type Client, until } from "../client.ts";
import { ShopCluster } from "../cluster.ts";
import { needPostgres, newDatabase, startPostgres } from "../servers/postgres.ts";
import { type BreakableServer, describeWith, ours, program } from "../servers/server.ts";

jest.setTimeout(240_000);

const opened = { MUG: 100_000 };
const ROLE = "shopkeeper";

const needPrlimit = () => program("prlimit", "apt-get install util-linux", "prlimit");

/** A shop in one process, in which people buy. */
class BusyShop {
  readonly cluster: ShopCluster;
  readonly buyers: Buyers;
  readonly admin: Client;
  readonly url: string;
  readonly pid: number;

  private constructor(cluster: ShopCluster, buyers: Buyers, admin: Client) {
    this.cluster = cluster;
    this.buyers = buyers;
    this.admin = admin;
    this.url = admin.url;
    this.pid = cluster.alive()[0]?.process.pid ?? 0;
  }

  static async open(env: Record<string, string> = {}): Promise<BusyShop> {
    const cluster = await ShopCluster.embedded({ RATE_LIMIT: "off", ...env });
    cluster.mend();
    let buyers: Buyers | undefined;
    try {
      const [url = ""] = cluster.urls;
      const admin = await adminOf(url);
      buyers = await Buyers.of(cluster, admin, opened);
      await buyers.untilCalm(10);
      return new BusyShop(cluster, buyers, admin);
    } catch (error) {
      await buyers?.goHome();
      await cluster.close();
      throw error;
    }
  }

  /** It is the same process, all is as if nothing had been, and nothing that was promised is lost. */
  async expectToBeAsBefore(): Promise<void> {
    const { buyers, admin, cluster, pid } = this;
    await buyers.untilCalm(20, 60_000);
    await buyers.goHome();
    expect(cluster.alive().map(({ process }) => process.pid)).toEqual([pid]);
    const wrong = await whatStaysWrong(() => disagreementsSeenBy(admin, opened));
    expect(wrong.slice(0, 20)).toEqual([]);
    expect(await promisesNotKept(admin, buyers.confirmed)).toEqual([]);
    expect(cluster.slips()).toEqual([]);
  }

  async close(): Promise<void> {
    await this.buyers.goHome();
    expect(await this.cluster.close()).toEqual([]);
  }
}

describeWith([needPrlimit], "no file handle is left", () => {
  let shop: BusyShop | undefined;
  afterEach(() => shop?.close());

  /** From now on no number above those that are in use is given to this process. */
  const limit = (pid: number, most: number) => execFileSync("prlimit", ["--pid", String(pid), `--nofile=${most}:`]);

  test("newcomers are turned away, those who are inside go on buying, and then it is as before", async () => {
    shop = await BusyShop.open();
    const { pid, url, buyers } = shop;
    const asked = ["--pid", String(pid), "--nofile", "--raw", "--noheadings", "--output=SOFT"];
    const before = Number(execFileSync("prlimit", asked, { encoding: "utf8" }));
    const crowd: Socket[] = [];
    const isTaken = () => {
      const guest = connect(Number(new URL(url).port), "127.0.0.1").on("error", () => {});
      crowd.push(guest);
      guest.write("GET /health/live HTTP/1.1\r\nHost: shop\r\n\r\n");
      return new Promise((taken) => guest.once("data", () => taken(true)).once("close", () => taken(false)));
    };
    limit(pid, Math.max(...readdirSync(`/proc/${pid}/fd`).map(Number)) + 1);
    while (await isTaken());
    const promised = buyers.confirmed.size;
    const seen = await until(
      async () => buyers.confirmed.size,
      (confirmed) => confirmed > promised + 20,
      600,
    );
    expect(seen).toBeGreaterThan(promised + 20);

    expect(await isTaken()).toBe(false);
    limit(pid, before);
    expect(await isTaken()).toBe(true);
    for (const guest of crowd) guest.destroy();
    await shop.expectToBeAsBefore();
  });
});

describeWith([needPostgres, ours("LONJA_TEST_POSTGRES_URL")], "PostgreSQL", () => {
  let server: BreakableServer;
  let operator: Database;
  let STORE: string;
  let shop: BusyShop | undefined;
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
    STORE = Object.assign(url, { username: ROLE }).href;
  });
  afterEach(async () => {
    await operator.end();
    await shop?.close();
    shop = undefined;
  });
  afterAll(() => server.stop());

  /** A door that takes a second to say how it is looks closed to a balancer. */
  const toldOtherwise = ({ failures }: Buyers) => failures.filter(({ why }) => !/^503|^no door is open/.test(why));
  const told503 = async ({ failures }: Buyers) => failures.filter(({ why }) => why.startsWith("503")).length;

  test("has no connection left: buyers are told to come again, and it goes on by itself when there is one", async () => {
    shop = await BusyShop.open({ STORE });
    const { buyers } = shop;
    await operator.query(`ALTER ROLE ${ROLE} CONNECTION LIMIT 0`);
    await operator.query("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = $1", [ROLE]);
    // More than were under way when the connections went.
    const seen = await until(
      () => told503(buyers),
      (count) => count > 30,
      1_200,
    );
    expect(seen).toBeGreaterThan(30);
    await operator.query(`ALTER ROLE ${ROLE} CONNECTION LIMIT -1`);
    await shop.expectToBeAsBefore();
    expect(toldOtherwise(buyers)).toEqual([]);
  });

  test("loses one of its processes to kill -9, and restarts itself: buyers are told to come again", async () => {
    shop = await BusyShop.open({ STORE });
    const { buyers } = shop;
    const before = buyers.failures.length;
    const { rows } = await operator.query("SELECT pid FROM pg_stat_activity WHERE usename = $1 LIMIT 1", [ROLE]);
    process.kill(rows[0].pid, "SIGKILL");
    await buyers.untilSomeFail(before, 0);
    await shop.expectToBeAsBefore();
    expect(toldOtherwise(buyers)).toEqual([]);
  });
});
