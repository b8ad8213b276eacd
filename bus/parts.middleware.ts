import type { Middleware } from "moleculer";
import type { World } from "../services/shared/world.ts";
import { cut, Parts } from "./parts.ts";

type Send = (topic: string, data: Buffer, meta: object) => Promise<void>;
type Receive = (command: string, data: Buffer, socket?: unknown) => unknown;

/**
 * Packets that are larger than message brokers take travel in parts: a product file of 20 MB that is
 * imported, the stock of thousands of SKUs. Where one part is lost, the packet is, as with any other.
 */
export function inParts(world: World): Middleware {
  const parts = new Parts();
  return {
    transporterSend: (next: Send): Send =>
      async function sendParts(topic, data, meta) {
        for (const piece of cut(data, () => world.bytes(12))) await next(topic, piece, meta);
      },
    transporterReceive: (next: Receive): Receive =>
      function takeParts(command, data, socket) {
        const packet = parts.take(Buffer.from(data.buffer, data.byteOffset, data.length), world.now());
        return packet && next(command, packet, socket);
      },
  } as unknown as Middleware;
}
