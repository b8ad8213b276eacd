import type { Middleware } from "moleculer";
import { type Chance, chanceOf } from "../chance.ts";
import type { Wire } from "./order.ts";

type Pass = (...packet: unknown[]) => unknown;

/** The wire of a node. What happens to packets happens where they are bytes, signed and all. */
export class BrokenWire {
  #wire: Wire | undefined;
  #chance: Chance = () => 1;

  be(wire: Wire | null): void {
    this.#wire = wire ?? undefined;
    this.#chance = chanceOf(wire?.seed ?? 0);
  }

  readonly middleware = {
    transporterSend: (next: Pass) => this.#shaken("sent", next),
    transporterReceive: (next: Pass) => this.#shaken("got", next),
  } as unknown as Middleware;

  /** Those that are late arrive after those that were sent later. */
  #shaken(way: Wire["only"], next: Pass): Pass {
    const later = (packet: unknown[]) => {
      const ms = this.#chance() * (this.#wire?.latestMs ?? 0);
      setTimeout(() => void Promise.resolve(next(...packet)).catch(() => {}), ms);
      return Promise.resolve();
    };
    return (...packet) => {
      const { lost = 0, doubled = 0, late = 0, only = way } = this.#wire ?? {};
      const drawn = this.#wire && only === way ? this.#chance() * 100 : 100;
      if (drawn < lost) return Promise.resolve();
      if (drawn < lost + late) return later(packet);
      if (drawn < lost + late + doubled) void later(packet);
      return next(...packet);
    };
  }
}
