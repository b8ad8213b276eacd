import { createSocket } from "node:dgram";
import { Resolver } from "node:dns/promises";
import { createServer, type Socket } from "node:net";
import { getCACertificates, setDefaultCACertificates } from "node:tls";
import { Guard, type Resolve, resolveByDns } from "../../services/notifications/address.edge.ts";
import { callOut } from "../../services/notifications/callout.edge.ts";
import type { Heard } from "../../services/notifications/hook.ts";
import { realWorld, type World } from "../../services/shared/world.ts";
import { certificateFor, ok, openReceiver, type Receiver, status } from "../receiver.ts";
import { publicAddress, redirects } from "../security/ssrf.ts";

/** The real world, but nobody has much patience in it. */
const impatient: World = { ...realWorld, after: (ms, then) => realWorld.after(ms / 50, then) };
const noStop = new AbortController().signal;
const message = { headers: { "webhook-id": "evt_1" }, body: '{"type":"x"}' };

/** A name server that says of every name what it was given to say, one time after the other. */
async function openNameServer(answers: readonly string[]) {
  const server = createSocket("udp4");
  const asked: number[] = [];
  server.on("message", (query, { port, address }) => {
    const end = query.indexOf(0, 12) + 5;
    const type = query.readUInt16BE(end - 4);
    const ip = type === 1 ? answers[Math.min(asked.push(type) - 1, answers.length - 1)] : undefined;
    const head = Buffer.from(query.subarray(0, 12));
    head.writeUInt16BE(0x8180, 2);
    head.writeUInt16BE(ip ? 1 : 0, 6);
    head.writeUInt32BE(0, 8);
    const record = ip ? [0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 0, 0, 4, ...ip.split(".").map(Number)] : [];
    server.send(Buffer.concat([head, query.subarray(12, end), Buffer.from(record)]), port, address);
  });
  await new Promise<void>((done) => server.bind(0, "127.0.0.1", done));
  const resolver = new Resolver({ timeout: 1_000, tries: 1 });
  resolver.setServers([`127.0.0.1:${server.address().port}`]);
  return {
    asked,
    resolve: resolveByDns(resolver),
    close: () => new Promise<void>((done) => server.close(() => done())),
  };
}

describe("one try to send a webhook", () => {
  let receiver: Receiver;
  const closing: (() => Promise<unknown>)[] = [];

  beforeEach(async () => {
    receiver = await openReceiver();
    closing.push(() => receiver.close());
  });
  afterEach(async () => {
    for (const close of closing.splice(0)) await close();
  });
  const send = (world: World = realWorld, stop = noStop): Promise<Heard> =>
    callOut({ url: receiver.url, ...message }, new Guard([receiver.place]), world, stop);

  test("posts the body with its headers, and a 2xx is heard", async () => {
    receiver.answer = (response) => response.writeHead(202, { "retry-after": "7" }).end("thank you");
    expect(await send()).toEqual({ status: 202, response: "thank you", retryAfter: "7" });
    expect(receiver.received).toMatchObject([
      {
        path: "/hook",
        body: message.body,
        headers: { "webhook-id": "evt_1", "content-type": "application/json", "content-length": "12" },
      },
    ]);
  });

  test.each(redirects)("a redirect to $what is an answer, and not followed", async ({ status: code, location }) => {
    receiver.answer = status(code, { location });
    expect(await send()).toMatchObject({ status: code });
    expect(receiver.received).toHaveLength(1);
  });

  test("of an answer without an end only the beginning is read and kept", async () => {
    let sent = 0;
    const hungUp = new Promise((done) => {
      receiver.answer = (response) => {
        response.writeHead(200).on("close", () => done(undefined));
        const more = (): void => {
          if (response.destroyed) return;
          sent += 16_384;
          if (response.write("x".repeat(16_384))) setImmediate(more);
          else response.once("drain", more);
        };
        more();
      };
    });
    expect(await send()).toEqual({ status: 200, response: "x".repeat(1024), retryAfter: undefined });
    await hungUp;
    expect(sent).toBeLessThan(16 * 1024 * 1024);
  });

  test("an answer that comes drop by drop counts as what it began with", async () => {
    receiver.answer = (response) => void response.writeHead(200).write("I am ");
    expect(await send(impatient)).toMatchObject({ status: 200, response: "I am " });
  });

  test("a receiver that says nothing is left when its time is over", async () => {
    receiver.answer = () => {};
    expect(await send(impatient)).toEqual({ error: "There was no answer within 15 s." });
  });

  test("a receiver that hangs up, or speaks another language, is no answer", async () => {
    receiver.answer = (response) => response.socket?.resetAndDestroy();
    expect(await send()).toEqual({ error: expect.stringMatching(/ECONNRESET|hang up/) });
    receiver.answer = (response) => response.socket?.end("220 mail.example.com ESMTP\r\n");
    expect(await send()).toEqual({ error: expect.stringMatching(/Parse Error/) });
    receiver.answer = (response) => response.writeHead(200, { "x-long": "x".repeat(100_000) }).end();
    expect(await send()).toEqual({ error: expect.stringMatching(/overflow/) });
  });

  test("one that nobody answers at is no answer", async () => {
    await receiver.close();
    expect(await send()).toEqual({ error: expect.stringContaining("ECONNREFUSED") });
    closing.length = 0;
  });

  test("what cannot be read in an answer is not kept as it is", async () => {
    receiver.answer = (response) => response.writeHead(500).end(Buffer.from([0, 7, 27, 0xff, 65, 10]));
    expect(await send()).toMatchObject({ status: 500, response: "\ufffd\ufffd\ufffd\ufffdA\n" });
  });

  test("a node that stops waits no longer", async () => {
    const stop = new AbortController();
    receiver.answer = () => stop.abort();
    expect(await send(realWorld, stop.signal)).toHaveProperty("error");
  });
});

