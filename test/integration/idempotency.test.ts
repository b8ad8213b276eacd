import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import type { Collection } from "../../mixins/store.mixin.ts";
import type { Kept } from "../../services/gateway/once.edge.ts";
import { realWorld, type World } from "../../services/shared/world.ts";
import { adminOf, Client, type Reply, until } from "../client.ts";
import { openShop, type Shop } from "../shop.ts";

const services = ["gateway", "inventory", "users"] as const;
const adjustments = "/v1/admin/inventory/MUG/adjustments";
const five = { delta: 5, reason: "delivery" };
const eva = { email: "eva@lonja.test", password: "seven salty sardines" };

describe("a request with an Idempotency-Key", () => {
  let shop: Shop;
  let admin: Client;
  let guest: Client;
  let dataDir: string;
  /** How far the clock of the shop is ahead. */
  let aheadMs: number;
  const world: World = { ...realWorld, now: () => realWorld.now() + aheadMs };

  const open = async () => {
    shop = await openShop({ services: [...services], dataDir, world });
    guest = new Client(shop.url);
    admin = await adminOf(shop.url);
  };
  const reopen = async () => {
    await shop.close();
    await open();
  };

  beforeEach(async () => {
    aheadMs = 0;
    dataDir = mkdtempSync(join(tmpdir(), "lonja-"));
    await open();
  });
  afterEach(async () => {
    await shop.close();
    rmSync(dataDir, { recursive: true, force: true });
  });

  const adjust = (key: string, body: object = five, client = admin) =>
    client.post(adjustments, body, { "idempotency-key": key });
  const onHand = async () => (await admin.get("/v1/admin/inventory/MUG")).body.onHand;
  const replayed = ({ headers }: Reply) => headers.get("idempotent-replayed");
  const kept = () => (shop.broker.getLocalService("gateway") as unknown as { answers: Collection<Kept> }).answers;
  const rows = async () => (await kept().find({ limit: 100 })).data;

  test("is carried out once, and repeats get the same bytes", async () => {
    const first = await adjust("key-1");
    const again = await adjust("key-1");

    expect([first.status, replayed(first)]).toEqual([200, null]);
    expect([again.status, replayed(again), again.text]).toEqual([200, "true", first.text]);
    expect(again.headers.get("content-type")).toBe(first.headers.get("content-type"));
    expect(again.headers.get("x-request-id")).not.toBe(first.headers.get("x-request-id"));
    expect(await onHand()).toBe(5);
  });

  test("that arrives 50 times at once has one effect and one answer", async () => {
    const answers = await Promise.all(Array.from({ length: 50 }, () => adjust("key-1")));

    expect(new Set(answers.map(({ status, text }) => `${status} ${text}`)).size).toBe(1);
    expect(answers.filter((one) => replayed(one) === "true")).toHaveLength(49);
    expect(await onHand()).toBe(5);
  });

  test("the order of a body's fields and the space between them make no difference", async () => {
    const first = await adjust("key-1");
    const again = await admin.send("POST", adjustments, ' { "reason": "delivery",\n "delta": 5 } ', {
      "content-type": "application/json",
      "idempotency-key": "key-1",
    });

    expect([replayed(again), again.text]).toEqual(["true", first.text]);
  });

  test("another body under the same key is refused, and so it is at once", async () => {
    await adjust("key-1");
    const other = await adjust("key-1", { ...five, delta: 6 });
    const raced = await Promise.all([1, 2, 3, 4].map((delta) => adjust("key-2", { ...five, delta })));

    expect([other.status, other.body.code]).toEqual([422, "idempotency_key_reused"]);
    expect(raced.map(({ status }) => status).toSorted()).toEqual([200, 422, 422, 422]);
  });

  test("keys belong to who sends them, and to the route", async () => {
    const second = await (await guest.post("/v1/auth/register", eva)).body;
    await admin.send("PATCH", `/v1/admin/users/${second.user.id}`, { role: "staff" });
    const staff = await new Client(shop.url).login(eva.email, eva.password);
    const answers = [
      await adjust("key-1"),
      await adjust("key-1", five, staff),
      await admin.post("/v1/admin/inventory/TRAY/adjustments", five, { "idempotency-key": "key-1" }),
    ];

    expect(answers.map(replayed)).toEqual([null, null, null]);
    expect(await onHand()).toBe(10);
  });

  test("guests are told apart by their e-mail address", async () => {
    const register = (email: string) =>
      guest.post("/v1/auth/register", { ...eva, email }, { "idempotency-key": "key-1" });
    const [one, other] = [await register("eva@lonja.test"), await register("adam@lonja.test")];
    const again = await register("eva@lonja.test");

    expect([one.status, other.status]).toEqual([201, 201]);
    expect([replayed(again), again.text]).toEqual(["true", one.text]);
  });

  test("is remembered over a restart", async () => {
    const first = await adjust("key-1");
    await reopen();
    const again = await adjust("key-1");
    const other = await adjust("key-1", { ...five, delta: 6 });

    expect([replayed(again), again.text]).toEqual(["true", first.text]);
    expect(other.status).toBe(422);
    expect(await onHand()).toBe(5);
  });

  test("is remembered for a week, and then forgotten", async () => {
    await adjust("key-1");
    aheadMs = 6 * 24 * 3_600_000;
    await reopen();
    expect(replayed(await adjust("key-1"))).toBe("true");

    aheadMs = 8 * 24 * 3_600_000;
    expect(await until(rows, (left) => left.length === 0)).toEqual([]);
  });

  test("what was answered cannot be read from the disk", async () => {
    const { body } = await guest.post("/v1/auth/register", eva, { "idempotency-key": "secret-key-1" });
    const [row] = await rows();
    await shop.close();
    const file = new DatabaseSync(join(dataDir, "lonja.db"));
    const stored = JSON.stringify(file.prepare("SELECT doc FROM gateway_answers").all());
    file.close();
    await open();

    expect(row).toMatchObject({ id: expect.stringMatching(/^[0-9a-f]{64}$/), sealed: expect.any(String) });
    for (const secret of [body.accessToken, body.refreshToken, eva.email, eva.password, "secret-key-1", "usr_"])
      expect(stored).not.toContain(secret);
  });

  test("a refusal on its merits is remembered", async () => {
    const short = { delta: -1, reason: "broken" };
    const first = await adjust("key-1", short);
    await admin.post(adjustments, five);
    const again = await adjust("key-1", short);

    expect([first.status, first.body.code]).toEqual([409, "insufficient_stock"]);
    expect([again.status, replayed(again), again.text]).toEqual([409, "true", first.text]);
  });

  test.each<[string, () => Promise<Reply>, number]>([
    ["bad input", () => adjust("key-1", { delta: 0, reason: "" }), 422],
    ["a wrong password", () => guest.post("/v1/auth/login", { ...eva }, { "idempotency-key": "key-1" }), 401],
    ["no token", () => adjust("key-1", five, guest), 401],
    [
      "a service that is away",
      () => guest.post("/v1/sandbox/charges/ch_0123456789/confirm", {}, { "idempotency-key": "key-1" }),
      503,
    ],
    [
      "something unknown",
      () => admin.post("/v1/admin/dead-letters/none/replay", {}, { "idempotency-key": "key-1" }),
      404,
    ],
  ])("%s is not remembered, so that the next try counts", async (_what, send, status) => {
    const answers = [await send(), await send()];

    expect(answers.map((one) => [one.status, replayed(one)])).toEqual([
      [status, null],
      [status, null],
    ]);
    expect(await rows()).toEqual([]);
  });

  test("what a dead process has left half done is taken over, once, under the same key", async () => {
    await adjust("key-1");
    const [done] = await rows();
    if (!done) throw new Error("nothing was kept");
    await kept().change(done.id, ({ sealed, ...running }) => ({ ...running, holder: "a-node-that-died" }));
    const answers = await Promise.all(Array.from({ length: 10 }, () => adjust("key-1")));
    const [row] = await rows();

    expect(new Set(answers.map(({ status, text }) => `${status} ${text}`)).size).toBe(1);
    expect(answers.filter((one) => replayed(one) === null)).toHaveLength(1);
    expect(row?.sealed).toBeDefined();
  });

  test.each(["", "a".repeat(256), "with space", "a\ttab", "ümlaut"])("%j is no key", async (key) => {
    const answer = await adjust(key);

    expect([answer.status, answer.body.errors[0].path]).toEqual([422, "Idempotency-Key"]);
    expect((await adjust("a".repeat(255))).status).toBe(200);
  });

  test("reads and changes by PATCH do without", async () => {
    const read = await admin.get("/v1/me", { "idempotency-key": "key-1" });
    const change = await admin.send("PATCH", "/v1/me", { name: "Ada" }, { "idempotency-key": "key-1" });

    expect([read.status, change.status]).toEqual([200, 200]);
    expect(await rows()).toEqual([]);
  });

  test("an order needs one", async () => {
    const answer = await guest.post("/v1/orders", {});

    expect([answer.status, answer.body.code]).toEqual([422, "idempotency_key_required"]);
  });
});
