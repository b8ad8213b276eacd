import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { NodeProcess } from "../cluster/process.ts";
import { contracts, type ServiceName } from "../services/contracts.ts";
import { freePort } from "./servers/server.ts";

export const everyService = Object.keys(contracts) as ServiceName[];

export interface ClusterOptions {
  /** TRANSPORTER, STORE and whatever else an operator would set. */
  env: Record<string, string>;
  /** How many processes of each service; two where nothing is said, and one doctor. */
  scale?: Partial<Record<ServiceName, number>>;
}

/** One node with what it has said so far. */
export interface TestNode {
  service: ServiceName;
  process: NodeProcess;
  /** Of a gateway. */
  url: string | undefined;
  said: string[];
}

const WHERE_FACTS_ARE_REFUSED = join(import.meta.dirname, "refusing.ts");
let clusters = 0;

/** The shop as several processes, each with one service. */
export class ShopCluster {
  readonly nodes: TestNode[] = [];
  readonly env: Readonly<Record<string, string>>;
  readonly #folder: string;
  readonly #refusing: string;

  private constructor(env: Record<string, string>) {
    this.#folder = mkdtempSync(join(tmpdir(), "lonja-cluster-"));
    this.#refusing = join(this.#folder, "refusing");
    writeFileSync(this.#refusing, "");
    this.env = {
      PATH: process.env.PATH ?? "",
      NODE_OPTIONS: `--import=${WHERE_FACTS_ARE_REFUSED}`,
      LONJA_TEST_REFUSING: this.#refusing,
      NAMESPACE: `test-${process.pid}-${++clusters}`,
      DATA_DIR: this.#folder,
      BUS_SECRET: "a secret that only these nodes know",
      DEMO: "off",
      TRUSTED_PROXIES: "1",
      // A machine that runs tests is a busy one, and nobody is to be turned away for that.
      ADMISSION: "off",
      LOG_FORMAT: "json",
      ADMIN_EMAIL: "admin@lonja.test",
      ADMIN_PASSWORD: "correct horse battery",
      ...env,
    };
  }

  static async open({ env, scale = {} }: ClusterOptions): Promise<ShopCluster> {
    const cluster = new ShopCluster(env);
    try {
      const wanted = everyService.flatMap((service) =>
        Array<ServiceName>(scale[service] ?? (service === "doctor" ? 1 : 2)).fill(service),
      );
      await Promise.all(wanted.map((service) => cluster.add(service)));
      await cluster.ready();
    } catch (error) {
      await cluster.close();
      throw error;
    }
    return cluster;
  }

  /** One without a node. */
  static empty(env: Record<string, string>): ShopCluster {
    return new ShopCluster(env);
  }

  /** The whole shop in one process. */
  static async embedded(env: Record<string, string> = {}): Promise<ShopCluster> {
    const cluster = new ShopCluster(env);
    await cluster.add("gateway", { SERVICES: everyService.join(",") });
    await cluster.ready();
    return cluster;
  }

  get urls(): string[] {
    return this.alive().flatMap(({ url }) => url ?? []);
  }

  alive(service?: ServiceName): TestNode[] {
    return this.nodes.filter((node) => !node.process.isGone && (!service || node.service === service));
  }

  /** One more node, whose services are open when this is over. `folder`: where another Lonja is, for one of those. */
  async add(service: ServiceName, env: Record<string, string> = {}, folder?: string): Promise<TestNode> {
    const port = service === "gateway" ? await freePort() : undefined;
    const said: string[] = [];
    const own = { SERVICES: service, ...(port ? { PORT: String(port) } : {}), ...env };
    const name = `${service}-${this.nodes.length}`;
    const node = {
      service,
      said,
      url: port && `http://127.0.0.1:${port}`,
      process: new NodeProcess(name, { ...this.env, ...own }, (line) => void said.push(line), folder),
    } as TestNode;
    this.nodes.push(node);
    if (await node.process.opened) return node;
    throw new Error(`${name} did not start:\n${said.slice(-20).join("\n")}`);
  }

  /** Whatever gateway is there knows all services. */
  async ready(): Promise<void> {
    for (const url of this.urls) {
      let health: Response | undefined;
      for (let tries = 0; health?.status !== 200; tries++) {
        health = await fetch(`${url}/health/ready`).catch(() => undefined);
        if (tries > 1_200) throw new Error(`${url} is not ready: ${await health?.text()}\n${this.said()}`);
        if (health?.status !== 200) await new Promise((resolve) => setTimeout(resolve, 25));
      }
    }
  }

  /** From now on every fact is taken. */
  mend(): void {
    rmSync(this.#refusing);
  }

  /** The last lines of all. */
  said(most = 60): string {
    return this.nodes.map(({ process, said }) => `${process.name}:\n${said.slice(-most).join("\n")}`).join("\n\n");
  }

  /** What no node of a shop should have to say, however badly it is treated. */
  slips(): string[] {
    return this.#linesLike(/Nobody has waited|is not a function|Cannot read prop|ERR_|uncaught|MaxListeners/i);
  }

  /** What no node of a shop has to say that is left in peace. */
  errors(): string[] {
    return this.#linesLike(/"level":"(error|fatal)"|^(?!\{)/);
  }

  #linesLike(pattern: RegExp): string[] {
    return this.nodes.flatMap(({ process, said }) =>
      said
        .filter((line) => pattern.test(line) && !/is a dead letter/.test(line))
        .map((line) => `${process.name}: ${line}`),
    );
  }

  /** For whoever wants to know more than a failed test says. */
  #keepLogs(folder: string | undefined): void {
    if (!folder) return;
    mkdirSync(folder, { recursive: true });
    for (const { process, said } of this.nodes)
      writeFileSync(join(folder, `${this.env.NAMESPACE}-${process.name}.log`), said.join("\n"));
  }

  /** Gateways first, so that nobody is left waiting. Answers those that did not stop by themselves. */
  async close(): Promise<string[]> {
    const stop = (nodes: TestNode[]) =>
      Promise.all(nodes.map(async ({ process }) => ({ name: process.name, ...(await process.stop()) })));
    const [gateways, others] = [this.alive("gateway"), this.alive().filter(({ service }) => service !== "gateway")];
    const exits = [...(await stop(gateways)), ...(await stop(others))];
    this.#keepLogs(process.env.LONJA_TEST_LOGS);
    rmSync(this.#folder, { recursive: true, force: true, maxRetries: 5 });
    return exits.flatMap(({ name, code, signal }) => (code === 0 ? [] : [`${name}: ${signal ?? code}`]));
  }
}
