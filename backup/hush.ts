import { setTimeout as pause } from "node:timers/promises";
import { ServiceBroker } from "moleculer";
import type { Hush } from "../mixins/mongo.snapshot.ts";
import { NotNow } from "../mixins/snapshot.ts";
import { brokerOptions, type Node } from "../moleculer.config.ts";
import { contracts } from "../services/contracts.ts";

/** Longer than it takes to read the stamps of a large shop, and shorter than a buyer waits for an answer. */
export const LEASE_MS = 4_000;
/** A node that does not answer at once has something else to do. */
const ANSWER_MS = 1_500;
const MEETING_MS = 3_000;
const LOOK_AGAIN_MS = 25;
/** Who has begun to write says soon that he is there. */
const NEWCOMERS_MS = 1_000;

/** A node of the shop, as this start of it. */
interface Member {
  id: string;
  start: string;
  service: string;
}
interface Listed {
  id: string;
  available: boolean;
  instanceID: string;
  services: { name: string }[];
}

/** Asks all nodes on the bus to write nothing for a moment, as a visitor among them. */
export class ClusterHush implements Hush {
  readonly #broker: ServiceBroker;
  readonly #id: string;
  #members: readonly Member[] = [];
  isAlone = true;

  private constructor(broker: ServiceBroker) {
    this.#broker = broker;
    this.#id = broker.nodeID;
  }

  static async join({ settings, world }: Node): Promise<ClusterHush> {
    const nodeId = `backup-${process.pid}-${world.bytes(3).toString("hex")}`;
    const options = await brokerOptions({ settings: { ...settings, nodeId }, world, logger: false, visits: true });
    const hush = new ClusterHush(new ServiceBroker(options));
    await Promise.race([hush.#broker.start(), pause(MEETING_MS)]);
    await hush.#meet();
    return hush;
  }

  async begin(): Promise<void> {
    this.#members = this.#present();
    this.isAlone = this.#members.length === 0;
    const answers = await this.#askAll("hush", { id: this.#id, ms: LEASE_MS });
    const silent = this.#members.filter((_, n) => answers[n] !== true).map(({ id }) => id);
    if (silent.length > 0) throw new NotNow(`${silent.join(", ")} did not stop writing in time`);
  }

  async end(): Promise<boolean> {
    const answers = await this.#askAll("unhush", { id: this.#id });
    await pause(NEWCOMERS_MS);
    const same = new Set(this.#members.map(({ start }) => start));
    return answers.every((held) => held === true) && this.#present().every(({ start }) => same.has(start));
  }

  async leave(): Promise<void> {
    await Promise.race([this.#broker.stop(), pause(ANSWER_MS)]);
  }

  /** Whoever has met one node hears of the others soon. */
  async #meet(): Promise<void> {
    const until = performance.now() + MEETING_MS;
    const known = () => new Set(this.#list().flatMap(({ services }) => services.map(({ name }) => name)));
    while (performance.now() < until && Object.keys(contracts).some((name) => !known().has(name)))
      await pause(LOOK_AGAIN_MS);
  }

  #list(): Listed[] {
    const { registry } = this.#broker as unknown as { registry: { getNodeList(asked: object): Listed[] } };
    return registry.getNodeList({ onlyAvailable: true, withServices: true });
  }

  #present(): Member[] {
    return this.#list().flatMap(({ id, instanceID, services }) => {
      const service = services.find(({ name }) => name in contracts);
      return service ? [{ id, start: instanceID, service: service.name }] : [];
    });
  }

  /** What is not answered is an answer as well. */
  #askAll(what: "hush" | "unhush", params: object): Promise<unknown[]> {
    const ask = ({ id, service }: Member) =>
      this.#broker.call(`${service}.${what}`, params, { nodeID: id, timeout: ANSWER_MS });
    return Promise.all(this.#members.map((member) => ask(member).catch((error: Error) => error)));
  }
}

/** Where there is no bus, nobody can be asked. */
export const nobodyToAsk: Hush = {
  isAlone: true,
  async begin() {},
  end: async () => true,
};
