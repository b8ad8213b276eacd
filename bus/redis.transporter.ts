import { Transporters } from "moleculer";

interface Client {
  removeAllListeners(): Client;
  on(event: "error", listener: () => void): Client;
  disconnect(): void;
  publish(topic: string, data: Buffer): Promise<number>;
}

/**
 * Moleculer's, which opens one more publisher with every reconnect and keeps them all, and does not wait
 * to hear whether a packet was taken. Redis forgets a packet whose receiver is not there at that moment.
 */
export class RedisBus extends Transporters.Redis {
  declare clientPub: Client | null;

  constructor(url: string) {
    const { protocol, hostname, port, username, password, pathname } = new URL(url);
    super({
      host: hostname.replace(/^\[|\]$/g, ""),
      port: Number(port || 6379),
      username: decodeURIComponent(username) || undefined,
      password: decodeURIComponent(password) || undefined,
      db: Number(pathname.slice(1) || 0),
      ...(protocol === "rediss:" ? { tls: {} } : {}),
      connectTimeout: 5_000,
      keepAlive: 5_000,
      maxRetriesPerRequest: 1,
      // It asks with INFO whether Redis is ready, which on a slow machine comes after the first subscription: then Redis
      // takes nothing else any more, and the connection is given up. All that is said here is taken at any time.
      enableReadyCheck: false,
      retryStrategy: (attempt: number) => Math.min(2_000, attempt * 100),
    } as never);
  }

  override getRedisClient(options: never): never {
    this.clientPub
      ?.removeAllListeners()
      .on("error", () => {})
      .disconnect();
    return super.getRedisClient(options) as never;
  }

  override async send(topic: string, data: Buffer): Promise<void> {
    if (!this.clientPub) throw new Error("Redis is not connected.");
    await this.clientPub.publish(topic, data);
  }
}
