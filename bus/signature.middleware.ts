import type { Middleware, ServiceBroker } from "moleculer";
import type { Figures } from "../services/shared/figures.ts";
import type { World } from "../services/shared/world.ts";
import { signed, verified } from "./signature.ts";

interface Post {
  /** The first signs; all are believed. */
  secrets: readonly string[];
  world: World;
  figures: Figures;
}
type Send = (topic: string, data: Buffer, meta: { packet: { type: string } }) => Promise<void>;
type Receive = (command: string, data: Uint8Array | null, socket?: unknown) => unknown;

const QUIET_MS = 1_000;

/**
 * Whoever can reach the message broker could otherwise call any action, as anybody, and stop nodes. Every
 * packet is signed; one that is not, or not by us, or not for what it arrives as, is ignored and counted.
 * Nothing is hidden by it: that is what TLS is for. A packet that is recorded and sent again within a minute
 * is believed, like any message that arrives twice.
 */
export function signedPackets({ secrets, world, figures }: Post): Middleware {
  const [secret] = secrets;
  if (secret === undefined) return {};
  let logger: ServiceBroker["logger"] | undefined;
  let quietUntil = 0;
  const refuse = (command: string) => {
    figures.refusedPackets++;
    if (world.now() < quietUntil) return;
    quietUntil = world.now() + QUIET_MS;
    logger?.warn(`A ${command} packet that no node of ours has signed was ignored (${figures.refusedPackets} so far).`);
  };
  return {
    created(broker: ServiceBroker) {
      logger = broker.getLogger("bus");
    },
    transporterSend: (next: Send): Send =>
      function sign(topic, data, meta) {
        return next(topic, signed(secret, meta.packet.type, data, world.now()), meta);
      },
    transporterReceive: (next: Receive): Receive =>
      function verify(command, data, socket) {
        const bytes = data ? Buffer.from(data.buffer, data.byteOffset, data.byteLength) : Buffer.alloc(0);
        const packet = verified(secrets, command, bytes, world.now());
        return packet ? next(command, packet, socket) : refuse(command);
      },
  } as unknown as Middleware;
}
