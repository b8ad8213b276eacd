import { once } from "node:events";
import { connect as connectTcp, type Socket } from "node:net";
import { Redis } from "ioredis";
import type { ServiceBroker } from "moleculer";
import { connect as connectNats } from "nats";
import { signed } from "../../bus/signature.ts";
import type { Figures } from "../../services/shared/figures.ts";
import { newNode, SECRET } from "../bus.ts";
import { until } from "../client.ts";
import { needNats, startNats } from "../servers/nats.ts";
import { needRedis, startRedis } from "../servers/redis.ts";
import { describeWith, freePort, type RunningServer } from "../servers/server.ts";
import { Chance } from "./chance.ts";

/** Whoever has found the way to the bus, and knows how Moleculer writes. */
interface Intruder {
  /** Puts bytes on the bus as a packet of this kind. */
  send(command: string, data: Buffer): Promise<void>;
  /** The kinds that the node under attack listens to. */
  commands: readonly string[];
  leave(): Promise<void>;
}

/** What a packet of each kind says, as a forger would have it: that nodes came and left, what they are asked and answer. */
const contents: Readonly<Record<string, object>> = {
  REQ: { id: "1", action: "echo.say", params: {}, meta: { caller: { role: "admin" } }, level: 1, stream: false },
  RES: { id: "1", success: true, data: "forged", meta: {}, stream: false },
  EVENT: { id: "1", event: "$node.disconnected", data: {}, broadcast: true, meta: {}, level: 1 },
  INFO: {
    services: [{ name: "users", actions: {}, events: {} }],
    instanceID: "x",
    ipList: [],
    hostname: "x",
    seq: 99,
    config: {},
  },
  DISCONNECT: {},
  HEARTBEAT: { cpu: 0 },
  DISCOVER: {},
  PING: { time: 1, id: "1" },
  PONG: { time: 1, arrived: 1, id: "1" },
  GOSSIP_REQ: { online: { forger: [99, 1, 0] }, offline: {} },
  GOSSIP_RES: { online: { forger: [{ services: [], ipList: ["127.0.0.1"], port: 1 }, 99, 0] }, offline: {} },
  GOSSIP_HELLO: { host: "127.0.0.1", port: 1 },
};
const packetOf = (command: string, more: object = {}) =>
  Buffer.from(JSON.stringify({ ver: "5", sender: "forger", ...contents[command], ...more }));
const WHOLE = Buffer.from([0]);
const PART = Buffer.from([1]);
const whole = (packet: Buffer) => Buffer.concat([WHOLE, packet]);

const MINUTE_MS = 60_000;
/** Ways to get something believed that nobody of the house has signed. */
const forgeries: Readonly<Record<string, (command: string) => Buffer>> = {
  "without a signature": (command) => packetOf(command),
  "without a signature, as a whole packet": (command) => whole(packetOf(command)),
  "in the name of another node, without a signature": (command) => packetOf(command, { sender: "lonja-orders-1" }),
  "with a stranger's signature": (command) =>
    signed("the secret of a stranger", command, whole(packetOf(command)), Date.now()),
  "with an empty secret": (command) => signed("", command, whole(packetOf(command)), Date.now()),
  "with the signature of another kind of packet": (command) =>
    signed(SECRET, command === "REQ" ? "RES" : "REQ", whole(packetOf(command)), Date.now()),
  "from an hour ago": (command) => signed(SECRET, command, whole(packetOf(command)), Date.now() - 60 * MINUTE_MS),
  "from a minute ago": (command) => signed(SECRET, command, whole(packetOf(command)), Date.now() - MINUTE_MS - 1_000),
  "from in two minutes": (command) => signed(SECRET, command, whole(packetOf(command)), Date.now() + 2 * MINUTE_MS),
  "from no time": (command) => signed(SECRET, command, whole(packetOf(command)), Number.NaN),
  "from beyond all time": (command) => signed(SECRET, command, whole(packetOf(command)), Number.POSITIVE_INFINITY),
  "cut in the middle of its signature": (command) => right(command).subarray(0, 20),
  "cut right after its signature": (command) => right(command).subarray(0, 40),
  "cut by one byte": (command) => right(command).subarray(0, -1),
  "with one byte more": (command) => Buffer.concat([right(command), Buffer.from(" ")]),
  "with one bit of its time changed": (command) => flipped(right(command), 3),
  "with one bit of its signature changed": (command) => flipped(right(command), 20),
  "with one bit of what it says changed": (command) => flipped(right(command), 60),
  "with nothing in it": () => Buffer.alloc(0),
  "of nothing but zeros": () => Buffer.alloc(100),
  "of nothing but noise": (command) => noise(command, 500),
  "of a megabyte of noise": (command) => noise(command, 1_000_000),
};
const right = (command: string) => signed(SECRET, command, whole(packetOf(command)), Date.now());
const flipped = (data: Buffer, at: number): Buffer => {
  const copy = Buffer.from(data);
  copy[at] = (copy[at] ?? 0) ^ 1;
  return copy;
};
const noise = (command: string, length: number) => {
  const chance = new Chance(command.length * length);
  return Buffer.from(Array.from({ length }, () => chance.below(256)));
};

