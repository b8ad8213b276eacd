import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openArchive } from "../../backup/archive.ts";
import { isClean } from "../../backup/reconciliation.ts";
import { Reader } from "../../moving/format.ts";
import { backedUp, disagreementsAfter, restored } from "../backup.ts";
import { disagreements } from "../books.ts";
import { Buyers } from "../buyers.ts";
import { adminOf, anOrder, Client, stockMugs, until } from "../client.ts";
import { type ShopProcess, startShop } from "../process.ts";
import { openShop, type Shop } from "../shop.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "lonja-backup-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));
const at = (name: string) => join(folder, name);
const backupsIn = (name: string) => readdirSync(at(name)).filter((one) => one.endsWith(".backup"));

interface Ended {
  code: number | null;
  stdout: string;
  said: string;
}
/** What was asked and not answered. A machine with too much to do lets buyers wait at the door, which is no loss. */
const unanswered = ({ failures }: Buyers) => failures.filter(({ why }) => why !== "no door is open");

/** The command as an operator starts it. */
function run(command: "backup" | "restore", args: readonly string[], env: Record<string, string>) {
  const child: ChildProcess = spawn(process.execPath, [`backup/${command}.ts`, ...args], {
    env: { PATH: process.env.PATH ?? "", ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const heard = { stdout: "", said: "" };
  child.stdout?.setEncoding("utf8").on("data", (text) => {
    heard.stdout += text;
  });
  child.stderr?.setEncoding("utf8").on("data", (text) => {
    heard.said += text;
  });
  const ended = once(child, "close").then(([code]): Ended => ({ code, ...heard }));
  return { child, ended };
}

async function isWhole(path: string): Promise<boolean> {
  const reader = new Reader();
  const { source } = await openArchive(path, undefined);
  for await (const text of source.lines()) reader.take(text);
  return reader.finish() !== undefined;
}

describe("a shop that sells while it is backed up", () => {
  const opened = { MUG: 900, JAR: 900 };
  let shop: ShopProcess;
  let buyers: Buyers;

  beforeEach(async () => {
    shop = await startShop(at("data"));
    const admin = await adminOf(shop.url);
    for (const [sku, units] of Object.entries(opened)) await stockMugs(admin, units, sku);
    const guest = { email: "stroller@example.com", password: "a quiet stroll" };
    const { body: session } = await new Client(shop.url).post("/v1/auth/register", guest);
    buyers = new Buyers({ urls: () => [shop.url], skus: Object.keys(opened), session });
    await buyers.come(4);
  });
  afterEach(async () => {
    await buyers.goHome();
    await shop.kill();
  });

  test("comes back from each of its backups with books that agree, whatever was under way at that moment", async () => {
    const paths: string[] = [];
    for (let n = 0; n < 4; n++) {
      await buyers.untilCalm(8);
      // Two files, and so two stores that have to show the same moment.
      const { path, said } = await backedUp({ DATA_DIR: at("data") }, at("backups"));
      expect(said).toMatch(/Writers were held back for \d+ ms/);
      paths.push(path);
    }
    await buyers.untilCalm(8);
    expect(unanswered(buyers)).toEqual([]);
    for (const path of paths) expect(await disagreementsAfter(path, opened)).toEqual([]);
    // They are of different moments, or nothing was tried.
    expect(new Set(paths.map((path) => readFileSync(path, "latin1").length)).size).toBeGreaterThan(1);
  });

  test("goes on selling when a backup is killed at any moment, and the backups of before are whole", async () => {
    await backedUp({ DATA_DIR: at("data") }, at("backups"));
    const whole = run("backup", [at("backups"), "--with-sandbox"], { DATA_DIR: at("data") });
    const begin = performance.now();
    expect((await whole.ended).code).toBe(0);
    const tookMs = performance.now() - begin;
    for (let n = 1; n <= 5; n++) {
      const { child, ended } = run("backup", [at("backups"), "--with-sandbox"], { DATA_DIR: at("data") });
      await new Promise((resolve) => setTimeout(resolve, tookMs * (0.6 + n * 0.08)));
      child.kill("SIGKILL");
      await ended;
    }
    await buyers.untilCalm(8);
    expect(unanswered(buyers)).toEqual([]);
    expect(backupsIn("backups").length).toBeGreaterThanOrEqual(2);
    for (const name of backupsIn("backups")) expect(await isWhole(join(at("backups"), name))).toBe(true);
    expect((await run("backup", [at("backups"), "--keep", "1"], { DATA_DIR: at("data") }).ended).code).toBe(0);
    expect(backupsIn("backups")).toHaveLength(1);
  });
});

describe("a shop that is restored to an earlier moment", () => {
  let shop: Shop | undefined;
  const reopened = async () => {
    shop = await openShop({ dataDir: at("restored") });
    return shop;
  };
  let guest: Client;
  beforeEach(async () => {
    shop = await openShop({ dataDir: at("data") });
    guest = new Client(shop.url);
    await stockMugs(await adminOf(shop.url), 50);
  });
  const close = async () => {
    await shop?.close();
    shop = undefined;
  };
  afterEach(close);

  const buy = async (token = "tok_visa") => (await guest.buy(anOrder(token))).body;
  /** The shop is lost, and not what the provider has. */
  async function lose(): Promise<void> {
    await close();
    cpSync(join(at("data"), "sandbox.db"), join(at("restored"), "sandbox.db"), { recursive: true });
  }

  test("is told exactly what differs from the provider's record, learns what it can, and repeats no number", async () => {
    const admin = await adminOf(guest.url);
    const [still, refunded, canceled] = [await buy(), await buy(), await buy()];
    const waiting = await buy("tok_3ds");
    const { path } = await backedUp({ DATA_DIR: at("data") }, at("backups"), { withSandbox: false });

    await admin.post(`/v1/admin/payments/${refunded.payment.id}/refunds`, { amount: 500, reason: "scratched" });
    await guest.post(`/v1/orders/${canceled.id}/cancel`, {}, { "x-guest-token": canceled.guestToken });
    const charge = waiting.payment.nextAction.url.split("/").at(-1);
    await guest.post(`/v1/sandbox/charges/${charge}/confirm`, { approve: true });
    await until(
      () => guest.get(`/v1/orders/${waiting.id}`, { "x-guest-token": waiting.guestToken }),
      ({ body }) => body.status === "confirmed",
    );
    const [lost, unsure] = [await buy(), await buy("tok_3ds")];
    await buy("tok_declined");
    await lose();

    const env = { DATA_DIR: at("restored") };
    const { differences, underWay, invoices } = await restored(path, env, { isDry: true });
    expect(existsSync(join(at("restored"), "lonja.db"))).toBe(false);
    const found = differences.map(({ kind, orderId, email }) => [kind, orderId, email]);
    expect(found.toSorted()).toEqual(
      [
        ["moved_on", refunded.id, "ada@example.com"],
        ["given_back", canceled.id, "ada@example.com"],
        ["moved_on", waiting.id, "ada@example.com"],
        ["money_without_order", lost.id, "ada@example.com"],
        ["reserved_without_order", unsure.id, "ada@example.com"],
        ["nothing_without_order", expect.stringMatching(/^ord_/), "ada@example.com"],
      ].toSorted(),
    );
    expect(underWay.map(({ orderId }) => orderId)).toEqual([waiting.id]);
    expect(invoices).toEqual({ last: 3, highestPossible: 5, next: 4 });

    const command = await run("restore", [path, "--next-invoice", "6"], env).ended;
    expect([command.code, JSON.parse(command.stdout).differences]).toEqual([3, differences]);
    const later = await reopened();
    const keeper = await adminOf(later.url);
    const paid = (id: string) => keeper.get(`/v1/payments/${id}`);
    const statuses = async () =>
      Promise.all([still, refunded, canceled, waiting].map(async (one) => (await paid(one.payment.id)).body.status));
    const learned = ["captured", "partially_refunded", "refunded", "captured"];
    expect(await until(statuses, (all) => all.join() === learned.join(), 400)).toEqual(learned);
    const order = () => keeper.get(`/v1/orders/${waiting.id}`);
    expect((await until(order, ({ body }) => body.status === "confirmed")).body.status).toBe("confirmed");
    expect((await keeper.get(`/v1/orders/${waiting.id}/invoice`)).body.sequence).toBe(6);
    expect((await keeper.get(`/v1/orders/${lost.id}`)).status).toBe(404);
    // Doctor misses no number, and names the charges that only the provider knows.
    const { body: report } = await keeper.get("/v1/admin/doctor");
    const failed = report.checks.filter(({ ok }: { ok: boolean }) => !ok);
    expect(failed.map(({ name, found }: { name: string; found: number }) => [name, found])).toEqual([
      ["charges_have_payments", 3],
    ]);
  });

  test("to the very moment at which it was lost, it agrees with the provider, and nothing is to be done", async () => {
    for (const token of ["tok_visa", "tok_declined", "tok_visa"]) await buy(token);
    const { path } = await backedUp({ DATA_DIR: at("data") }, at("backups"), { withSandbox: false });
    await lose();
    const { code, stdout, said } = await run("restore", [path, "--examine"], { DATA_DIR: at("restored") }).ended;
    expect([code, JSON.parse(stdout).differences]).toEqual([0, []]);
    expect(said).toMatch(/Doctor finds nothing wrong in \d+ checks\.\n$/);
    expect(said).toMatch("Compared 3 payments of the backup with 3 charges of the provider: they agree.");
    const later = await reopened();
    const wrong = () => disagreements(later, { MUG: 50 });
    expect(await until(wrong, (found) => found.length === 0)).toEqual([]);
  });

  test("without the provider's record it does not pretend that all is well, and makes no empty one", async () => {
    await buy();
    const { path } = await backedUp({ DATA_DIR: at("data") }, at("backups"), { withSandbox: false });
    const found = await restored(path, { DATA_DIR: at("restored") });
    expect([isClean(found), found.notCompared]).toEqual([false, expect.stringMatching(/^there is no .*sandbox\.db/)]);
    expect(existsSync(join(at("restored"), "sandbox.db"))).toBe(false);
  });

  test("refuses a shop that is running, one that is not empty, and a backup that is damaged, before it writes", async () => {
    await buy();
    const { path } = await backedUp({ DATA_DIR: at("data") }, at("backups"));
    const into = (name: string, file = path) => restored(file, { DATA_DIR: at(name) });
    await expect(into("data")).rejects.toThrow("is in use by another process");
    const damaged = readFileSync(path);
    damaged[Math.floor(damaged.length / 2)] = (damaged[Math.floor(damaged.length / 2)] ?? 0) ^ 1;
    writeFileSync(at("damaged"), damaged);
    await expect(into("restored", at("damaged"))).rejects.toThrow("its checksum is another one");
    expect(existsSync(at("restored"))).toBe(false);
    await buy();
    await close();
    await expect(into("data")).rejects.toThrow("There is something else already");
  });

  test("a backup with a passphrase is restored with it and not without", async () => {
    await buy();
    writeFileSync(at("passphrase"), "seven salty sardines\n");
    const secret = ["--passphrase-file", at("passphrase")];
    await run("backup", [at("backups"), ...secret], { DATA_DIR: at("data") }).ended;
    const path = join(at("backups"), backupsIn("backups")[0] ?? "");
    await lose();
    const without = await run("restore", [path], { DATA_DIR: at("restored") }).ended;
    expect([without.code, without.said]).toEqual([1, expect.stringMatching(/--passphrase-file has to name/)]);
    expect((await run("restore", [path, ...secret], { DATA_DIR: at("restored") }).ended).code).toBe(0);
  });
});

test.each([
  [["--keep", "0"], /^--keep 0 cannot be used/],
  [["--keep"], /^--keep {2}cannot be used/],
  [["--every", "soon"], /^--every soon cannot be used/],
  [["--frequently"], /^--frequently is not known here/],
  [["one", "two"], /^One file is wanted/],
  [["--passphrase-file", "nowhere"], /^--passphrase-file nowhere cannot be read/],
])("%j cannot be used, and is said in one line", async (args, line) => {
  const { code, said } = await run("backup", args, { DATA_DIR: at("data") }).ended;
  expect([code, said]).toEqual([2, expect.stringMatching(line)]);
  expect(said.trim().split("\n")).toHaveLength(1);
});
