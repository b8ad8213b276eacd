import { execFileSync, spawnSync } from "node:child_process";
import { once } from "node:events";
import {
  createReadStream,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Collection, collectionOptions, type Doc } from "../../mixins/store.mixin.ts";
import { HALF_MOVED, type StoredRecord } from "../../mixins/store.ts";
import type { OpenShop, Shelf } from "../../moving/shop.ts";
import { unpack } from "../../moving/unpack.ts";
import { realWorld } from "../../services/shared/world.ts";
import { until } from "../client.ts";
import { quietHouse } from "../house.ts";
import { exported, imported, MovingProcess, madeUp, openStores, packed, quiet, sourceOf, unpacked } from "../moving.ts";
import { startShop } from "../process.ts";
import { needMongo, newMongoDatabase, startMongo } from "../servers/mongo.ts";
import { needPostgres, newDatabase, startPostgres } from "../servers/postgres.ts";
import { describeWith, type RunningServer } from "../servers/server.ts";
import { openShop } from "../shop.ts";

let folder: string;
const open: OpenShop[] = [];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "lonja-moving-"));
});
afterEach(async () => {
  for (const shop of open.splice(0)) await shop.close();
  rmSync(folder, { recursive: true, force: true });
});

const at = (name: string) => join(folder, name);
const in_ = (name: string) => ({ DATA_DIR: at(name) });
async function stores(env: Record<string, string>): Promise<OpenShop> {
  const shop = await openStores(env);
  open.push(shop);
  return shop;
}
const shelf = ({ shelves }: OpenShop, name: string): Shelf => {
  const found = shelves.find((one) => one.name === name);
  if (!found) throw new Error(`there are no ${name}`);
  return found;
};
const record = (_id: string, more: object = {}): StoredRecord => ({ _id, version: 1, ...more });
const records = (count: number, more: object = {}) => Array.from({ length: count }, (_, n) => record(`r${n}`, more));
/** A shop with a demo catalogue and a first admin, that nobody has bought in. */
async function aShop(name: string): Promise<string> {
  await (await openShop({ dataDir: at(name), env: { DEMO: "on" } })).close();
  return name;
}
const last = ({ said }: { said: string[] }) => said.at(-1);

describe("a file of SQLite", () => {
  test("becomes a file of its owner's, and that a shop which is equal, by any number of imports", async () => {
    await aShop("a");
    const out = await exported([at("shop.ndjson")], in_("a"));
    expect(out).toMatchObject({ code: 0, stdout: "" });
    expect(statSync(at("shop.ndjson")).mode & 0o777).toBe(0o600);
    expect(readdirSync(folder)).toEqual(["a", "shop.ndjson"]);
    const [, digest] = /digest is ([\da-f]{64})\.$/.exec(last(out) ?? "") ?? [];

    const first = await imported([at("shop.ndjson")], in_("b"));
    expect([first.code, last(first)]).toEqual([0, expect.stringContaining(`Its digest is ${digest}.`)]);
    const again = await imported([at("shop.ndjson")], in_("b"));
    expect(again.code).toBe(0);
    expect(again.said).toContainEqual(
      expect.stringMatching(/^[\d,]+ records were there already, 0 were written now\.$/),
    );

    const piped = await exported(["-"], in_("b"));
    const collections = (text: string) =>
      text
        .split("\n")
        .slice(1, -2)
        .map((line) => line.replace(/,"sum":.*/, ""));
    expect(collections(piped.stdout)).toEqual(collections(readFileSync(at("shop.ndjson"), "utf8")));
  });

  test("is written whole, also when nobody listens to what is said of it", async () => {
    await aShop("a");
    const unheard = new MovingProcess("export", [at("x")], in_("a"));
    unheard.child.stderr?.destroy();
    expect((await unheard.ended).code).toBe(0);
    expect((await imported([at("x")], in_("b"))).code).toBe(0);
  });

  test("goes through a pipe", async () => {
    await aShop("a");
    const pipe = `"$0" moving/export.ts - | DATA_DIR="$DATA_DIR/../b" "$0" moving/import.ts -`;
    const { status, stderr } = spawnSync("sh", ["-c", pipe, process.execPath], {
      env: { PATH: process.env.PATH, ...in_("a") },
      encoding: "utf8",
    });
    expect([status, stderr]).toEqual([0, expect.stringMatching(/is there, record by record/)]);
  });

  test("takes facts that wait, dead letters, what was heard, and what nobody declared with it", async () => {
    const odd = record("ord_1", {
      version: 7,
      number: "A",
      outbox: [{ id: "evt_1", type: "orders.confirmed", at: "x", data: {}, to: "payments", tries: 10, parkedAt: "y" }],
      outboxDueAt: "2026-01-01T00:00:00.000Z",
      parkedAt: "y",
      inbox: ["evt_0"],
      schemaVersion: 9,
      undeclared: { a: [null] },
    });
    const a = await stores(in_("a"));
    await shelf(a, "orders.orders").adapter.insert(odd);
    const b = await stores(in_("b"));
    await unpacked(b.shelves, await packed(a.shelves));
    expect(await shelf(b, "orders.orders").adapter.findById("ord_1")).toEqual(odd);
    expect(await shelf(b, "orders.orders").adapter.count({ query: { parkedAt: { $ne: null } } })).toBe(1);
  });
});

