import { execFileSync } from "node:child_process";
import { join } from "node:path";
import type { ServiceBroker } from "moleculer";
import { connect, type NatsConnection } from "nats";
import { signed } from "../../bus/signature.ts";
import { newNode, SECRET } from "../bus.ts";
import { until } from "../client.ts";
import { needNats, startNats } from "../servers/nats.ts";
import { type BreakableServer, describeWith, newFolder, removeFolder } from "../servers/server.ts";

const refused = async (node: ServiceBroker) => {
  const { figures } = node.getLocalService("echo") as unknown as { figures: { refusedPackets: number } };
  return figures.refusedPackets;
};
const knows = (node: ServiceBroker, other: ServiceBroker) => async () =>
  node.registry.getNodeList({ onlyAvailable: true, withServices: false }).some(({ id }) => id === other.nodeID);
const yes = (answer: boolean) => answer;

describeWith([needNats], "the bus believes", () => {
  let server: BreakableServer;
  const opened: ServiceBroker[] = [];
  const open = async (options: Omit<Parameters<typeof newNode>[0], "url"> = {}) => {
    const node = await newNode({ url: server.url, ...options });
    await node.start();
    opened.push(node);
    return node;
  };
  beforeAll(async () => {
    server = await startNats();
  });
  afterEach(async () => {
    for (const node of opened.splice(0)) await node.stop();
  });
  afterAll(() => server.stop());

  describe("nobody who", () => {
    let client: NatsConnection;
    let node: ServiceBroker;
    const packet = (more: object) => Buffer.from(JSON.stringify({ ver: "5", sender: "forger", ...more }));
    const request = () =>
      packet({ id: "1", action: "echo.say", params: {}, meta: { caller: { role: "admin" } }, level: 1, stream: false });

    beforeEach(async () => {
      node = await open({ serves: true });
      client = await connect({ servers: server.url.slice("nats://".length) });
    });
    afterEach(() => client.close());

    const send = async (command: string, data: Buffer, to = `.${node.nodeID}`) => {
      const before = await refused(node);
      client.publish(`MOL-lonja.${command}${to}`, data);
      await client.flush();
      return until(
        () => refused(node),
        (count) => count > before,
      ).then((count) => count - before);
    };

    test.each<[string, string, () => Buffer, { to?: string }]>([
      ["asks without a signature", "REQ", request, {}],
      ["says that he is another node", "INFO", () => packet({ services: [], instanceID: "x" }), { to: "" }],
      ["says that a node has left", "DISCONNECT", () => packet({ sender: "other" }), { to: "" }],
      ["signs with another secret", "REQ", () => signed("the secret of a stranger", "REQ", request(), Date.now()), {}],
      ["sends one packet as another", "REQ", () => signed(SECRET, "EVENT", request(), Date.now()), {}],
      ["repeats what is older than a minute", "REQ", () => signed(SECRET, "REQ", request(), Date.now() - 61_000), {}],
      ["is ahead of time", "REQ", () => signed(SECRET, "REQ", request(), Date.now() + 61_000), {}],
      ["sends nothing", "REQ", () => Buffer.alloc(0), {}],
      ["sends garbage", "REQ", () => Buffer.from([...Array(500).keys()]), {}],
      ["cuts the signature short", "REQ", () => signed(SECRET, "REQ", request(), Date.now()).subarray(0, 39), {}],
      [
        "changes one byte",
        "REQ",
        () => Buffer.concat([signed(SECRET, "REQ", request(), Date.now()), Buffer.from(" ")]),
        {},
      ],
    ])("%s", async (_who, command, data, { to }) => {
      const answers: unknown[] = [];
      client.subscribe("MOL-lonja.RES.forger", { callback: (_error, message) => answers.push(message) });
      expect(await send(command, data(), to)).toBe(1);
      expect(await node.call("echo.say", { still: "here" })).toEqual({ still: "here" });
      expect(answers).toEqual([]);
    });

    test("the same request with the signature of the house is answered, so the test would have seen it", async () => {
      const answered = new Promise((resolve) => {
        client.subscribe("MOL-lonja.RES.forger", { callback: (_error, message) => resolve(message) });
      });
      const body = Buffer.concat([Buffer.from([0]), request()]);
      client.publish(`MOL-lonja.REQ.${node.nodeID}`, signed(SECRET, "REQ", body, Date.now()));
      expect(await answered).toBeTruthy();
    });
  });

  test("a node with another secret stays alone", async () => {
    const [one, stranger] = [await open({ serves: true }), await open({ secret: "the secret of a stranger" })];
    await until(
      () => refused(one),
      (count) => count > 1,
    );
    expect(await knows(one, stranger)()).toBe(false);
    await expect(stranger.call("echo.say", {})).rejects.toMatchObject({ name: "ServiceNotFoundError" });
  });

  test("both secrets while one is replaced by the other, node by node", async () => {
    const fresh = "the secret of tomorrow";
    const steps = [SECRET, `${SECRET}, ${fresh}`, `${fresh}, ${SECRET}`, fresh];
    const nodes: ServiceBroker[] = [];
    for (const secret of steps) nodes.push(await open({ serves: true, secret }));
    for (const [step, node] of nodes.entries()) {
      const next = nodes[step + 1];
      if (!next) break;
      expect(await until(knows(node, next), yes)).toBe(true);
      expect(await until(knows(next, node), yes)).toBe(true);
    }
  });
});

describeWith([needNats], "NATS with user, password and TLS", () => {
  let folder: string;
  let server: BreakableServer;
  const opened: ServiceBroker[] = [];
  const at = (more: string, query = "") => `${server.url.replace("://127.0.0.1", `://${more}localhost`)}${query}`;

  beforeAll(async () => {
    folder = await newFolder("tls");
    const [key, cert] = [join(folder, "key.pem"), join(folder, "cert.pem")];
    const made = ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"];
    const named = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-keyout", key, "-out", cert];
    execFileSync("openssl", [...made, ...named], { stdio: "ignore" });
    server = await startNats({ user: "lonja", password: "p@ss:w/rd", tls: { cert, key } });
  });
  afterAll(async () => {
    for (const node of opened) await node.stop();
    await server.stop();
    await removeFolder(folder);
  });

  test("nodes find each other, the password as URLs write it", async () => {
    const url = at("lonja:p%40ss%3Aw%2Frd@", `?ca=${join(folder, "cert.pem")}`);
    for (const serves of [true, false]) opened.push(await newNode({ url, serves }));
    await Promise.all(opened.map((node) => node.start()));
    const [, asker] = opened as [ServiceBroker, ServiceBroker];
    await asker.waitForServices("echo", 10_000, 50);
    expect(await asker.call("echo.say", { hidden: true })).toEqual({ hidden: true });
  });

  test.each([
    ["a wrong password", "lonja:wrong@", "cert.pem"],
    ["no user", "", "cert.pem"],
    ["a certificate that nobody vouches for", "lonja:p%40ss%3Aw%2Frd@", ""],
  ])("%s is refused", async (_what, user, ca) => {
    const client = connect({
      servers: server.url.replace("tls://127.0.0.1", "localhost"),
      ...(user ? { user: "lonja", pass: decodeURIComponent(user.slice("lonja:".length, -1)) } : {}),
      tls: ca ? { caFile: join(folder, ca) } : {},
      reconnect: false,
    });
    await expect(client).rejects.toThrow();
  });
});
