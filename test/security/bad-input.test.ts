import { hash } from "node:crypto";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { jest } from "@jest/globals";
import { Ajv2020 } from "ajv/dist/2020.js";
import { Digest } from "../../moving/digest.ts";
import { disagreementsSeenBy } from "../books.ts";
import { adminOf, Client, until } from "../client.ts";
import { undescribed } from "../description.ts";
import { type ShopProcess, startShop } from "../process.ts";
import { Chance } from "./chance.ts";
import { type Case, Hostile, type Sender } from "./hostile.ts";
import { leaksIn } from "./leaks.ts";
import { bought, canaryOf, emailOf, password, signUp } from "./people.ts";
import { nameOf, nobodys, routes } from "./samples.ts";
import { type Answer, bytesOf, NoAnswer, Wire } from "./wire.ts";

/** `LONJA_TEST_REQUESTS=2000000` for a long night; `LONJA_TEST_SEED` repeats a run. */
const REQUESTS = Number(process.env.LONJA_TEST_REQUESTS ?? 100_000);
const SEED = Number(process.env.LONJA_TEST_SEED ?? Date.now() % 1_000_000_000);
const WIRES = 24;
const TOKENS_FRESH_MS = 300_000;
const MOST_SHOWN = 20;
const MOST_KNOWN = 5_000;
/** Beside what a run keeps on the disk, memory may grow by as much as heaps do that nobody has had to tidy up. */
const MOST_GROWTH_BYTES = 200 * 2 ** 20;

jest.setTimeout(600_000 + REQUESTS * 10);

/** A password takes both cores a while, on purpose, and a doctor reads all books. There is less of what gets that far. */
const isSlow = ({ route: { path }, mustBeRefused }: Case) =>
  !mustBeRefused && /^\/v1\/(auth\/(login|register)$|admin\/doctor)/.test(path);
const SLOW_SHARE = 0.05;

interface Described {
  paths: Record<string, Record<string, { responses: Record<string, { $ref?: string }> }>>;
  components: { schemas: { Problem: object } };
}

