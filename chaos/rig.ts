import { execFileSync } from "node:child_process";
import { createWriteStream, mkdirSync, mkdtempSync, rmSync, type WriteStream } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { NodeProcess } from "../cluster/process.ts";
import { contracts, type ServiceName } from "../services/contracts.ts";
import { needMongo, startMongo } from "../test/servers/mongo.ts";
import { needNats, startNats } from "../test/servers/nats.ts";
import { needPostgres, startPostgres } from "../test/servers/postgres.ts";
import { type BreakableServer, freePort } from "../test/servers/server.ts";
import type { Answer, Order, Orders } from "./inside/order.ts";
import type { Options } from "./options.ts";

const INSIDE = join(import.meta.dirname, "inside", "inside.ts");
const ANSWER_MS = 10_000;
const LOOK_MS = 25;
const READY_MS = 60_000;
/** A node that could not start is started again after this. */
const BACK_MS = 500;

export const everyService = Object.keys(contracts) as ServiceName[];
export const admin = { email: "admin@lonja.test", password: "correct horse battery" };

const databases = {
  postgres: { need: needPostgres, start: startPostgres },
  mongodb: { need: needMongo, start: startMongo },
};

/** One place of a cluster, and the process that fills it at the moment. */
interface Place {
  name: string;
  env: Record<string, string>;
  url: string | undefined;
  process: NodeProcess;
  starts: number;
  /** How long the place stays empty when its process is gone. */
  downMs: number;
  log: WriteStream;
}

export interface RigOptions extends Pick<Options, "store" | "bus" | "nodes"> {
  /** Where nodes write what they say. */
  logs: string;
  env?: Record<string, string>;
  /** Loaded into each node beside what breaks it from within. */
  preload?: readonly string[];
  /** How many of each; `nodes` where nothing is said. */
  scale?: Partial<Record<ServiceName, number>>;
  /** Servers that several rigs share. */
  servers?: { nats?: BreakableServer; db?: { url: string } };
}

let rigs = 0;

/**
 * A shop made of real processes and servers, to be broken. A process that is gone is started again in the same place,
 * like under any supervisor. The payment provider is a process of its own, with a file of its own.
 */
export class Rig {
  readonly places = new Map<string, Place>();
  readonly nats: BreakableServer | undefined;
  readonly db: BreakableServer | undefined;
  readonly folder: string;
  /** Called when a process is gone, and when its place is filled again. */
  onChange: (name: string, isUp: boolean) => void = () => {};
  readonly #options: RigOptions;
  readonly #waiting = new Map<number, (answer: Answer) => void>();
  #asked = 0;
  readonly #away = { nats: 0, db: 0 };
  #isClosing = false;
  readonly #disk: Disk | undefined;
  readonly #mine: BreakableServer[];

  private constructor(options: RigOptions, servers: { nats?: BreakableServer; db?: BreakableServer }, disk?: Disk) {
    this.#options = options;
    this.nats = servers.nats;
    this.db = servers.db;
    this.#mine = Object.values(servers).filter((server) => !Object.values(options.servers ?? {}).includes(server));
    this.#disk = disk;
    this.folder = mkdtempSync(join(disk?.folder ?? tmpdir(), "lonja-chaos-"));
    mkdirSync(options.logs, { recursive: true });
  }

  static async open(options: RigOptions): Promise<Rig> {
    const { store, bus, servers } = options;
    const wanted = {
      ...(store !== "sqlite" && bus === "nats" && !servers?.nats ? { nats: { need: needNats, start: startNats } } : {}),
      ...(store !== "sqlite" && !servers?.db ? { db: databases[store] } : {}),
    };
    // What is missing is said before anything is started.
    for (const { need } of Object.values(wanted)) need();
    const disk = servers ? undefined : Disk.mount();
    const started = await Promise.allSettled([wanted.nats?.start(), wanted.db?.start(disk?.folder)]);
    const [nats = servers?.nats, db] = started.map((one) => (one.status === "fulfilled" ? one.value : undefined));
    const failure = started.find(({ status }) => status === "rejected") as PromiseRejectedResult | undefined;
    if (failure) {
      await Promise.all([wanted.nats && nats?.stop(), db?.stop()]);
      disk?.unmount();
      throw failure.reason;
    }
    const rig = new Rig(options, { ...(nats ? { nats } : {}), ...(db ? { db } : {}) }, disk);
    try {
      await rig.#start();
    } catch (error) {
      await rig.close();
      throw error;
    }
    return rig;
  }

