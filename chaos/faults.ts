import type { NodeProcess } from "../cluster/process.ts";
import { between, pick } from "./chance.ts";
import { type Manner, manners, type Orders, type Wire } from "./inside/order.ts";
import { pointOf } from "./inside/points.ts";
import type { Family, Options } from "./options.ts";
import type { Rig } from "./rig.ts";

/** One thing that goes wrong, as it was planned. */
export interface Fault {
  n: number;
  kind: Kind;
  /** From the beginning of the run. */
  atMs: number;
  forMs: number;
  /** Of a service: which node of it is hit. */
  service: string;
  node: number;
  /** At least 0, less than 1: whatever else has to be chosen. */
  chance: number;
}

/** A point that a purchase passes, and the service whose node passes it. */
export interface Passed {
  by: string;
  point: string;
}

export interface Scene {
  rig: Rig;
  options: Options;
  /** The points that a purchase passes. */
  points: readonly Passed[];
}

/** What it was, in words, for those who watch, and what ends it. */
export interface Done {
  words: string;
  end?: () => Promise<unknown> | unknown;
}

interface Kind_ {
  family: Family;
  /** How often, compared with others. */
  weight: number;
  lasts: readonly [fromMs: number, toMs: number];
  where?: (options: Options) => boolean;
  begin: (scene: Scene, fault: Fault) => Promise<Done> | Done;
}

const inCluster = ({ store }: Options) => store !== "sqlite";
const withNats = ({ store, bus }: Options) => store !== "sqlite" && bus === "nats";
const hour = 3_600_000;

const nodeOf = ({ rig }: Scene, { service, node }: Fault): string => {
  const names = rig.nodesOf(service);
  return names[node % names.length] as string;
};

/** Tells a node to break something, and how to mend it. One that does not hear it is down already, by another fault. */
async function order<What extends keyof Orders>(
  { rig }: Scene,
  name: string,
  broken: readonly [What, Orders[What]],
  mended: readonly ["disarm" | What, null | Orders[What]],
): Promise<() => Promise<unknown>> {
  const mend = () => rig.tell(name, ...(mended as readonly [What, Orders[What]]));
  if (await rig.tell(name, ...broken)) return mend;
  // It may hear it later than it was waited for.
  void mend();
  throw new Error(`${name} did not hear it`);
}

function running({ rig }: Scene, name: string): NodeProcess {
  const process = rig.process(name);
  if (process.isGone) throw new Error(`${name} is down already`);
  return process;
}

/** A node dies at a point that a purchase passes, the first time that it comes by. */
async function dieAtPoint(scene: Scene, fault: Fault, signal: "SIGKILL" | "SIGTERM"): Promise<Done> {
  const { rig, points } = scene;
  const { by, point: numbered } = pick(() => fault.chance, points);
  const { point } = pointOf(numbered);
  const name = nodeOf(scene, { ...fault, service: by });
  rig.leaveEmpty(
    name,
    between(() => fault.chance, 200, 2_000),
  );
  const end = await order(scene, name, ["arm", { point, nth: 1, signal }], ["disarm", null]);
  return { words: `${signal} of ${name} at ${point}`, end };
}

/** A node dies as it is. */
function dieNow(signal: "SIGKILL" | "SIGTERM"): Kind_["begin"] {
  return (scene, fault) => {
    const name = nodeOf(scene, fault);
    scene.rig.leaveEmpty(name, fault.forMs);
    running(scene, name).signal(signal);
    return { words: `${signal} of ${name}` };
  };
}

function server(which: "nats" | "db", how: "kill" | "quit" | "freeze"): Kind_["begin"] {
  return async ({ rig }) => {
    const it = rig[which];
    if (!it) throw new Error(`there is no ${which}`);
    const name = which === "nats" ? "NATS" : "the database";
    if (how === "freeze") {
      it.freeze();
      return { words: `${name} is frozen`, end: () => it.thaw() };
    }
    await rig.takeAway(which, how);
    const words = how === "quit" ? `${name} was told to stop` : `${name} is gone`;
    return { words, end: () => rig.giveBack(which) };
  };
}

function provider(manner: Manner): Kind_ {
  return {
    family: "provider",
    weight: 1,
    lasts: [2_000, 8_000],
    async begin(scene, { n }) {
      const [name = ""] = scene.rig.nodesOf("sandbox");
      const end = await order(scene, name, ["provider", { manner, seed: n }], ["provider", null]);
      return { words: `the provider ${manners[manner]}`, end };
    },
  };
}

function wire(words: (name: string) => string, of: Partial<Wire>): Kind_ {
  return {
    family: "bus",
    weight: 1,
    lasts: [2_000, 8_000],
    where: inCluster,
    async begin(scene, fault) {
      const name = nodeOf(scene, fault);
      const whole = { lost: 0, doubled: 0, late: 0, latestMs: 0, seed: fault.n };
      const end = await order(scene, name, ["wire", { ...whole, ...of }], ["wire", null]);
      return { words: words(name), end };
    },
  };
}

function clock(words: string, ms: number): Kind_ {
  return {
    family: "clock",
    weight: 1,
    lasts: [2_000, 8_000],
    async begin(scene, fault) {
      const name = nodeOf(scene, fault);
      const end = await order(scene, name, ["clock", { ms }], ["clock", { ms: 0 }]);
      return { words: `the clock of ${name} goes ${words}`, end };
    },
  };
}