describe("an export says in one line why there is none, and leaves no file", () => {
  const said = async (args: string[], env: Record<string, string>) => {
    const { code, said } = await exported(args, env);
    expect(readdirSync(folder).filter((name) => name.endsWith(".part"))).toEqual([]);
    return [code, last({ said })];
  };

  test("a shop that is open has its files for itself", async () => {
    const shop = await startShop(at("a"));
    expect(await said([at("x")], in_("a"))).toEqual([
      1,
      expect.stringMatching(/^\S+lonja\.db is in use by another process\./),
    ]);
    await shop.stop();
    expect(existsSync(at("x"))).toBe(false);
  });

  test("where there is no shop, none is made", async () => {
    expect(await said([at("x")], in_("nowhere"))).toEqual([1, "There is no shop: nothing has ever been kept there."]);
    expect(readdirSync(folder)).toEqual([]);
  });

  test("a file that is there is not replaced, unless that is wanted", async () => {
    await aShop("a");
    writeFileSync(at("x"), "mine", { mode: 0o644 });
    expect(await said([at("x")], in_("a"))).toEqual([
      1,
      `${at("x")} cannot be used: it is there already; --force replaces it.`,
    ]);
    expect(readFileSync(at("x"), "utf8")).toBe("mine");
    expect((await exported([at("x"), "--force"], in_("a"))).code).toBe(0);
    expect(statSync(at("x")).mode & 0o777).toBe(0o600);
  });

  test("a folder, a folder that is not there, and a full disk", async () => {
    await aShop("a");
    mkdirSync(at("dir"));
    expect(await said([at("dir")], in_("a"))).toEqual([1, `${at("dir")} cannot be used: it is a folder.`]);
    expect(await said([at("no/x")], in_("a"))).toEqual([
      1,
      expect.stringMatching(/^\S+x cannot be used: it cannot be written: ENOENT/),
    ]);
    const limited = ["-c", `ulimit -f 20; exec "$0" moving/export.ts "$1"`, process.execPath, at("x")];
    const { status, stderr } = spawnSync("sh", limited, {
      env: { PATH: process.env.PATH, ...in_("a") },
      encoding: "utf8",
    });
    expect([status, stderr.trim().split("\n").at(-1)]).toEqual([
      1,
      expect.stringMatching(/^\S+ cannot be used: .+\.$/),
    ]);
    expect(readdirSync(folder)).toEqual(["a", "dir"]);
  });

  test.each([
    [["--fast", "x"], "--fast is not known here: npm run export"],
    [["-x"], "-x is not known here: npm run export"],
    [[], "One file is wanted: npm run export"],
    [["x", "y"], "One file is wanted: npm run export"],
  ])("arguments %j", async (args, words) => {
    const { code, said } = await exported(args, in_("a"));
    expect([code, said]).toEqual([2, [expect.stringContaining(words)]]);
  });

  test("a store that is not there yet is waited for, until somebody has waited enough", async () => {
    const notYet = createServer((caller) => caller.destroy())
      .listen(0, "127.0.0.1")
      .unref();
    await once(notYet, "listening");
    const { port } = notYet.address() as { port: number };
    const waiting = new MovingProcess("export", [at("x")], { STORE: `postgres://127.0.0.1:${port}/shop` });
    const tries = (async () => {
      for (let n = 0; n < 4; n++) await once(notYet, "connection");
      return "still there";
    })();
    expect(await Promise.race([tries, waiting.ended])).toBe("still there");
    waiting.child.kill("SIGTERM");
    expect(await waiting.ended).toMatchObject({ code: 143, said: expect.arrayContaining(["Stopped by SIGTERM."]) });
    notYet.close();
    expect(readdirSync(folder)).toEqual([]);
  });

  test("what is no file is left as it is", async () => {
    execFileSync("mkfifo", [at("x")]);
    expect(await said([at("x"), "--force"], in_("a"))).toEqual([
      1,
      `${at("x")} cannot be used: it is no file; - is standard output.`,
    ]);
    expect(statSync(at("x")).isFIFO()).toBe(true);
  });

  test("an address that cannot be read, without its password", async () => {
    const { code, said } = await exported([at("x")], { STORE: "postgres://shop:hunter2/of/mine@db/shop" });
    expect([code, said]).toEqual([2, [expect.stringMatching(/^STORE=postgres:\/\/…@db\/shop cannot be used: /)]]);
  });

  test("Ctrl-C in the middle", async () => {
    await aShop("a");
    // The file that it writes is a pipe that takes little: so it is in the middle for as long as nobody reads on.
    execFileSync("mkfifo", [at("x.part")]);
    const process_ = new MovingProcess("export", [at("x")], in_("a"));
    const reading = createReadStream(at("x.part"), { highWaterMark: 64 });
    await once(reading, "readable");
    process_.child.kill("SIGINT");
    expect(await process_.ended).toMatchObject({ code: 130, said: expect.arrayContaining(["Stopped by SIGINT."]) });
    reading.destroy();
    expect(readdirSync(folder)).toEqual(["a"]);
  });
});