  get urls(): string[] {
    return [...this.places.values()].flatMap(({ url }) => url ?? []);
  }

  /** The nodes that run a service. */
  nodesOf(service: string): string[] {
    const names = [...this.places.keys()].filter((name) => name.startsWith(`${service}-`));
    return names.length ? names : [...this.places.keys()];
  }

  /** A server that several faults have taken away comes back with the last of them. */
  async takeAway(which: "nats" | "db", how: "kill" | "quit" = "kill"): Promise<void> {
    if (this.#away[which]++ === 0) await this[which]?.[how]();
  }

  async giveBack(which: "nats" | "db"): Promise<void> {
    if (--this.#away[which] === 0) await this[which]?.start();
  }

  get hasDisk(): boolean {
    return this.#disk !== undefined;
  }

  /** The disk that stores and nodes write to has no room left, or has. */
  fillDisk(isFull: boolean): void {
    this.#disk?.fill(isFull);
  }

  /** Tells a node what to suffer, and waits until it does. Undefined: it was gone before. */
  async tell<What extends keyof Orders>(name: string, what: What, how: Orders[What]): Promise<Answer | undefined> {
    const { process } = this.#place(name);
    if (process.isGone) return undefined;
    const n = ++this.#asked;
    const answered = new Promise<Answer>((resolve) => this.#waiting.set(n, resolve));
    process.tell({ n, order: { what, how } as Order });
    const late = pause(ANSWER_MS, undefined, { ref: false });
    const answer = await Promise.race([answered, process.gone.then(() => undefined), late]);
    this.#waiting.delete(n);
    return answer;
  }

  process(name: string): NodeProcess {
    return this.#place(name).process;
  }

  /** The next time that this process is gone, its place stays empty for so long. */
  leaveEmpty(name: string, ms: number): void {
    this.#place(name).downMs = ms;
  }

  /** Until every place is filled, and every gateway knows all services. */
  async ready(patienceMs = READY_MS): Promise<void> {
    const until = performance.now() + patienceMs;
    for (const url of this.urls)
      for (;;) {
        const health = await fetch(`${url}/health/ready`, { signal: AbortSignal.timeout(2_000) }).catch(
          () => undefined,
        );
        const said = await health?.text().catch(() => undefined);
        if (health?.status === 200) break;
        if (performance.now() > until) throw new Error(`${url} is not ready: ${said ?? "no answer"}`);
        await pause(LOOK_MS);
      }
  }

  async close(): Promise<void> {
    this.#isClosing = true;
    const all = [...this.places.values()];
    await Promise.all(all.map(({ process }) => process.kill()));
    for (const { log } of all) log.end();
    await Promise.all(this.#mine.map((server) => server.stop()));
    rmSync(this.folder, { recursive: true, force: true, maxRetries: 5 });
    this.#disk?.unmount();
  }

  async #start(): Promise<void> {
    const { store, nodes, scale = {}, env: own = {} } = this.#options;
    const isWhole = store === "sqlite";
    const wanted = isWhole
      ? [["shop-1", everyService.join(",")] as const]
      : everyService.flatMap((service) =>
          Array.from(
            { length: scale[service] ?? (service === "sandbox" ? 1 : nodes) },
            (_, n) => [`${service}-${n + 1}`, service] as const,
          ),
        );
    const common = { ...this.#common(), ...(isWhole ? {} : await this.#clustered()), ...own };
    await Promise.all(
      wanted.map(async ([name, services]) => {
        const port = services.includes("gateway") ? await freePort() : undefined;
        const env = { ...common, SERVICES: services, ...(port ? { PORT: String(port) } : {}) };
        this.#fill(name, env, port ? `http://127.0.0.1:${port}` : undefined);
        if (!(await this.process(name).opened)) throw new Error(`${name} could not start; see ${this.#options.logs}`);
      }),
    );
    await this.ready();
  }

  #common(): Record<string, string> {
    const preload = [INSIDE, ...(this.#options.preload ?? [])].map((path) => `--import=${path}`).join(" ");
    return {
      PATH: process.env.PATH ?? "",
      NODE_OPTIONS: preload,
      NAMESPACE: `chaos-${process.pid}-${++rigs}`,
      DATA_DIR: this.folder,
      DEMO: "off",
      RATE_LIMIT: "off",
      LOG_LEVEL: "warn",
      LOG_FORMAT: "json",
      ADMIN_EMAIL: admin.email,
      ADMIN_PASSWORD: admin.password,
    };
  }

  async #clustered(): Promise<Record<string, string>> {
    const meetingPoint = await freePort();
    return {
      TRANSPORTER: this.nats?.url ?? `tcp://127.0.0.1:${meetingPoint}`,
      BUS_SECRET: "a secret that only these nodes know",
      STORE: this.#options.servers?.db?.url ?? this.#storeUrl(),
      SANDBOX_STORE: "sqlite:provider.db",
    };
  }

  #storeUrl(): string {
    const url = this.db?.url ?? "";
    return url.startsWith("mongodb") ? `${url}/chaos` : url;
  }

  /** Puts a process into a place, and another one when that is gone. */
  #fill(name: string, env: Record<string, string>, url: string | undefined): void {
    const before = this.places.get(name);
    const log = before?.log ?? createWriteStream(join(this.#options.logs, `${name}.log`), { flags: "a" });
    const starts = (before?.starts ?? 0) + 1;
    const process = new NodeProcess(name, { ...env, NODE_ID: `${name}-${starts}` }, (line) => log.write(`${line}\n`));
    process.onAnswer = (answer) => this.#waiting.get((answer as Answer).n)?.(answer as Answer);
    this.places.set(name, { name, env, url, process, starts, downMs: BACK_MS, log });
    void process.opened.then((isUp) => isUp && this.onChange(name, true));
    void process.gone.then(async () => {
      if (this.#isClosing) return;
      this.onChange(name, false);
      await pause(this.#place(name).downMs);
      if (!this.#isClosing) this.#fill(name, env, url);
    });
  }

  #place(name: string): Place {
    const place = this.places.get(name);
    if (!place) throw new Error(`there is no ${name}`);
    return place;
  }
}

const ROOM = "2g";
/** What is left of a disk that is about to be full: it is written to while it is measured. */
const LAST_KIB = 256;

/**
 * A disk of its own for all that a run writes, where this may be made. It is full when it is made as small as what
 * is on it.
 */
class Disk {
  readonly folder: string;

  private constructor(folder: string) {
    this.folder = folder;
  }

  /** Undefined: only root may. */
  static mount(): Disk | undefined {
    if (process.platform !== "linux" || process.getuid?.() !== 0) return undefined;
    const folder = mkdtempSync(join(tmpdir(), "lonja-disk-"));
    try {
      execFileSync("mount", ["-t", "tmpfs", "-o", `size=${ROOM},mode=1777`, "tmpfs", folder], { stdio: "pipe" });
      return new Disk(folder);
    } catch {
      rmSync(folder, { recursive: true });
      return undefined;
    }
  }

  fill(isFull: boolean): void {
    const size = isFull ? `${this.#usedKiB() + LAST_KIB}k` : ROOM;
    execFileSync("mount", ["-o", `remount,size=${size}`, this.folder], { stdio: "pipe" });
  }

  #usedKiB(): number {
    const [, line = ""] = execFileSync("df", ["-k", this.folder], { encoding: "utf8" }).split("\n");
    return Number(line.split(/\s+/)[2]);
  }

  unmount(): void {
    execFileSync("umount", ["-l", this.folder], { stdio: "pipe" });
    rmSync(this.folder, { recursive: true, force: true });
  }
}