/** All that can go wrong, how often and for how long, and how it is done. */
export const kinds = {
  "kill at a point": {
    family: "kill",
    weight: 6,
    lasts: [6_000, 10_000],
    begin: (scene, fault) => dieAtPoint(scene, fault, "SIGKILL"),
  },
  "kill at random": {
    family: "kill",
    weight: 3,
    lasts: [200, 3_000],
    begin: dieNow("SIGKILL"),
  },
  "SIGTERM at a point": {
    family: "term",
    weight: 1,
    lasts: [6_000, 10_000],
    begin: (scene, fault) => dieAtPoint(scene, fault, "SIGTERM"),
  },
  "SIGTERM at random": {
    family: "term",
    weight: 2,
    lasts: [200, 2_000],
    begin: dieNow("SIGTERM"),
  },
  "a node is frozen": {
    family: "freeze",
    weight: 1,
    lasts: [1_000, 7_000],
    begin(scene, fault) {
      const name = nodeOf(scene, fault);
      const process = running(scene, name);
      process.signal("SIGSTOP");
      return { words: `${name} is frozen`, end: () => process.signal("SIGCONT") };
    },
  },
  "a node stalls": {
    family: "stall",
    weight: 1,
    lasts: [500, 5_000],
    begin(scene, fault) {
      const name = nodeOf(scene, fault);
      running(scene, name);
      void scene.rig.tell(name, "stall", { ms: fault.forMs });
      return { words: `${name} stalls` };
    },
  },
  "a clock an hour fast": clock("an hour fast", hour),
  "a clock an hour slow": clock("an hour slow", -hour),
  "a clock a day fast": clock("a day fast", 24 * hour),
  "a clock a day slow": clock("a day slow", -24 * hour),
  "NATS is gone": {
    family: "nats",
    weight: 1,
    lasts: [500, 6_000],
    where: withNats,
    begin: server("nats", "kill"),
  },
  "NATS is told to stop": {
    family: "nats",
    weight: 1,
    lasts: [500, 6_000],
    where: withNats,
    begin: server("nats", "quit"),
  },
  "NATS is frozen": {
    family: "nats",
    weight: 1,
    lasts: [1_000, 8_000],
    where: withNats,
    begin: server("nats", "freeze"),
  },
  "the database is gone": {
    family: "db",
    weight: 1,
    lasts: [500, 5_000],
    where: inCluster,
    begin: server("db", "kill"),
  },
  "the database is told to stop": {
    family: "db",
    weight: 1,
    lasts: [500, 5_000],
    where: inCluster,
    begin: server("db", "quit"),
  },
  "the database is frozen": {
    family: "db",
    weight: 1,
    lasts: [1_000, 7_000],
    where: inCluster,
    begin: server("db", "freeze"),
  },
  "the provider is slow": provider("slow"),
  "the provider fails": provider("fails"),
  "the provider is late": provider("late"),
  "the provider charges in silence": provider("charges"),
  "the provider repeats itself": provider("webhooks"),
  "packets are lost": wire((name) => `packets of ${name} are lost`, { lost: 10 }),
  "packets are doubled": wire((name) => `packets of ${name} are doubled`, { doubled: 40, latestMs: 1_000 }),
  "packets are late": wire((name) => `packets of ${name} are late`, { late: 30, latestMs: 3_000 }),
  "packets overtake each other": wire((name) => `packets of ${name} overtake each other`, { late: 100, latestMs: 250 }),
  "a node is cut off": wire((name) => `${name} is cut off`, { lost: 100 }),
  "a node hears nobody": wire((name) => `${name} hears nobody`, { lost: 100, only: "got" }),
  "nobody hears a node": wire((name) => `nobody hears ${name}`, { lost: 100, only: "sent" }),
  "the disk is full": {
    family: "disk",
    weight: 1,
    lasts: [1_000, 5_000],
    where: ({ store }) => store !== "mongodb",
    async begin({ rig, options }) {
      if (rig.hasDisk) {
        rig.fillDisk(true);
        return { words: "the disk is full", end: () => emptied(rig, options) };
      }
      const all = [...rig.places.keys()];
      const tell = (isFull: boolean) => Promise.all(all.map((name) => rig.tell(name, "disk", { isFull })));
      await tell(true);
      return { words: "stores say that the disk is full (only root can make a full one)", end: () => tell(false) };
    },
  },
} as const satisfies Record<string, Kind_>;
export type Kind = keyof typeof kinds;
export const kindOf = (kind: Kind): Kind_ => kinds[kind];

/** A database whose disk was full may have ended, as it should: it is started again like after any other end. */
async function emptied(rig: Rig, { store }: Options): Promise<void> {
  rig.fillDisk(false);
  if (store === "sqlite") return;
  await rig.takeAway("db");
  await rig.giveBack("db");
}

export const kindsFor = (options: Options): Kind[] =>
  (Object.keys(kinds) as Kind[]).filter((kind) => {
    const { family, where } = kindOf(kind);
    return options.only.includes(family) && (where?.(options) ?? true);
  });