/** What only a node of the house could sign, and no sane one would. It is believed, and must not be the end of anybody. */
const nonsense: Readonly<Record<string, (command: string) => Buffer>> = {
  "no JSON": () => whole(Buffer.from("no JSON")),
  "no bytes at all": () => Buffer.alloc(0),
  "of an unknown kind of part": () => Buffer.from([7, 7, 7]),
  "a part without a head": () => PART,
  "a part of a packet of no parts": () => Buffer.concat([PART, Buffer.alloc(16)]),
  "a part beyond its packet's end": () => Buffer.concat([PART, Buffer.alloc(12, 1), Buffer.from([255, 255, 0, 2])]),
  "a part of too many": () => Buffer.concat([PART, Buffer.alloc(12, 2), Buffer.from([0, 0, 255, 255])]),
  null: () => whole(Buffer.from("null")),
  "a list": () => whole(Buffer.from("[]")),
  "nothing that it needs": () => whole(Buffer.from('{"ver":"5","sender":"forger"}')),
  "no sender": (command) => whole(packetOf(command, { sender: undefined })),
  "another version": (command) => whole(packetOf(command, { ver: "4" })),
  "a prototype": () =>
    whole(Buffer.from('{"ver":"5","sender":"forger","__proto__":{"role":"admin"},"meta":{"__proto__":{"x":1}}}')),
  "an action that there is not": (command) => whole(packetOf(command, { action: "users.becomeAdmin" })),
  "an action of Moleculer's own": (command) => whole(packetOf(command, { action: "$node.options" })),
  "an action named by an object": (command) => whole(packetOf(command, { action: { a: 1 }, event: { a: 1 } })),
  "depth without end": () => whole(Buffer.from("[".repeat(100_000))),
};

const frameOf = (type: number, data: Buffer): Buffer => {
  const head = Buffer.alloc(6);
  head.writeInt32BE(head.length + data.length, 1);
  head[5] = type;
  head[0] = head.subarray(1).reduce((crc, byte) => crc ^ byte, 0);
  return Buffer.concat([head, data]);
};
const tcpTypes = ["EVENT", "REQ", "RES", "PING", "PONG", "GOSSIP_REQ", "GOSSIP_RES", "GOSSIP_HELLO"] as const;
const topics = ["REQ", "RES", "EVENT", "INFO", "DISCONNECT", "HEARTBEAT", "DISCOVER", "PING", "PONG"] as const;
/** To all, or to one. */
const topicOf = (command: string, nodeId: string) =>
  `MOL-lonja.${command}${["DISCONNECT", "HEARTBEAT"].includes(command) ? "" : `.${nodeId}`}`;

