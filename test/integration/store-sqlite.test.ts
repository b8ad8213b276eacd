import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, openSync, rmSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { ServiceBroker } from "moleculer";
import DbService from "moleculer-db";
import { SqliteAdapter } from "../../mixins/sqlite.adapter.ts";
import { SqliteFile } from "../../mixins/sqlite.file.ts";
import { storeConformance } from "../conformance/store.ts";

let folder = mkdtempSync(join(tmpdir(), "lonja-store-"));
let file: SqliteFile | undefined;
const open = () => {
  if (!file?.db.isOpen) file = new SqliteFile(join(folder, "lonja.db"));
  return file;
};
const fresh = async () => {
  rmSync(folder, { recursive: true, force: true });
  folder = mkdtempSync(join(tmpdir(), "lonja-store-"));
};
afterAll(fresh);

storeConformance("SQLite", () => new SqliteAdapter(open), fresh);

describe("the SQLite file", () => {
  beforeEach(fresh);
  const path = () => join(folder, "lonja.db");
  const openThings = async () => {
    const adapter = new SqliteAdapter(open);
    adapter.init({}, { schema: { collection: "things" } });
    await adapter.connect();
    return adapter;
  };

  test("writes that arrive together are committed together", async () => {
    const adapter = await openThings();
    const before = open().figures.commits;
    await Promise.all(Array.from({ length: 100 }, (_, n) => adapter.insert({ _id: `t${n}`, version: 1 })));
    expect(open().figures.commits - before).toBe(1);
    expect(await adapter.count()).toBe(100);
    await adapter.disconnect();
  });

  test("what is searched by is right after changes of one document that are committed together", async () => {
    const adapter = await openThings();
    const told = { _id: "a", version: 2, outbox: [], outboxDueAt: "2026-01-01" };
    await adapter.insert(told);
    await adapter.findById("a");
    const [, hasChanged] = await Promise.all([
      adapter.replace({ _id: "a", version: 2 }, 2),
      adapter.replace({ ...told, version: 3 }, 2),
    ]);
    expect(hasChanged).toBe(true);
    expect(await adapter.find({ query: { outboxDueAt: "2026-01-01" } })).toEqual([{ ...told, version: 3 }]);
    expect(await adapter.findById("a")).toEqual({ ...told, version: 3 });
    await adapter.replace({ _id: "a", version: 4 }, 3);
    expect(await adapter.count({ query: { outboxDueAt: { $ne: null } } })).toBe(0);
    await adapter.disconnect();
  });

  test("a long number that is a text is read as it was written", async () => {
    const adapter = new SqliteAdapter(open);
    adapter.init({}, { schema: { collection: "named" } });
    adapter.shape({ fields: ["handle"], lists: [], unique: [], indexes: [], schemaVersion: 1 });
    await adapter.connect();
    const record = { _id: "a", version: 1, handle: "12345678901234567" };
    await adapter.insert(record);
    expect(await adapter.findById("a")).toEqual(record);
    expect(await adapter.replace({ ...record, version: 2 }, 1)).toBe(true);
    expect(await adapter.findById("a")).toEqual({ ...record, version: 2 });
    await adapter.disconnect();
  });

  test("what is removed is gone, also when it was changed in the same commit", async () => {
    const adapter = await openThings();
    await adapter.insert({ _id: "a", version: 1 });
    await adapter.findById("a");
    await Promise.all([adapter.replace({ _id: "a", version: 2 }, 1), adapter.removeById("a")]);
    expect([await adapter.findById("a"), await adapter.findByIds(["a"])]).toEqual([null, []]);
    await Promise.all([adapter.insert({ _id: "b", version: 1 }), adapter.removeById("b")]);
    expect(await adapter.findById("b")).toBeNull();
    await adapter.disconnect();
  });

  test("a change that was not kept is not remembered", async () => {
    const adapter = await openThings();
    await adapter.insert({ _id: "a", version: 1 });
    const before = await adapter.findById("a");
    open().db.exec("CREATE TRIGGER no BEFORE UPDATE ON things BEGIN SELECT RAISE(ABORT, 'no'); END");
    await expect(adapter.replace({ _id: "a", version: 2 }, 1)).rejects.toThrow("no");
    expect(await adapter.findById("a")).toEqual(before);
    expect(await adapter.replace({ _id: "a", version: 3 }, 2)).toBe(false);
    expect(await adapter.findById("a")).toEqual(before);
    await adapter.disconnect();
  });

  test("syncs the disk before a write is acknowledged", async () => {
    const adapter = await openThings();
    expect(open().db.prepare("PRAGMA synchronous").get()).toEqual({ synchronous: 2 });
    expect(open().db.prepare("PRAGMA journal_mode").get()).toEqual({ journal_mode: "wal" });
    await adapter.disconnect();
  });

  test("a second owner is refused with a clear message, also from another process", async () => {
    const adapter = await openThings();
    expect(() => new SqliteFile(path())).toThrow(/in use by another process/);
    const script = `import("${join(process.cwd(), "mixins/sqlite.file.ts")}").then(({ SqliteFile }) => { try { new SqliteFile(${JSON.stringify(path())}); console.log("opened"); } catch (error) { console.log(error.message); } })`;
    const other = spawn(process.execPath, ["-e", script], { stdio: ["ignore", "pipe", "inherit"] });
    const [said] = (await once(other.stdout, "data")) as [Buffer];
    expect(String(said)).toMatch(/in use by another process/);
    await adapter.disconnect();
  });

  test("others may read the file while it is owned", async () => {
    const adapter = await openThings();
    await adapter.insert({ _id: "a", version: 1 });
    const reader = new DatabaseSync(path(), { readOnly: true });
    expect(reader.prepare("SELECT count(*) AS n FROM things").get()).toEqual({ n: 1 });
    reader.close();
    await adapter.disconnect();
  });

  test("an owner that was killed leaves no lock behind, and all that it acknowledged", async () => {
    const script = `import("${join(process.cwd(), "mixins/sqlite.file.ts")}").then(async ({ SqliteFile }) => {
      const { SqliteAdapter } = await import("${join(process.cwd(), "mixins/sqlite.adapter.ts")}");
      const adapter = new SqliteAdapter(() => new SqliteFile(${JSON.stringify(path())}));
      adapter.init({}, { schema: { collection: "things" } });
      await adapter.connect();
      for (let n = 0; ; n++) { await Promise.all([0, 1, 2].map((k) => adapter.insert({ _id: n + "-" + k, version: 1 }))); process.stdout.write(n + "\\n"); }
    })`;
    const writer = spawn(process.execPath, ["-e", script], { stdio: ["ignore", "pipe", "inherit"] });
    let acknowledged = -1;
    writer.stdout.on("data", (lines: Buffer) => {
      acknowledged = Number(String(lines).trim().split("\n").at(-1));
      if (acknowledged > 50) writer.kill("SIGKILL");
    });
    await once(writer, "close");

    const adapter = await openThings();
    expect(acknowledged).toBeGreaterThan(50);
    expect(await adapter.count()).toBeGreaterThanOrEqual((acknowledged + 1) * 3);
    await adapter.disconnect();
  });

  test("a damaged file is refused with a clear message, and is not touched", async () => {
    const adapter = await openThings();
    await adapter.insertMany(
      Array.from({ length: 500 }, (_, n) => ({ _id: `t${n}`, version: 1, text: "x".repeat(200) })),
    );
    await adapter.disconnect();
    const handle = openSync(path(), "r+");
    writeSync(handle, Buffer.alloc(3 * 4096, 0x5a), 0, 3 * 4096, 2 * 4096);
    expect(() => new SqliteFile(path())).toThrow(/^.* is damaged \(.+\)\. Restore it .*\.$/);
  });

  test("a file that cannot be written is refused when it is opened, and not with the first write", async () => {
    await (await openThings()).disconnect();
    const writeVersion = 18;
    const handle = openSync(path(), "r+");
    writeSync(handle, Buffer.of(3), 0, 1, writeVersion);
    expect(() => new SqliteFile(path())).toThrow(/lonja\.db cannot be used: the file is read-only\.$/);
  });

  test("a disk that is full when a collection is made: it says so, and the collection is made later", async () => {
    const { db } = open();
    db.exec("PRAGMA max_page_count = 3");
    await expect(openThings()).rejects.toThrow(/lonja\.db cannot be used: the disk is full\.$/);
    expect(db.prepare("SELECT name FROM sqlite_schema WHERE tbl_name = 'things'").all()).toEqual([]);

    db.exec("PRAGMA max_page_count = 100000");
    const adapter = await openThings();
    await adapter.insert({ _id: "kept", version: 1 });
    await adapter.disconnect();
    open().db.close();
  });

  test("a file that is no database is refused with a clear message", () => {
    const handle = openSync(path(), "w");
    writeSync(handle, "this is a shopping list, and a long one at that; ".repeat(100));
    expect(() => new SqliteFile(path())).toThrow(/is not a database/);
  });

  test("a full disk refuses writes with 503, keeps what is there, and recovers", async () => {
    const adapter = await openThings();
    await adapter.insert({ _id: "kept", version: 1 });
    const { page_count: pages } = open().db.prepare("PRAGMA page_count").get() as { page_count: number };
    open().db.exec(`PRAGMA max_page_count = ${pages + 2}`);
    const big = (id: string) => adapter.insert({ _id: id, version: 1, text: "x".repeat(50_000) });
    const outcomes = await Promise.allSettled([big("a"), big("b")]);
    for (const outcome of outcomes)
      expect(outcome).toMatchObject({
        status: "rejected",
        reason: { type: "unavailable", code: 503, message: expect.stringMatching(/disk is full/) },
      });

    expect(await adapter.count()).toBe(1);
    open().db.exec("PRAGMA max_page_count = 100000");
    await big("a");
    expect(await adapter.count()).toBe(2);
    await adapter.disconnect();
  });

  test("a disk that fails at every word: whoever waits is told, nobody waits for ever, and it goes on later", async () => {
    const adapter = await openThings();
    const { db } = open();
    const exec = db.exec.bind(db);
    db.exec = (sql: string) => {
      if (/COMMIT|ROLLBACK/.test(sql)) throw Object.assign(new Error("disk I/O error"), { errcode: 10 });
      exec(sql);
    };
    const outcomes = await Promise.allSettled(["a", "b"].map((_id) => adapter.insert({ _id, version: 1 })));
    db.exec = exec;
    for (const outcome of outcomes)
      expect(outcome).toMatchObject({ status: "rejected", reason: { type: "unavailable", code: 503 } });

    await adapter.insert({ _id: "c", version: 1 });
    expect((await adapter.find({})).map(({ _id }) => _id)).toEqual(["c"]);
    await adapter.disconnect();
  });

  test("one write that is refused takes no other of its group with it", async () => {
    const adapter = await openThings();
    await adapter.insert({ _id: "b", version: 1 });
    const outcomes = await Promise.allSettled(["a", "b", "c"].map((_id) => adapter.insert({ _id, version: 1 })));
    expect(outcomes.map(({ status }) => status)).toEqual(["fulfilled", "rejected", "fulfilled"]);
    expect(await adapter.count()).toBe(3);
    await adapter.disconnect();
  });

  test("what is queued when the file is closed is written; what comes later is told that it is too late", async () => {
    const adapter = await openThings();
    const queued = adapter.insert({ _id: "a", version: 1 });
    await adapter.disconnect();
    await adapter.disconnect();
    await queued;
    await expect(adapter.insert({ _id: "b", version: 1 })).rejects.toMatchObject({ code: 503 });
    await expect(adapter.findById("a")).rejects.toMatchObject({ code: 503 });

    const again = await openThings();
    expect((await again.find({})).map(({ _id }) => _id)).toEqual(["a"]);
    await again.disconnect();
  });

  test("a field that is declared later is filled for all documents or not there yet, whenever the process dies", async () => {
    const adapter = await openThings();
    await adapter.insertMany([1, 2, 3].map((n) => ({ _id: `t${n}`, version: 1, dueAt: `2026-01-0${n}` })));
    const change = (sql: string) => open().db.exec(sql);
    change("UPDATE things SET doc = 'torn' WHERE _id = 't2'");
    const wider = new SqliteAdapter(open);
    wider.init({}, { schema: { collection: "things" } });
    wider.shape({ fields: ["dueAt"], lists: [], unique: [], indexes: [["dueAt"]], schemaVersion: 1 });
    await expect(wider.connect()).rejects.toThrow("malformed JSON");

    change(`UPDATE things SET doc = '{"_id":"t2","version":1,"dueAt":"2026-01-02"}' WHERE _id = 't2'`);
    await wider.connect();
    expect(await wider.count({ query: { dueAt: { $lte: "2026-01-03" } } })).toBe(3);
    await wider.disconnect();
    await wider.disconnect();
    await adapter.disconnect();
  });

  test("is an adapter that moleculer-db's own service can use", async () => {
    const broker = new ServiceBroker({ logger: false });
    broker.createService({
      name: "posts",
      mixins: [DbService],
      adapter: new SqliteAdapter(open),
      collection: "posts",
      settings: { idField: "id" },
    } as never);
    await broker.start();
    const made = await broker.call<{ id: string }, object>("posts.create", { id: "p1", title: "Hello" });
    await broker.call("posts.update", { id: made.id, title: "Bye" });
    expect(await broker.call("posts.get", { id: made.id })).toMatchObject({ id: "p1", title: "Bye" });
    expect(await broker.call("posts.count")).toBe(1);
    await broker.call("posts.remove", { id: made.id });
    expect(await broker.call("posts.list")).toMatchObject({ total: 0 });
    await broker.stop();
  });
});