describe("a shop that changes while it is exported is found out", () => {
  test.each([
    ["a record more", (adapter: Shelf["adapter"]) => adapter.insert(record("r9"))],
    ["one changed", (adapter: Shelf["adapter"]) => adapter.replace(record("r0", { version: 2 }), 1)],
    ["one less", (adapter: Shelf["adapter"]) => adapter.removeById("r0")],
    [
      "a fact that was delivered, which is no change to readers",
      (adapter: Shelf["adapter"]) => adapter.replace(record("r0"), 1),
    ],
  ])("%s", async (_what, change) => {
    const shop = await stores(in_("a"));
    const { adapter } = shelf(shop, "payments.ledger");
    await adapter.insertMany([record("r0", { outbox: [] }), record("r1")]);
    const text: string[] = [];
    const packing = packed(shop.shelves, async (line) => {
      text.push(line);
      if (line.includes('"c":"payments.ledger"')) await change(adapter);
    });
    await expect(packing).rejects.toThrow(
      "The shop has changed while it was read (payments.ledger), and what was read is no whole: stop all nodes first.",
    );
    await expect(unpacked((await stores(in_("b"))).shelves, text.join(""))).rejects.toThrow("it is not complete");
  });
});

describe("an import refuses, before it writes anything", () => {
  const isEmpty = async (env: Record<string, string>) => {
    const shop = await stores(env);
    return (await Promise.all(shop.shelves.map(({ adapter }) => adapter.count()))).every((count) => count === 0);
  };

  test("a file that is damaged", async () => {
    const lines = madeUp({ "users.accounts": records(3), "catalog.skus": records(3) }).split("\n");
    writeFileSync(at("x"), lines.with(5, lines[5]?.replace("r1", "r7") ?? "").join("\n"));
    const { code, said } = await imported([at("x")], in_("a"));
    expect([code, last({ said })]).toEqual([
      1,
      `${at("x")} cannot be used: line 6 is not what was written there: it was changed, moved, cut or left out.`,
    ]);
    expect(await isEmpty(in_("a"))).toBe(true);
  });

  test("a file that is not there, or is a folder", async () => {
    expect(last(await imported([at("x")], in_("a")))).toMatch(/^\S+x cannot be used: it cannot be read: ENOENT/);
    expect(last(await imported([folder], in_("a")))).toBe(`${folder} cannot be used: it is a folder.`);
    expect(existsSync(at("a"))).toBe(false);
  });

  test("another shop in its place, also one that was started by mistake", async () => {
    writeFileSync(at("x"), madeUp({ "users.accounts": records(3) }));
    await aShop("a");
    const { code, said } = await imported([at("x")], in_("a"));
    expect([code, last({ said })]).toEqual([
      1,
      expect.stringMatching(
        /^There is something else already: 1 in users\.accounts \(such as usr_\w+\), .*60 in catalog\.products/,
      ),
    ]);
    expect((await exported(["-"], in_("a"))).code).toBe(0);
  });

  test("what a newer Lonja has written", async () => {
    const { shelves } = await stores(in_("a"));
    await expect(unpacked(shelves, madeUp({ "users.accounts": records(1) }, 2, { lonja: "3.0.0" }))).rejects.toThrow(
      "users.accounts has schema version 2, this Lonja knows 1: use Lonja 3.0.0.",
    );
    await expect(unpacked(shelves, madeUp({ "bundles.bundles": records(1) }, 1, { lonja: "3.0.0" }))).rejects.toThrow(
      "bundles.bundles is not known here: the file is from Lonja 3.0.0, use that one.",
    );
    expect(await shelf({ shelves } as OpenShop, "users.accounts").adapter.storedSchemaVersion()).toBe(0);
  });

  test("a store that is newer than the file", async () => {
    const { shelves } = await stores(in_("a"));
    const newer = shelves.map((one) => ({ ...one, schemaVersion: 2 }));
    for (const { adapter } of newer) await adapter.setSchemaVersion(2);
    await expect(unpacked(newer, madeUp({ "users.accounts": records(1) }))).rejects.toThrow(
      "The store has schema version 2 of users.accounts, and the file has 1: begin with an empty store.",
    );
  });
});

