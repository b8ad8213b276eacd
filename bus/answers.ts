import { Errors, type Middleware } from "moleculer";

interface Plain {
  name: string;
  message: string;
  nodeID: string;
  code: unknown;
  type: unknown;
  retryable: unknown;
  data: unknown;
}
type Packet = { type: string; payload: { meta?: unknown } };

/** What failed, without its stack: that is for the log of the node where it failed. */
export class Failures extends Errors.Regenerator {
  override extractPlainError(error: Error & Partial<Plain>): never {
    const { stack: _stack, ...plain } = super.extractPlainError(error as never) as Plain & { stack?: string };
    return plain as never;
  }
}

const withoutMeta = (packet: Packet): Packet =>
  packet.type === "RES" ? { ...packet, payload: { ...packet.payload, meta: {} } } : packet;

/** Who asks is said by the one who asks: an answer brings no meta back, which Moleculer would mix with his. */
export const plainAnswers = (): Middleware =>
  ({
    transitPublish: (next: (packet: Packet) => unknown) => (packet: Packet) => next(withoutMeta(packet)),
    transitMessageHandler: (next: (command: string, packet: Packet) => unknown) => (command: string, packet: Packet) =>
      next(command, withoutMeta(packet)),
  }) as unknown as Middleware;