type Break = (url: string, nodeId: string) => Promise<Intruder>;
const buses: [name: string, need: () => unknown, start: () => Promise<RunningServer>, breakIn: Break][] = [
  [
    "NATS",
    needNats,
    startNats,
    async (url, nodeId) => {
      const client = await connectNats({ servers: url.slice("nats://".length) });
      return {
        commands: topics,
        async send(command, data) {
          client.publish(topicOf(command, nodeId), data);
          await client.flush();
        },
        leave: () => client.close(),
      };
    },
  ],
  [
    "Redis",
    needRedis,
    startRedis,
    async (url, nodeId) => {
      const client = new Redis(url);
      return {
        commands: topics,
        send: async (command, data) => void (await client.publish(topicOf(command, nodeId), data)),
        leave: async () => client.disconnect(),
      };
    },
  ],
  [
    "TCP",
    () => {},
    async () => ({ url: `tcp://127.0.0.1:${await freePort()}`, stop: async () => {} }),
    async (url) => {
      let socket: Socket | undefined;
      const open = async () => {
        socket = connectTcp(Number(new URL(url).port), "127.0.0.1").on("error", () => {});
        await once(socket, "connect");
        return socket;
      };
      return {
        commands: tcpTypes,
        // Whoever is shown the door comes again.
        async send(command, data) {
          const door = socket && !socket.destroyed && socket.writable ? socket : await open();
          door.write(frameOf(tcpTypes.indexOf(command as (typeof tcpTypes)[number]) + 1, data));
        },
        leave: async () => void socket?.destroy(),
      };
    },
  ],
];

for (const [name, need, start, breakIn] of buses)
  describeWith([need], `an intruder on the bus over ${name}`, () => {
    let server: RunningServer;
    let node: ServiceBroker;
    let intruder: Intruder;
    let known: string[];
    const slips: unknown[] = [];
    const note = (error: unknown) => void slips.push(error);

    beforeAll(async () => {
      server = await start();
      node = await newNode({ url: server.url, serves: true });
      await node.start();
      intruder = await breakIn(server.url, node.nodeID);
      known = nodes();
      process.on("unhandledRejection", note);
    });
    afterAll(async () => {
      process.off("unhandledRejection", note);
      await intruder.leave();
      await node.stop();
      await server.stop();
    });

    const refused = () => (node.getLocalService("echo") as unknown as { figures: Figures }).figures.refusedPackets;
    const nodes = () => node.registry.getNodeList({ withServices: false }).map(({ id }) => id);
    const works = async () => expect(await node.call("echo.say", { still: "here" })).toEqual({ still: "here" });

    test("is believed nothing, whatever is sent: a hundred ways and more", async () => {
      let sent = 0;
      for (const [how, forge] of Object.entries(forgeries)) {
        const before = refused();
        for (const command of intruder.commands) await intruder.send(command, forge(command));
        const ignored = async () => refused() - before;
        await until(ignored, (count) => count >= intruder.commands.length);
        expect([how, await ignored()]).toEqual([how, intruder.commands.length]);
        sent += intruder.commands.length;
      }
      expect(sent).toBeGreaterThan(100);
      expect(nodes()).toEqual(known);
      await works();
      expect(slips).toEqual([]);
    });

    test("who had stolen the secret would end nobody by talking nonsense", async () => {
      for (const [, say] of Object.entries(nonsense))
        for (const command of intruder.commands) {
          if (command === "DISCONNECT") continue;
          await intruder.send(command, signed(SECRET, command, say(command), Date.now()));
        }
      await new Promise((resolve) => setTimeout(resolve, 300));
      await works();
      expect(({} as Record<string, unknown>).role).toBeUndefined();
      expect(slips).toEqual([]);
    });
  });

test("bytes that are no packets at all cost an intruder the connection, and nobody else anything", async () => {
  const port = await freePort();
  const node = await newNode({ url: `tcp://127.0.0.1:${port}`, serves: true });
  await node.start();
  const lengths = [-1, 0, 5, 2 ** 31 - 1];
  const badLengths = lengths.map((length) => {
    const frame = frameOf(1, Buffer.from("x"));
    frame.writeInt32BE(length, 1);
    frame[0] = frame.subarray(1, 6).reduce((crc, byte) => crc ^ byte, 0);
    return Buffer.concat([frame, Buffer.alloc(3 * 1024 * 1024)]);
  });
  const garbage = [
    frameOf(0, Buffer.from("x")),
    frameOf(99, Buffer.from("x")),
    flipped(frameOf(1, Buffer.from("x")), 0),
    Buffer.from("GET / HTTP/1.1\r\n\r\n"),
    noise("x", 5_000),
    ...badLengths,
  ];
  for (const bytes of garbage) {
    const socket = connectTcp(port, "127.0.0.1").on("error", () => {});
    socket.resume().write(bytes);
    await new Promise((resolve) => socket.on("close", resolve));
  }
  expect(await node.call("echo.say", { still: "here" })).toEqual({ still: "here" });
  await node.stop();
});