describe("the way to a receiver", () => {
  const closing: (() => Promise<unknown>)[] = [];
  afterEach(async () => {
    for (const close of closing.splice(0)) await close();
  });
  const send = (url: string, resolve: Resolve, world: World = realWorld) =>
    callOut({ url, ...message }, new Guard([], resolve), world, noStop);

  test("a name that stands for an address inside is refused at every try, before anything is connected", async () => {
    const receiver = await openReceiver();
    const names = await openNameServer([publicAddress, "127.0.0.1"]);
    closing.push(receiver.close, names.close);
    const guard = new Guard([], names.resolve);
    expect((await guard.reach("https://rebinding.example.com/")).addresses).toEqual([
      { address: publicAddress, family: 4 },
    ]);
    expect(await callOut({ url: "https://rebinding.example.com/", ...message }, guard, realWorld, noStop)).toEqual({
      error: "The URL is at a host whose name stands for an address that is not public.",
    });
    expect(names.asked.length).toBe(2);
    expect(receiver.received).toEqual([]);
  });

  test("a name server that never answers costs a try, and no more", async () => {
    const silent = createSocket("udp4");
    await new Promise<void>((done) => silent.bind(0, "127.0.0.1", done));
    closing.push(async () => silent.close());
    const resolver = new Resolver({ timeout: 10_000, tries: 4 });
    resolver.setServers([`127.0.0.1:${silent.address().port}`]);
    expect(await send("https://hooks.example.com/", resolveByDns(resolver), impatient)).toEqual({
      error: "There was no answer within 15 s.",
    });
    resolver.cancel();
  });

  describe("over TLS", () => {
    const name = "hooks.example.com";
    const [certificate, others] = [certificateFor(name), certificateFor("elsewhere.example.com")];
    const trusted = getCACertificates("default");
    beforeAll(() => setDefaultCACertificates([...trusted, certificate.cert, others.cert]));
    afterAll(() => setDefaultCACertificates(trusted));

    /** As if the address were public: what is checked is not what this is about. */
    class Believing extends Guard {
      override async reach(url: string) {
        return { url: new URL(url), addresses: [{ address: "127.0.0.1", family: 4 }] };
      }
    }
    const sendTo = (url: string) => callOut({ url, ...message }, new Believing([]), realWorld, noStop);

    test("the connection goes to the address that was checked, and the certificate has to fit the name", async () => {
      const receiver = await openReceiver(ok, certificate);
      closing.push(receiver.close);
      expect(await sendTo(`https://${name}:${receiver.port}/hook`)).toMatchObject({ status: 204 });
      expect(receiver.received).toMatchObject([{ headers: { host: `${name}:${receiver.port}` } }]);
    });

    test("a certificate of somebody else is refused before anything is said", async () => {
      const receiver = await openReceiver(ok, others);
      closing.push(receiver.close);
      expect(await sendTo(`https://${name}:${receiver.port}/hook`)).toEqual({
        error: expect.stringMatching(/does not match certificate/),
      });
      expect(receiver.received).toEqual([]);
    });

    test("a certificate that nobody trusts is refused", async () => {
      const receiver = await openReceiver(ok, certificateFor(name));
      closing.push(receiver.close);
      expect(await sendTo(`https://${name}:${receiver.port}/hook`)).toEqual({
        error: expect.stringMatching(/self-signed|unable to verify/),
      });
      expect(receiver.received).toEqual([]);
    });

    test("a receiver that does not finish its greeting costs a try, and no more", async () => {
      const sockets: Socket[] = [];
      const server = createServer((socket) => void sockets.push(socket.on("error", () => {})));
      await new Promise<void>((done) => void server.listen(0, "127.0.0.1", done));
      closing.push(async () => {
        for (const socket of sockets) socket.destroy();
        server.close();
      });
      const { port } = server.address() as { port: number };
      expect(
        await callOut({ url: `https://${name}:${port}/`, ...message }, new Believing([]), impatient, noStop),
      ).toEqual({ error: "There was no answer within 15 s." });
    });
  });
});