describe("an import that was interrupted", () => {
  const all = { "users.accounts": records(700), "orders.orders": records(700), "payments.ledger": records(30) };

  test("opens no shop and is no shop to export, and goes on when it is repeated", async () => {
    writeFileSync(at("x"), madeUp(all));
    const lines = madeUp(all).split("\n");
    const half = new MovingProcess("import", ["-"], in_("a"));
    half.child.stdin?.write(`${lines.slice(0, 900).join("\n")}\n`);
    await until(
      async () => half.said,
      (said) => said.includes("Writing"),
      1_000,
    );
    half.child.stdin?.write(`${lines.slice(900, 1_300).join("\n")}\n`);
    const seen = async () => (await exported(["-"], in_("a"))).said.at(-1);
    expect(await seen()).toMatch(/is in use by another process/);
    half.child.kill("SIGKILL");
    expect(await half.ended).toMatchObject({ signal: "SIGKILL" });

    expect(await seen()).toMatch(/^An import into users\.accounts has not come to its end/);
    const shop = await startShop(at("a"));
    expect([shop.child.exitCode, shop.output()]).toEqual([
      1,
      expect.stringMatching(/^An import has not come to its end, and \w+ may not be all there: .+\n$/),
    ]);

    const { code, said } = await imported([at("x")], in_("a"));
    expect([code, said.find((line) => line.includes("already"))]).toEqual([
      0,
      expect.stringMatching(/^(700|1,200) records were there already, (730|230) were written now\.$/),
    ]);
  });

  test("opens no shop in stores that were open once and are empty", async () => {
    const shop = await stores(in_("a"));
    for (const { adapter } of shop.shelves) await adapter.setSchemaVersion(1);
    const text = madeUp(all);
    const cut = sourceOf(
      text,
      (line) => {
        if (line === 900) throw new Error("cut off");
      },
      false,
    );
    await expect(unpack(shop.shelves, cut, quiet)).rejects.toThrow("cut off");
    const versions = Object.keys(all).map((name) => shelf(shop, name).adapter.storedSchemaVersion());
    expect(await Promise.all(versions)).toEqual([HALF_MOVED, HALF_MOVED, HALF_MOVED]);
    await expect(packed(shop.shelves)).rejects.toThrow("has not come to its end");

    await unpacked(shop.shelves, text);
    expect(await shelf(shop, "orders.orders").adapter.storedSchemaVersion()).toBe(1);
  });

  test("does not go on where somebody has changed, or added, something", async () => {
    const text = madeUp(all);
    for (const stranger of [record("r5", { name: "changed" }), record("r9999")]) {
      const shop = await stores(in_(stranger._id));
      await shelf(shop, "orders.orders").adapter.insert(stranger);
      await expect(unpacked(shop.shelves, text)).rejects.toThrow(
        `There is something else already: 1 in orders.orders (such as ${stranger._id}).`,
      );
      expect(await shelf(shop, "users.accounts").adapter.count()).toBe(0);
    }
  });

  test("goes on from a file only: what comes through a pipe is not known before it is written", async () => {
    const shop = await stores(in_("a"));
    await shelf(shop, "users.accounts").adapter.insert(record("r0"));
    await expect(unpack(shop.shelves, sourceOf(madeUp(all), undefined, false), quiet)).rejects.toThrow(
      /something else/,
    );
    expect((await unpacked(shop.shelves, madeUp(all))).known).toBe(1);
  });
});

