import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { SMTPServer, type SMTPServerOptions } from "smtp-server";
import type { Mail } from "../../services/notifications/notifications.contract.ts";
import type { Order } from "../../services/orders/orders.contract.ts";
import type { Figures } from "../../services/shared/figures.ts";
import { realWorld, type World } from "../../services/shared/world.ts";
import { anOrder } from "../an-order.ts";
import { openShop, type Shop } from "../shop.ts";

/** The real world, but its time runs faster: pauses of seconds are over in a moment. */
function hastyWorld(factor: number): World {
  const start = realWorld.now();
  const after: World["after"] = (ms, then) => realWorld.after(ms / factor, then);
  return { ...realWorld, now: () => Math.round(start + (realWorld.now() - start) * factor), after };
}

/** A mail server on a port of its own. What it takes, it keeps; how it answers is up to the test. */
async function openMailServer(answers: SMTPServerOptions = {}, port = 0) {
  const taken: { to: string[]; source: string }[] = [];
  const server = new SMTPServer({
    disabledCommands: ["STARTTLS", "AUTH"],
    logger: false,
    closeTimeout: 100,
    onData(stream, { envelope }, done) {
      const parts: Buffer[] = [];
      stream.on("data", (part: Buffer) => parts.push(part));
      stream.on("end", () => {
        taken.push({ to: envelope.rcptTo.map(({ address }) => address), source: Buffer.concat(parts).toString() });
        done();
      });
    },
    ...answers,
  });
  await new Promise<void>((resolve) => void server.listen(port, "127.0.0.1", resolve));
  const address = server.server.address() as { port: number };
  return {
    taken,
    port: address.port,
    url: `smtp://127.0.0.1:${address.port}`,
    close: () => new Promise<void>((resolve) => void server.close(() => resolve())),
  };
}
const no = (responseCode: number, text: string) => Object.assign(new Error(text), { responseCode });

const eventId = (n: number) => `evt_${String(n).padStart(26, "0")}`;
const mailId = (n: number) => `mail_${String(n).padStart(26, "0")}`;

