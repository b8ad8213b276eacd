import { Discoverers } from "moleculer";

const TICK_MS = 100;
/** What of a tick that comes late was spent listening. */
const LONGEST_TICK_MS = 200;

type Told = Parameters<Discoverers.Local["processRemoteNodeInfo"]>;
type Heard = Parameters<Discoverers.Local["heartbeatReceived"]>;

/**
 * Says who is gone: whoever has not been heard for so long. Only the time counts in which this process listened. One that
 * stood still, or that has more to do than it can, has heard nobody, and what arrived meanwhile is still to be read; to
 * call the others gone would throw away all that it has asked them.
 */
export class Listener extends Discoverers.Local {
  readonly #silenceMs: number;
  readonly #heardAt = new Map<string, number>();
  #listenedMs = 0;
  #lastMs = 0;
  #ticking: NodeJS.Timeout | undefined;

  constructor(silenceMs: number) {
    super();
    this.#silenceMs = silenceMs;
  }

  override startHeartbeatTimers(): void {
    super.startHeartbeatTimers();
    this.#lastMs = performance.now();
    this.#ticking = setInterval(() => this.#tick(), TICK_MS).unref();
  }

  override stopHeartbeatTimers(): void {
    super.stopHeartbeatTimers();
    clearInterval(this.#ticking);
  }

  override heartbeatReceived(...[nodeId, heartbeat]: Heard): void {
    this.#heardAt.set(nodeId, this.#listenedMs);
    super.heartbeatReceived(nodeId, heartbeat);
  }

  /** Whoever has just come, or come back, says who he is before his heart beats. */
  override processRemoteNodeInfo(...[nodeId, info]: Told): ReturnType<Discoverers.Local["processRemoteNodeInfo"]> {
    this.#heardAt.set(nodeId, this.#listenedMs);
    return super.processRemoteNodeInfo(nodeId, info);
  }

  override checkRemoteNodes(): void {
    for (const { id, local, available } of this.registry.nodes.toArray()) {
      const heardAt = this.#heardAt.get(id);
      if (local || !available) this.#heardAt.delete(id);
      else if (heardAt === undefined) this.#heardAt.set(id, this.#listenedMs);
      else if (this.#listenedMs - heardAt > this.#silenceMs) {
        this.logger.warn(`${id} has not been heard for ${this.#silenceMs} ms.`);
        this.registry.nodes.disconnected(id, true);
      }
    }
  }

  #tick(): void {
    const nowMs = performance.now();
    this.#listenedMs += Math.min(nowMs - this.#lastMs, LONGEST_TICK_MS);
    this.#lastMs = nowMs;
  }
}