describe("whoever writes into the stores during an import is found out at its end", () => {
  const text = madeUp({ "users.accounts": records(600), "orders.orders": records(3) });

  test.each([
    ["a record more", (adapter: Shelf["adapter"]) => adapter.insert(record("x")), "x is not as in the file"],
    ["one less", (adapter: Shelf["adapter"]) => adapter.removeById("r5"), "not there as in the file: line 7"],
    [
      "one changed",
      (adapter: Shelf["adapter"]) => adapter.replace(record("r5", { version: 2 }), 1),
      "r5 is not as in the file; not there as in the file: line 7",
    ],
  ])("%s", async (_what, change, differs) => {
    const shop = await stores(in_("a"));
    const { adapter } = shelf(shop, "users.accounts");
    const source = sourceOf(text, (line) => line === 603 && change(adapter), false);
    const { compared } = await unpack(shop.shelves, source, quiet);
    expect(compared.map(({ collection, differs }) => [collection, differs])).toEqual([
      ["users.accounts", differs],
      ["orders.orders", undefined],
    ]);
    expect(await adapter.storedSchemaVersion()).toBe(HALF_MOVED);
  });
});

test("documents of an older schema are brought in as they are, and up to date when the shop starts", async () => {
  interface Thing extends Doc {
    size: number;
  }
  const { shelves } = await stores(in_("a"));
  const { adapter, name } = shelves.find((one) => one.name === "payments.ledger") as Shelf;
  await unpacked([{ name, adapter, schemaVersion: 2 }], madeUp({ [name]: records(3, { size: 2 }) }));
  expect(await adapter.storedSchemaVersion()).toBe(1);
  expect(await adapter.findById("r1")).toEqual(record("r1", { size: 2 }));

  const doubling = collectionOptions<Thing>({
    schemaVersion: 2,
    migrations: { 2: (one) => ({ ...one, size: one.size * 2 }) },
  });
  await new Collection<Thing>("things", adapter, doubling, quietHouse(realWorld)).migrate();
  expect(await adapter.findById("r1")).toEqual(record("r1", { size: 4, version: 2, schemaVersion: 2 }));
  expect(await adapter.storedSchemaVersion()).toBe(2);
});

