import { performance } from "node:perf_hooks";
import type { Middleware } from "moleculer";
import type { Figures } from "../services/shared/figures.ts";
import { Ages } from "./age.ts";

interface Packet {
  type: string;
  payload: { sender?: string; clock?: number; sentAt?: number; timeout?: number | null };
}
type Handle = (command: string, packet: Packet) => unknown;

/**
 * Moleculer sends with a request how much time there is left for it. What it has waited for on its way, in a message
 * broker or before a node that had no time to read, is taken off here; where nothing is left, whoever has asked has
 * given up and may be asking somebody else, so it is not begun. By clocks that nobody sets: they only run on, and begin
 * anew with each process, also where it has the name of an earlier one.
 */
export function deadlines({ figures }: { figures: Figures }): Middleware {
  const ages = new Ages();
  return {
    transitPublish: (next: (packet: Packet) => unknown) => (packet: Packet) =>
      next(
        Object.assign(packet, {
          payload: { ...packet.payload, clock: performance.timeOrigin, sentAt: performance.now() },
        }),
      ),
    transitMessageHandler: (next: Handle) => (command: string, packet: Packet) => {
      const { sender, clock, sentAt, timeout } = packet.payload;
      if (sender === undefined || typeof sentAt !== "number") return next(command, packet);
      const ageMs = ages.of(`${sender} ${clock}`, sentAt, performance.now());
      if (command !== "REQ" || !timeout) return next(command, packet);
      packet.payload.timeout = timeout - ageMs;
      if (packet.payload.timeout > 0) return next(command, packet);
      figures.lateCalls++;
      return Promise.resolve(true);
    },
  } as unknown as Middleware;
}
