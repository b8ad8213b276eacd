import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { jest } from "@jest/globals";
import { ServiceBroker } from "moleculer";
import { Client as Database } from "pg";
import { SMTPServer } from "smtp-server";
import { brokerOptions } from "../../moleculer.config.ts";
import { readSettings } from "../../services/shared/settings.ts";
import { realWorld } from "../../services/shared/world.ts";
import { address, Client, type Reply, until } from "../client.ts";
import { everyService, ShopCluster } from "../cluster.ts";
import { startShop } from "../process.ts";
import { needNats, startNats } from "../servers/nats.ts";
import { needPostgres, newDatabase, startPostgres } from "../servers/postgres.ts";
import { type BreakableServer, describeWith, ours } from "../servers/server.ts";
import { leaksIn } from "./leaks.ts";

jest.setTimeout(240_000);

/** One for each setting that holds a secret, and for each that people have. None is a part of another. */
const canaries = {
  admin: "canary-1-of-the-first-admin",
  bus: "canary-2-that-signs-packets",
  oldBus: "canary-3-that-signed-packets",
  nats: "canary-4-for-nats",
  store: "canary-5-for-the-store",
  mail: "canary-6-for-mail",
  customer: "canary-7 of a customer",
  wrong: "canary-8 that is no password",
  card: "tok_canary_9",
};
/** A receiver of webhooks that never takes one. */
const nobodyAt = "127.0.0.1:9";
const found = (text: string, secrets: Readonly<Record<string, string>>) =>
  Object.entries(secrets).flatMap(([name, secret]) => {
    const at = text.indexOf(secret);
    return at < 0 ? [] : [`${name}: …${text.slice(Math.max(0, at - 150), at + 40)}…`];
  });