describe(`${REQUESTS} bad requests, LONJA_TEST_SEED=${SEED}`, () => {
  let dataDir: string;
  let shop: ShopProcess;
  let admin: Client;
  let described: Map<string, Set<string>>;
  let isProblem: (body: unknown) => boolean;
  let tokens: Record<Sender, string | undefined>;
  let anas: Record<string, string>;
  const secrets = ["canary-node-id", "correct horse battery"];
  const counts = new Map<string, number>();
  const wrong: string[] = [];

  beforeAll(async () => {
    dataDir = mkdtempSync(join(tmpdir(), "lonja-bad-input-"));
    shop = await startShop(dataDir, {
      DEMO: "on",
      ADMISSION: "off",
      NODE_ID: "canary-node-id",
      LOG_FORMAT: "json",
    });
    admin = await adminOf(shop.url);
    await admin.post("/v1/admin/inventory/MUG-SALT/adjustments", { delta: REQUESTS, reason: "delivery" });
    const [ana, bea] = [await signUp(shop.url, "ana"), await signUp(shop.url, "bea")];
    const order = await bought(ana);
    await bought(bea);
    anas = { ord: order.id, pay: order.payment.id, usr: ana.id };
    await signInAnew();
    const { body } = await admin.get("/openapi.json");
    described = answersIn(body);
    isProblem = new Ajv2020({ strict: false, validateFormats: false }).compile(body.components.schemas.Problem);
  });
  afterAll(async () => {
    await shop.stop();
    rmSync(dataDir, { recursive: true, force: true });
  });

  /** What the reference says that each route may answer: statuses of success, and those of refusal with their codes. */
  const answersIn = ({ paths }: Described) =>
    new Map(
      routes.map((route) => {
        const { responses } = paths[route.path.replace(/:(\w+)/g, "{$1}")]?.[route.method.toLowerCase()] ?? {
          responses: {},
        };
        const answers = Object.entries(responses).flatMap(([status, { $ref }]) =>
          $ref === undefined ? [status] : ($ref.split("/").at(-1) ?? "").split(".").map((code) => `${status} ${code}`),
        );
        return [nameOf(route), new Set(answers)];
      }),
    );
  /** Of any request, as the reference says in its introduction. */
  const always = new Set(["404 not_found", "405 method_not_allowed", "431 headers_too_large", "400 malformed_request"]);

  function complaints(
    { route, target, mustBeRefused, isElsewhere, sender }: Case,
    { status, headers, body }: Answer,
  ): string[] {
    const isRefusal = /^application\/problem\+json/.test(headers["content-type"] ?? "");
    const problem = isRefusal ? JSON.parse(body) : undefined;
    const answer = problem ? `${status} ${problem.code}` : `${status}`;
    return [
      ...(status >= 500 ? ["it is our fault"] : []),
      ...(status >= 400 && !(isRefusal && isProblem(problem) && problem.status === status)
        ? ["no problem document"]
        : []),
      ...(mustBeRefused && status < 400 ? ["taken, though it had to be refused"] : []),
      ...(described.get(nameOf(route))?.has(answer) || (isElsewhere && status < 500) || always.has(answer)
        ? []
        : [`${answer} is not described`]),
      ...undescribed(
        { method: route.method, path: target },
        { status, text: body, headers: { get: (name) => headers[name.toLowerCase()] ?? null } },
      ),
      ...(sender !== "admin" && body.includes(canaryOf("ana")) ? ["another's data"] : []),
      ...leaksOf(body),
    ];
  }

  /** Many answers say the same, and some are long. */
  const known = new Set<string>();
  function leaksOf(body: string): string[] {
    const text = body.replace(/"requestId":"[^"]*"/, "");
    if (known.has(text)) return [];
    const leaks = leaksIn(text, secrets).map((leak) => `shows ${leak}`);
    if (leaks.length === 0 && known.size < MOST_KNOWN) known.add(text);
    return leaks;
  }

  /** A run may be longer than a token lives. */
  let isFreshUntil = 0;
  async function signInAnew(): Promise<void> {
    isFreshUntil = Date.now() + TOKENS_FRESH_MS;
    const guest = new Client(shop.url);
    const tokenOf = async (email: string, word: string) =>
      (await guest.post("/v1/auth/login", { email, password: word })).body.accessToken;
    tokens = {
      admin: await tokenOf("admin@lonja.test", "correct horse battery"),
      bea: await tokenOf(emailOf("bea"), password),
      guest: undefined,
    };
  }

  async function send(wire: Wire, one: Case): Promise<void> {
    if (Date.now() > isFreshUntil) await signInAnew();
    const token = tokens[one.sender];
    const headers = { ...(token ? { authorization: `Bearer ${token}` } : {}), ...one.headers };
    const answer = await wire.ask(bytesOf(one.route.method, one.target, headers, one.body)).catch((error) => {
      if (!(error instanceof NoAnswer)) throw error;
      return error;
    });
    const found = answer instanceof NoAnswer ? [`no answer: ${answer.message}`] : complaints(one, answer);
    const what = answer instanceof NoAnswer ? "none" : `${answer.status}`;
    counts.set(what, (counts.get(what) ?? 0) + 1);
    if (found.length)
      wrong.push(
        `${found.join(", ")}: ${one.sender} ${one.kind} ${one.route.method} ${one.target.slice(0, 300)} ${JSON.stringify(headers).slice(0, 300)} ${one.body?.slice(0, 300)} → ${answer instanceof NoAnswer ? "" : `${answer.status} ${answer.body.slice(0, 300)}`}`,
      );
  }

  /** All cases of the seed that are wanted, the same ones each time. */
  function* cases(wanted: (one: Case) => boolean): Generator<Case> {
    const chance = new Chance(SEED);
    const makers = routes.flatMap((route) => {
      const maker = new Hostile(route, chance, (prefix) => anas[prefix] ?? nobodys(prefix));
      return Array<Hostile>(maker.weight).fill(maker);
    });
    for (let n = 0; n < REQUESTS; ) {
      const one = chance.pick(makers).next();
      if (isSlow(one) && chance.next() > SLOW_SHARE) continue;
      n++;
      if (wanted(one)) yield one;
    }
  }

  async function sendAll(all: Generator<Case>): Promise<number> {
    let sent = 0;
    const { port } = new URL(shop.url);
    const work = async () => {
      const wire = new Wire(Number(port));
      for (let next = all.next(); !next.done && wrong.length < MOST_SHOWN; next = all.next()) {
        await send(wire, next.value);
        sent++;
      }
      wire.close();
    };
    await Promise.all(Array.from({ length: WIRES }, work));
    return sent;
  }

  /** All that stands on the disk, read by somebody who is not the shop. */
  function books(): string {
    const digest = new Digest();
    for (const name of readdirSync(dataDir).filter((file) => file.endsWith(".db"))) {
      const db = new DatabaseSync(join(dataDir, name), { readOnly: true });
      const tables = db.prepare("SELECT name FROM sqlite_master WHERE type = 'table'").all();
      for (const table of tables)
        for (const row of db.prepare(`SELECT * FROM "${table.name}"`).iterate())
          digest.add(hash("sha256", JSON.stringify([table.name, row])));
      db.close();
    }
    return JSON.stringify(digest.sum);
  }
  async function calmBooks(): Promise<string> {
    let [before, unchanged] = ["", 0];
    await until(
      async () => books(),
      (now) => {
        unchanged = now === before ? unchanged + 1 : 0;
        before = now;
        return unchanged > 20;
      },
      2_000,
    );
    return before;
  }

  const measured = async (name: string) =>
    Number(new RegExp(`^${name} (\\S+)$`, "m").exec((await admin.get("/metrics")).text)?.[1]);
  beforeEach(async () => {
    admin = await adminOf(shop.url);
  });
  const isAlive = async () => [shop.child.exitCode, (await admin.get("/health/ready")).status];

  test("what is against the contract is refused as the reference says, and changes nothing at all", async () => {
    const before = await calmBooks();
    const sent = await sendAll(cases(({ mustBeRefused }) => mustBeRefused));
    expect(wrong).toEqual([]);
    expect(sent).toBeGreaterThan(REQUESTS / 4);
    expect(await isAlive()).toEqual([null, 200]);
    expect(books()).toBe(before);
  });

  test("what may be taken harms nobody, and the memory that all of it takes is bounded", async () => {
    const before = await measured("process_resident_memory_bytes");
    await sendAll(cases(({ mustBeRefused }) => !mustBeRefused));
    expect(wrong).toEqual([]);
    expect(await isAlive()).toEqual([null, 200]);
    const grown = (await measured("process_resident_memory_bytes")) - before;
    const seconds = await measured("process_cpu_seconds_total");
    const answers = [...counts].toSorted().map(([status, count]) => `${status}: ${count}`);
    process.stdout.write(`${answers.join(", ")}; ${seconds} s of one core, ${Math.round(grown / 2 ** 20)} MiB more\n`);
    expect(grown).toBeLessThan(MOST_GROWTH_BYTES);
  });

  test("the books agree, and no line of the log tells of a failure of ours", async () => {
    const left = await until(
      () => disagreementsSeenBy(admin, {}),
      (wrong) => wrong.length === 0,
      600,
    );
    expect(left).toEqual([]);
    const slips = shop
      .output()
      .split("\n")
      .filter((line) => /"level":"(error|fatal)"|Nobody has waited|^(?!\{)./.test(line));
    expect(slips).toEqual([]);
    expect(leaksIn(shop.output(), ["correct horse battery"])).toEqual([]);
  });
});