describeWith([needPostgres, needMongo], "between SQLite, MongoDB and PostgreSQL", () => {
  const servers: RunningServer[] = [];
  let urls: string[];
  beforeAll(async () => {
    const [postgres, mongo] = await Promise.all([startPostgres(), startMongo()]);
    servers.push(postgres, mongo);
    urls = [newMongoDatabase(mongo, "moving"), await newDatabase(postgres, "moving")];
  });
  afterAll(async () => {
    await Promise.all(servers.map((server) => server.stop()));
  });

  test("what one store or another may stumble over stays what it was", async () => {
    const numbers = [
      0,
      -0,
      -1,
      2 ** 31 - 1,
      2 ** 31,
      -(2 ** 31) - 1,
      2 ** 53 - 1,
      -(2 ** 53) + 1,
      0.1,
      -0.1,
      1e21,
      5e-324,
      1.7976931348623157e308,
    ];
    const odd = [
      "\0",
      "a\0b",
      "\ud800",
      "\udfff x",
      "\uE0FF0000",
      "ñ 🐟 Ａ",
      "",
      " ",
      "$set",
      "a.b",
      "__proto__",
      "_bsontype",
      "_unique_email",
      "toBSON",
      "$numberLong",
      "1",
      "10",
      "2",
    ];
    const fields = (value: unknown) => Object.fromEntries(odd.map((name) => [name, value]));
    const all = [
      record("empty"),
      record("null", { a: null, b: "", c: [], d: {}, e: [{}, null, "", { f: [] }] }),
      record("numbers", { numbers, deep: { numbers } }),
      record("texts", { odd, date: "2026-01-01T00:00:00.000Z", id: "507f1f77bcf86cd799439011" }),
      record("names", { ...fields(1), deep: fields(fields("\0")) }),
      record("large", { text: "x".repeat(3_000_000) }),
      record("version", { version: 2 ** 53 - 1, schemaVersion: 2 }),
      ...odd.filter((name) => name && name !== "\ud800").map((name) => record(`id ${name}`)),
      ...Array.from({ length: 120 }, (_, n) => record(`r${n}\0${String.fromCodePoint(0xfff0 + 7 * n)}`, { n })),
    ].map((one) => JSON.parse(JSON.stringify(one)) as StoredRecord);

    const a = await stores(in_("a"));
    await shelf(a, "gateway.answers").adapter.insertMany(all);
    const texts = [await packed(a.shelves)];
    for (const env of [{ STORE: urls[0] ?? "" }, { STORE: urls[1] ?? "" }, in_("b")]) {
      const next = await stores(env);
      const { compared } = await unpacked(next.shelves, texts.at(-1) ?? "");
      expect(compared).toMatchObject([
        { collection: "gateway.answers", inFile: { records: all.length }, differs: undefined },
      ]);
      texts.push(await packed(next.shelves));
    }
    const ends = texts.map((text) => JSON.parse(text.trimEnd().split("\n").at(-1) ?? "").end);
    expect(ends).toEqual(ends.map(() => ends[0]));
    const { adapter } = shelf(open.at(-1) as OpenShop, "gateway.answers");
    for (const one of all) expect(await adapter.findById(one._id)).toEqual(one);
  });
});
