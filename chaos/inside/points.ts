import type { Orders } from "./order.ts";

/**
 * The places that a node passes while it works: before and after each write to a store, before and after each call,
 * on either side of it, and before and after each answer to a buyer. They have names that do not change from run to
 * run, such as `orders.orders.save:before` or `inventory.hold:asked`.
 */
export class Points {
  #armed: Orders["arm"] | undefined;
  #passed: string[] | undefined;
  readonly #die: (signal: NodeJS.Signals) => void;

  constructor(die: (signal: NodeJS.Signals) => void) {
    this.#die = die;
  }

  pass(point: string): void {
    this.#passed?.push(point);
    const armed = this.#armed;
    if (armed?.point !== point || --armed.nth > 0) return;
    this.#armed = undefined;
    this.#die(armed.signal);
  }

  arm(how: Orders["arm"]): void {
    this.#armed = { ...how };
  }

  disarm(): void {
    this.#armed = undefined;
  }

  record(): void {
    this.#passed = [];
  }

  /** In the order in which they were passed, each with how often it had been passed by then: `…:before:2`. */
  passed(): string[] {
    const times = new Map<string, number>();
    return (this.#passed ?? []).map((point) => {
      times.set(point, (times.get(point) ?? 0) + 1);
      return `${point}:${times.get(point)}`;
    });
  }
}

/** A point and how often it is to be passed, from its name with a number. */
export function pointOf(numbered: string): { point: string; nth: number } {
  const at = numbered.lastIndexOf(":");
  return { point: numbered.slice(0, at), nth: Number(numbered.slice(at + 1)) };
}
