import { Transporters } from "moleculer";

interface Producer {
  send(batch: { messages: Message[]; acks: number }): Promise<unknown>;
}
interface Message {
  topic: string;
  value: Buffer;
  partition: number;
}
interface Waiting extends Message {
  taken(): void;
  failed(error: unknown): void;
}

const CLOSE_MS = 2_000;
const PAUSE_MS = 500;
const MOST_TOGETHER = 500;
const MOST_BATCHES = 4;
const MOST_WAITING = 20_000;

/**
 * Moleculer's, which makes one request of every packet. Here what has come together while others were
 * under way goes out in one request, a few of them at a time: under load packets wait a little instead of timing out.
 */
export class KafkaBus extends Transporters.Kafka {
  declare producer: Producer | null;
  declare consumerStream: { once(event: "error" | "close", listener: () => void): unknown } | null;
  declare consumer: { close(force: boolean): Promise<void> } | null;
  #waiting: Waiting[] = [];
  #underWay = 0;
  #joined = 0;
  #isStopping = false;

  constructor({
    hosts,
    user,
    password,
  }: { hosts: string[]; user?: string | undefined; password?: string | undefined }) {
    const sasl = user ? { sasl: { mechanism: "PLAIN", username: user, password: password ?? "" } } : {};
    const client = { ...sasl, connectTimeout: 5_000, retries: 3 };
    super({
      bootstrapBrokers: hosts,
      producer: client,
      admin: client,
      consumer: { ...client, minBytes: 1, maxWaitTime: 500, mode: "latest" },
    } as object);
  }

  /** Moleculer's listens once: what it hears by ends with the connection. Here it is begun anew until it stands. */
  override async makeSubscriptions(topics: object[]): Promise<void> {
    const { opts, broker } = this as unknown as { opts: { consumer: object }; broker: { instanceID: string } };
    // A name of its own each time: Kafka keeps the place of a member that is gone for a minute.
    Object.assign(opts.consumer, { groupId: `${broker.instanceID}-${this.#joined++}` });
    await super.makeSubscriptions(topics as never);
    const stream = this.consumerStream;
    const again = () => {
      if (this.consumerStream !== stream || this.#isStopping) return;
      this.consumerStream = null;
      void this.#listenAgain(topics);
    };
    stream?.once("error", again);
    stream?.once("close", again);
  }

  /** A connection that is broken cannot be closed in peace, and is not waited for. */
  override async disconnect(): Promise<void> {
    this.#isStopping = true;
    await Promise.race([super.disconnect(), after(CLOSE_MS)]);
    this.producer = null;
    for (const { failed } of this.#waiting.splice(0)) failed(notConnected());
  }

  async #listenAgain(topics: object[]): Promise<void> {
    const { consumer } = this;
    this.consumer = null;
    await Promise.race([consumer?.close(true), after(CLOSE_MS)]).catch(() => {});
    while (!this.#isStopping) {
      try {
        await this.makeSubscriptions(topics);
        return;
      } catch {
        // Said by Moleculer's already.
        await after(PAUSE_MS);
      }
    }
  }

  override send(_topic: string, data: Buffer, { packet }: { packet: { type: string; target: string } }): Promise<void> {
    if (!this.producer) return Promise.reject(notConnected());
    if (this.#waiting.length >= MOST_WAITING) return Promise.reject(new Error("Too many packets wait for Kafka."));
    return new Promise((taken, failed) => {
      this.#waiting.push({
        topic: this.getTopicName(packet.type, packet.target),
        value: data,
        partition: 0,
        taken,
        failed,
      });
      if (this.#waiting.length === 1) setImmediate(() => this.#sendWaiting());
    });
  }

  #sendWaiting(): void {
    while (this.producer && this.#waiting.length > 0 && this.#underWay < MOST_BATCHES) {
      const batch = this.#waiting.splice(0, MOST_TOGETHER);
      this.#underWay++;
      this.producer
        .send({ messages: batch.map(({ topic, value, partition }) => ({ topic, value, partition })), acks: 1 })
        .then(
          () => {
            for (const { taken } of batch) taken();
          },
          (error) => {
            for (const { failed } of batch) failed(error);
          },
        )
        .finally(() => {
          this.#underWay--;
          this.#sendWaiting();
        });
    }
  }
}

const notConnected = () => new Error("Kafka is not connected.");
const after = (ms: number) => new Promise<void>((done) => void setTimeout(done, ms).unref());