describeWith(
  [needNats, needPostgres, ours("LONJA_TEST_NATS_URL", "LONJA_TEST_POSTGRES_URL")],
  "secrets of a cluster",
  () => {
    let nats: BreakableServer;
    let postgres: BreakableServer;
    let mail: SMTPServer;
    let mailWorks = false;
    let cluster: ShopCluster;
    let database: string;
    let guest: Client;
    const env: Record<string, string> = {};
    /** What the shop has said to anybody, and what only it may know. */
    const answers: Reply[] = [];
    const told: Record<string, string> = {};
    const kept: Record<string, string> = {};

    beforeAll(async () => {
      nats = await startNats({ user: "lonja", password: canaries.nats });
      postgres = await startPostgres();
      database = await newDatabase(postgres, "secrets");
      mail = new SMTPServer({
        logger: false,
        authOptional: false,
        allowInsecureAuth: true,
        disabledCommands: ["STARTTLS"],
        onAuth: ({ password }, _session, done) =>
          mailWorks && password === canaries.mail ? done(null, { user: "lonja" }) : done(new Error("535 not now")),
        onData: (stream, _session, done) => void stream.resume().on("end", done),
      });
      await new Promise<void>((resolve) => void mail.listen(0, "127.0.0.1", resolve));
      const { port } = mail.server.address() as { port: number };
      Object.assign(env, {
        TRANSPORTER: nats.url.replace("://", `://lonja:${canaries.nats}@`),
        BUS_SECRET: `${canaries.bus}, ${canaries.oldBus}`,
        STORE: Object.assign(new URL(database), { password: canaries.store }).href,
        SMTP_URL: `smtp://lonja:${canaries.mail}@127.0.0.1:${port}?ignoreTLS=true`,
        ADMIN_PASSWORD: canaries.admin,
        WEBHOOK_ALLOW: nobodyAt,
        LOG_LEVEL: "trace",
        DEMO: "on",
        RATE_LIMIT: "off",
      });
      const scale = Object.fromEntries(everyService.map((service) => [service, 1]));
      cluster = await ShopCluster.open({ env, scale });
      guest = new Client(cluster.urls[0] as string);
    });
    afterAll(async () => {
      await cluster?.close();
      await new Promise<void>((resolve) => void mail.close(() => resolve()));
      await postgres?.stop();
      await nats?.stop();
    });

    const ask = async (method: string, path: string, body?: unknown, headers: Record<string, string> = {}) => {
      const answer = await guest.send(method, path, body, headers);
      answers.push(answer);
      return answer;
    };
    const order = (token: string, email = "ada@example.com") => ({
      email,
      lines: [{ sku: "MUG-SALT", quantity: 1 }],
      shippingAddress: address,
      payment: { token },
    });
    const buy = (token: string, headers: Record<string, string> = {}) =>
      ask("POST", "/v1/orders", order(token), { "idempotency-key": `canary-key-${answers.length}`, ...headers });
    const eva = { email: "eva@lonja.test", password: canaries.customer };
    const as = (token: string) => ({ authorization: `Bearer ${token}` });

    async function succeed(): Promise<string> {
      const registered = await ask("POST", "/v1/auth/register", eva);
      const login = await ask("POST", "/v1/auth/login", { email: "admin@lonja.test", password: canaries.admin });
      const refreshed = await ask("POST", "/v1/auth/refresh", { refreshToken: registered.body.refreshToken });
      Object.assign(told, {
        access: registered.body.accessToken,
        admins: login.body.accessToken,
        refresh: registered.body.refreshToken,
        successor: refreshed.body.refreshToken,
      });
      const mine = await buy("tok_visa", as(registered.body.accessToken));
      const guests = await buy("tok_visa");
      expect([registered, login, refreshed, mine, guests].map(({ status }) => status)).toEqual([
        201, 200, 200, 201, 201,
      ]);
      const hooks = { url: `http://${nobodyAt}/hook`, eventTypes: ["order.confirmed"] };
      const endpoint = await ask("POST", "/v1/admin/webhook-endpoints", hooks, as(login.body.accessToken));
      expect([endpoint.status, endpoint.body.secret]).toEqual([201, expect.stringMatching(/^whsec_/)]);
      Object.assign(told, { guest: guests.body.guestToken, key: "canary-key-", webhooks: endpoint.body.secret });
      const { id } = guests.body;
      expect((await ask("GET", `/v1/orders/${id}?token=${told.guest}`)).status).toBe(200);
      expect(
        (await ask("GET", `/v1/orders/${id}/invoice`, undefined, { "x-guest-token": told.guest ?? "" })).status,
      ).toBe(200);
      const again = await ask(
        "GET",
        `/v1/admin/webhook-endpoints/${endpoint.body.id}`,
        undefined,
        as(login.body.accessToken),
      );
      expect(again.text).not.toContain(told.webhooks);
      for (const path of ["users", "orders", "invoices", "ledger", "mails", "dead-letters", "sandbox/charges"])
        expect((await ask("GET", `/v1/admin/${path}`, undefined, as(login.body.accessToken))).status).toBe(200);
      return login.body.accessToken;
    }

    async function fail(): Promise<void> {
      await ask("POST", "/v1/auth/login", { ...eva, password: canaries.wrong });
      await ask("POST", "/v1/auth/login", `{"email":"eva@lonja.test","password":"${canaries.wrong}"`, {
        "content-type": "application/json",
      });
      await ask("POST", "/v1/auth/login", { email: "eva@lonja.test", password: [canaries.wrong] });
      await ask("POST", "/v1/auth/register", { ...eva, password: canaries.customer });
      await ask("POST", "/v1/auth/refresh", { refreshToken: `${told.refresh}x` });
      await ask("GET", "/v1/me", undefined, as(`${told.access}x`));
      await ask("GET", "/v1/orders/ord_0123456789abcdefghjkmnpqrs", undefined, { "x-guest-token": told.guest ?? "" });
      await ask("POST", "/v1/webhooks/payments/sandbox", { data: {} }, { "x-signature": `t=1,v1=${canaries.wrong}` });
      expect((await buy(canaries.card)).status).toBe(402);
      await buy("tok_capture_fails");
      await postgres.kill();
      for (let n = 0; n < 3; n++) await ask("POST", "/v1/auth/login", eva);
      await buy(canaries.card);
      await postgres.start();
      await nats.kill();
      await buy(canaries.card);
      await ask("GET", "/v1/products");
      await nats.start();
      mailWorks = true;
      await until(
        () => buy("tok_visa"),
        ({ status }) => status === 201,
      );
    }

    /** What the services have made up for themselves, as it stands in the store. */
    async function readSecrets(): Promise<void> {
      const client = new Database({ connectionString: database });
      await client.connect();
      const { rows: tables } = await client.query(
        "SELECT table_name FROM information_schema.tables WHERE table_name LIKE '%secrets'",
      );
      for (const { table_name: table } of tables) {
        const { rows } = await client.query(`SELECT doc FROM "${table}"`);
        for (const { doc } of rows) {
          const { _id, value, succession, privateKey } = typeof doc === "string" ? JSON.parse(doc) : doc;
          for (const [name, secret] of Object.entries({ value, succession, d: privateKey?.d }))
            if (secret) kept[`${table} ${_id} ${name}`] = String(secret);
        }
      }
      await client.end();
    }

    test("are in no answer, no line of a log at its most talkative, no measure and no title of a process", async () => {
      const admin = await succeed();
      await fail();
      await readSecrets();
      expect(Object.keys(kept).length).toBeGreaterThanOrEqual(4);
      await ask("GET", "/metrics");
      await ask("GET", "/openapi.json");
      await ask("GET", "/v1/admin/mails", undefined, as(admin));

      const never = { ...canaries, ...kept };
      const logs = cluster.nodes.map(({ process, said }) => `${process.name}\n${said.join("\n")}`);
      expect(logs.join().length).toBeGreaterThan(50_000);
      expect(logs.flatMap((log) => found(log, { ...never, ...told }))).toEqual([]);
      const said = answers.map(({ headers, text }) => `${JSON.stringify([...headers])}\n${text}`);
      // The buyer's card stands in the provider's own books, as its token, for staff.
      const { card: _card, ...unsayable } = never;
      expect(said.flatMap((text) => found(text, unsayable))).toEqual([]);
      const refusals = answers.filter(({ status }) => status >= 400).map(({ text }) => text);
      expect(refusals.length).toBeGreaterThan(8);
      expect(refusals.flatMap((text) => [...found(text, { ...never, ...told }), ...leaksIn(text)])).toEqual([]);
      const pids = cluster.nodes.map(({ process }) => String(process.pid));
      const titles = execFileSync("ps", ["-ww", "-o", "args=", "-p", pids.join()], { encoding: "utf8" });
      expect(titles.trim().split("\n")).toHaveLength(pids.length);
      expect(found(titles, { ...never, ...told })).toEqual([]);
    });

    test("are told to no other node, not even to one of the house, nor by any action of Moleculer's own", async () => {
      const { NAMESPACE: namespace } = cluster.env;
      const settings = readSettings({ ...env, NAMESPACE: namespace });
      const visitor = new ServiceBroker(
        await brokerOptions({ settings, world: realWorld, logger: false, visits: true }),
      );
      await visitor.start();
      try {
        await visitor.waitForServices([...everyService], 20_000, 50);
        const nodes = visitor.registry
          .getNodeList({ withServices: true })
          .map((node) => ({ ...node, client: node.client }));
        const others = nodes.filter(({ local }) => !local);
        expect(others.length).toBe(cluster.nodes.length);
        const heard = JSON.stringify([
          others,
          visitor.registry.getServiceList({ withActions: true, withSettings: true } as never),
        ]);
        expect(heard).toMatch(/users\.login/);
        expect(found(heard, { ...canaries, ...kept, ...told })).toEqual([]);
        for (const action of [
          "$node.options",
          "$node.list",
          "$node.services",
          "$node.actions",
          "$node.metrics",
          "$node.health",
        ])
          for (const { id: nodeID } of others)
            await expect(visitor.call(action, {}, { nodeID })).rejects.toMatchObject({ name: /ServiceNot/ });
      } finally {
        await visitor.stop();
      }
    });
  },
);