describe("order mail", () => {
  const folder = mkdtempSync(join(tmpdir(), "lonja-mail-"));
  let dataDir: string;
  let shop: Shop;
  const closing: (() => Promise<unknown>)[] = [];

  beforeEach(() => {
    dataDir = mkdtempSync(join(folder, "shop-"));
  });
  afterEach(async () => {
    for (const close of closing.splice(0).toReversed()) await close();
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  async function open(env: Record<string, string> = {}, world = hastyWorld(10)): Promise<void> {
    shop = await openShop({ services: ["notifications"], dataDir, env, world });
    closing.push(shop.close);
  }
  async function mailServer(...how: Parameters<typeof openMailServer>) {
    const server = await openMailServer(...how);
    closing.push(server.close);
    return server;
  }
  const hear = (n: number, type: "orders.confirmed" | "orders.canceled", order: Order = anOrder()) =>
    shop.call("notifications.hear", {
      id: eventId(n),
      type,
      at: "2026-01-01T12:00:00.000Z",
      subject: order.id,
      data: { order, reason: type === "orders.canceled" ? "canceled on request" : null },
    });
  const mails = async () => (await shop.call("notifications.mails", { limit: 100 })).data;
  /** Waits until all mails are as wanted. */
  async function untilMails(areSo: (mails: Mail[]) => boolean): Promise<Mail[]> {
    for (;;) {
      const now = await mails();
      if (now.length > 0 && areSo(now)) return now;
      await new Promise((resolve) => setImmediate(resolve));
    }
  }
  const untilSent = () => untilMails((mails) => mails.every(({ status }) => status === "sent"));
  const files = () => readdirSync(join(dataDir, "mail")).toSorted();
  const file = (name: string) => readFileSync(join(dataDir, "mail", name), "utf8");

  test("without a mail server every mail is a file that mail programs can open", async () => {
    await open({ MAIL_FROM: "Harbour Shop <shop@harbour.example>", SHOP_NAME: "Harbour Shop" });
    await hear(1, "orders.confirmed");

    expect(await untilSent()).toMatchObject([
      { id: mailId(1), to: "ada@example.com", template: "order_confirmed", tries: 1, error: null },
    ]);
    expect(files()).toEqual([`${mailId(1)}.eml`]);
    const eml = file(`${mailId(1)}.eml`);
    for (const header of [
      "From: Harbour Shop <shop@harbour.example>",
      "To: Ada Lovelace <ada@example.com>",
      "Subject: Harbour Shop: Your order 7KQ2-MXBD is confirmed",
      `Message-ID: <${mailId(1)}@harbour.example>`,
      `Date: ${new Date((await mails())[0]?.createdAt ?? "").toUTCString().replace("GMT", "+0000")}`,
      "Auto-Submitted: auto-generated",
    ])
      expect(eml.split("\r\n")).toContain(header);
    expect(eml.indexOf("Content-Type: text/plain")).toBeGreaterThan(0);
    expect(eml.indexOf("Content-Type: text/html")).toBeGreaterThan(eml.indexOf("Content-Type: text/plain"));
  });

  test("a fact that is heard twice, or by two at once, makes one mail", async () => {
    await open();
    await Promise.all([hear(1, "orders.confirmed"), hear(1, "orders.confirmed"), hear(1, "orders.confirmed")]);
    await untilSent();
    await hear(1, "orders.confirmed");

    expect(await mails()).toMatchObject([{ id: mailId(1), status: "sent", tries: 1 }]);
    expect(files()).toHaveLength(1);
  });

  test("the files lie in the order of the facts", async () => {
    await open();
    for (const n of [1, 2, 3])
      await hear(n, "orders.confirmed", anOrder({ id: `ord_0000000000${n}`, number: `NO-${n}` }));
    await untilSent();

    expect(files().map((name) => /Your order (NO-\d)/.exec(file(name))?.[1])).toEqual(["NO-1", "NO-2", "NO-3"]);
  });

  test("a rush of orders gets all of its mails, also those that cannot leave at once", async () => {
    await open();
    const orders = Array.from({ length: 80 }, (_, n) => n + 1);
    await Promise.all(orders.map((n) => hear(n, "orders.confirmed", anOrder({ id: `ord_${1_000_000_000 + n}` }))));
    await untilSent();

    expect(await mails()).toHaveLength(80);
    expect(files()).toHaveLength(80);
  });

  test("mails can be listed by their order", async () => {
    await open();
    const other = anOrder({ id: "ord_00000000002" });
    await hear(1, "orders.confirmed");
    await hear(2, "orders.confirmed", other);

    expect(await shop.call("notifications.mails", { orderId: other.id })).toMatchObject({ data: [{ id: mailId(2) }] });
  });

  test("a name that is full of headers stays a name, and in HTML it stays text", async () => {
    await open();
    const { billingAddress } = anOrder();
    const name = `"<b>Eve</b>" <eve@evil.example>,\r\nBcc: victim@example.com\r\n\r\nfree money`;
    await hear(1, "orders.confirmed", anOrder({ billingAddress: { ...billingAddress, name } }));
    await untilSent();

    const [head = ""] = file(`${mailId(1)}.eml`).split("\r\n\r\n");
    const [, asHtml = ""] = file(`${mailId(1)}.eml`).split("Content-Type: text/html");
    expect(head).not.toMatch(/^(Bcc|Cc):/im);
    expect(head.match(/^To:/gim)).toHaveLength(1);
    expect(head).toMatch(/^To: .*[\s\S]*<ada@example\.com>/m);
    expect(asHtml).toContain("&lt;b&gt;Eve");
    expect(asHtml).not.toContain("<b>");
  });

  test("a mail server gets the mail for exactly the buyer", async () => {
    const server = await mailServer();
    await open({ SMTP_URL: server.url });
    const { billingAddress } = anOrder();
    await hear(
      1,
      "orders.confirmed",
      anOrder({ billingAddress: { ...billingAddress, name: "Eve <eve@evil.example>, x" } }),
    );
    await untilSent();

    expect(server.taken).toHaveLength(1);
    expect(server.taken[0]?.to).toEqual(["ada@example.com"]);
    expect(server.taken[0]?.source).toContain(`Message-ID: <${mailId(1)}@lonja.local>`);
  });

  test("while the mail server is away facts are heard all the same, and when it is back the mail arrives", async () => {
    const { port, url, close } = await openMailServer();
    await close();
    await open({ SMTP_URL: url });
    await hear(1, "orders.confirmed");
    const [waiting] = await untilMails(([mail]) => (mail?.tries ?? 0) > 0 && mail?.error !== null);
    expect(waiting).toMatchObject({ status: "queued", sentAt: null });
    await hear(2, "orders.confirmed", anOrder({ id: "ord_00000000002" }));

    const server = await mailServer({}, port);
    const sent = await untilSent();
    expect(sent.map(({ error }) => error)).toEqual([null, null]);
    expect(server.taken).toHaveLength(2);
  });

  test("a confirmation leaves at once, written down before and after, beside the entry in the journal", async () => {
    await open();
    const { figures } = shop.broker.getLocalService("notifications") as unknown as { figures: Figures };
    const before = figures.writes;
    await hear(1, "orders.confirmed");
    await untilSent();
    expect(figures.writes - before).toBe(3);
  });

  test("a mail whose sender died is sent by another, when it can be known that he died", async () => {
    const silent = await mailServer({ onConnect: () => {} });
    await open({ SMTP_URL: silent.url });
    await hear(1, "orders.confirmed");
    const crashSite = join(folder, "crash-site");
    cpSync(dataDir, crashSite, { recursive: true, filter: (path) => !/-owner|-shm$/.test(path) });

    dataDir = crashSite;
    const server = await mailServer();
    await open({ SMTP_URL: server.url }, { ...realWorld, now: () => realWorld.now() + 600_000 });
    expect(await untilSent()).toMatchObject([{ id: mailId(1), tries: 2 }]);
    expect(server.taken).toHaveLength(1);
  });

  test("a mail survives a restart", async () => {
    const { port, url, close } = await openMailServer();
    await close();
    await open({ SMTP_URL: url });
    await hear(1, "orders.confirmed");
    await closing.pop()?.();

    const server = await mailServer({}, port);
    await open({ SMTP_URL: url });
    await untilSent();
    expect(server.taken).toHaveLength(1);
    expect(server.taken[0]?.source).toContain(`Message-ID: <${mailId(1)}@lonja.local>`);
  });

  test("a server that hangs up after taking the mail gets it again, recognisable as the same", async () => {
    let hangUps = 1;
    const sources: string[] = [];
    const server = await mailServer({
      onData(stream, _session, done) {
        const parts: Buffer[] = [];
        stream.on("data", (part: Buffer) => parts.push(part));
        stream.on("end", () => {
          sources.push(Buffer.concat(parts).toString());
          done(hangUps-- > 0 ? no(421, "closing down") : null);
        });
      },
    });
    await open({ SMTP_URL: server.url });
    await hear(1, "orders.confirmed");
    await untilSent();

    const ids = sources.map((source) => /^Message-ID: .*$/im.exec(source)?.[0]);
    expect(ids).toEqual([`Message-ID: <${mailId(1)}@lonja.local>`, `Message-ID: <${mailId(1)}@lonja.local>`]);
  });

  test("a recipient whom the server does not know is given up at once, a busy one is tried again", async () => {
    let busy = 1;
    const server = await mailServer({
      onRcptTo({ address }, _session, done) {
        if (address === "nobody@example.com") return done(no(550, "no such user here"));
        done(busy-- > 0 ? no(451, "try again later") : null);
      },
    });
    await open({ SMTP_URL: server.url });
    await hear(1, "orders.confirmed", anOrder({ email: "nobody@example.com" }));
    await hear(2, "orders.confirmed", anOrder({ id: "ord_00000000002" }));

    const [busyOne, unknown] = await untilMails((mails) => mails.every(({ status }) => status !== "queued"));
    expect(unknown).toMatchObject({ status: "failed", tries: 1, sentAt: null });
    expect(unknown?.error).toContain("no such user here");
    expect(busyOne).toMatchObject({ status: "sent", tries: 2 });
  });

  test("the cancellation of an order never overtakes its confirmation", async () => {
    let busy = 2;
    const server = await mailServer({
      onRcptTo: (_address, _session, done) => done(busy-- > 0 ? no(451, "try again later") : null),
    });
    await open({ SMTP_URL: server.url });
    await hear(1, "orders.confirmed");
    await hear(2, "orders.canceled", anOrder({ status: "canceled" }));
    await untilSent();

    expect(server.taken.map(({ source }) => /is (confirmed|canceled)/.exec(source)?.[1])).toEqual([
      "confirmed",
      "canceled",
    ]);
  });

  test("a server that never answers stops neither the hearing nor the shutdown", async () => {
    const server = await mailServer({ onConnect: () => {} });
    await open({ SMTP_URL: server.url });
    await hear(1, "orders.confirmed");
    await untilMails(([mail]) => mail?.tries === 1);
    await hear(2, "orders.confirmed", anOrder({ id: "ord_00000000002" }));

    expect(await mails()).toHaveLength(2);
    await closing.pop()?.();
  });

  test("a fact that notifications does not know is refused, so that it is not lost in silence", async () => {
    await open();
    const fact = { id: eventId(1), type: "orders.painted", at: "2026-01-01T12:00:00.000Z", subject: "x", data: {} };
    await expect(shop.call("notifications.hear", fact)).rejects.toThrow("does not hear");
  });
});
