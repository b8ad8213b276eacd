import { lookup } from "node:dns/promises";
import { networkInterfaces } from "node:os";
import { Transporters } from "moleculer";

const LOOPBACK = /^(127\.|localhost$|\[?::1)/;
const GOSSIP_MS = 250;

/**
 * Moleculer's own transporter, without discovery by broadcast. The addresses of TRANSPORTER are meeting points:
 * whoever starts on such a machine and finds the port free listens there, the others at any port. A new node
 * asks at the meeting points who is there, and from then on nodes tell each other. So one meeting point has to be
 * up when a node starts, and none later. A visitor leaves the meeting points to others.
 */
export class TcpBus extends Transporters.TCP {
  declare gossipTimer: NodeJS.Timeout | null;
  declare reader: object;
  readonly meetingPoints: readonly string[];
  readonly #visits: boolean;

  constructor(meetingPoints: readonly string[], visits = false) {
    super({
      udpDiscovery: false,
      useHostname: false,
      maxConnections: 256,
      maxPacketSize: 2 * 1024 * 1024,
      urls: meetingPoints.map((place) => `${hostOf(place)}:${portOf(place)}/meeting-point-${place}`),
    } as object);
    this.meetingPoints = meetingPoints;
    this.#visits = visits;
  }

  override async startTcpServer(): Promise<void> {
    const mine = this.#visits ? [] : await Promise.all(this.meetingPoints.map(isHere));
    const ports = this.meetingPoints.flatMap((place, n) => (mine[n] ? [Number(portOf(place))] : []));
    for (const port of [...ports, null]) if (await this.#listenAt(port)) break;
    // Others reach this node where it is told to be found, which on one machine need not be a public address.
    if (this.meetingPoints.every((place) => LOOPBACK.test(place)))
      Object.assign(this.getLocalNodeInfo(), { ipList: ["127.0.0.1"] });
  }

  /** At this port, or with null at any. False: it is taken, by another node most likely, which is no error here. */
  async #listenAt(port: number | null): Promise<boolean> {
    const { logger } = this;
    this.logger = Object.create(logger, { error: { value: () => {} } });
    Object.assign(this.opts, { port });
    try {
      await super.startTcpServer();
      return true;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EADDRINUSE") throw error;
      return false;
    } finally {
      this.logger = logger;
      Object.assign(this.reader, { logger });
    }
  }

  /**
   * At a meeting point of its own a node meets itself. It must not answer: the end of that connection would be the
   * end of itself, for itself and for all whom it tells.
   */
  override publish(packet: Parameters<Transporters.TCP["publish"]>[0]): Promise<void> {
    return packet.target === this.nodeID ? Promise.resolve() : super.publish(packet);
  }

  override startTimers(): void {
    const gossip = () => {
      void this.getLocalNodeInfo()
        .updateLocalInfo(this.broker.getCpuUsage)
        .then(() => this.sendGossipRequest());
    };
    this.gossipTimer = setInterval(gossip, GOSSIP_MS);
    this.gossipTimer.unref();
  }
}

const portOf = (place: string) => place.slice(place.lastIndexOf(":") + 1);
const hostOf = (place: string) => place.slice(0, place.lastIndexOf(":")).replace(/^\[|\]$/g, "");

/** Whether the address, or one of those that the name stands for, is this machine's. */
async function isHere(place: string): Promise<boolean> {
  const mine = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? []);
  const addresses = await lookup(hostOf(place), { all: true }).catch(() => []);
  return addresses.some(({ address }) => LOOPBACK.test(address) || mine.some((one) => one.address === address));
}