describe("secrets of a shop that cannot open", () => {
  test.each<[string, Record<string, string>]>([
    ["a store that is not there", { STORE: `postgres://lonja:${canaries.store}@127.0.0.1:1/shop` }],
    ["a store whose name nobody knows", { STORE: `postgres://lonja:${canaries.store}@nowhere.invalid/shop` }],
    [
      "another store that is not there",
      { STORE: `mongodb://lonja:${canaries.store}@127.0.0.1:1/shop?serverSelectionTimeoutMS=200` },
    ],
    ["a store's address that is none", { STORE: `postgres:lonja:${canaries.store}@127.0.0.1/shop` }],
    ["a bus that is not there", { TRANSPORTER: `nats://lonja:${canaries.nats}@127.0.0.1:1`, BUS_SECRET: canaries.bus }],
    [
      "another bus that is not there",
      { TRANSPORTER: `amqp://lonja:${canaries.nats}@127.0.0.1:1`, BUS_SECRET: canaries.bus },
    ],
    [
      "a third bus that is not there",
      { TRANSPORTER: `redis://lonja:${canaries.nats}@127.0.0.1:1`, BUS_SECRET: canaries.bus },
    ],
    ["a bus's address that is none", { TRANSPORTER: `nats://lonja:${canaries.nats}@`, BUS_SECRET: canaries.bus }],
    ["a way to send mail that is none", { SMTP_URL: `smtp:lonja:${canaries.mail}@127.0.0.1` }],
    ["a file for a password that is a folder", { ADMIN_PASSWORD_FILE: tmpdir(), BUS_SECRET: canaries.bus }],
  ])("are not said over %s", async (_what, env) => {
    const folder = mkdtempSync(join(tmpdir(), "lonja-closed-"));
    const talkative = { LOG_LEVEL: "trace", LOG_FORMAT: "json", ADMIN_PASSWORD: canaries.admin };
    const shop = await startShop(folder, { ...talkative, ...env }, 0);
    // It says something, and then either ends or tries again, of which a moment is enough.
    await until(
      async () => shop.output(),
      (said) => said !== "",
      1_200,
    );
    await new Promise((resolve) => setTimeout(resolve, 2_000));
    await shop.kill();
    rmSync(folder, { recursive: true, force: true });
    expect(shop.output()).not.toBe("");
    expect(found(shop.output(), canaries)).toEqual([]);
  });
});
