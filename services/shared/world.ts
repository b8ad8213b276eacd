import { randomBytes } from "node:crypto";
import { ulid } from "ulid";

/** What an id begins with says what it names. */
export type IdPrefix =
  | "usr"
  | "ses"
  | "prod"
  | "var"
  | "imp"
  | "mov"
  | "ord"
  | "line"
  | "pay"
  | "ref"
  | "led"
  | "inv"
  | "evt"
  | "mail"
  | "ch"
  | "req"
  | "key";

/**
 * The only source of time, chance and ids. Everything else in Lonja is a function of its input, so a
 * test that brings a world of its own decides what the clock says and which ids are drawn.
 */
export interface World {
  /** Milliseconds since 1970. */
  now(): number;
  /** A prefixed id that sorts by the time of its making, such as `ord_01k…`. */
  id(prefix: IdPrefix): string;
  /** At least 0, less than 1. For jitter, never for secrets. */
  random(): number;
  /** Unguessable bytes. */
  bytes(length: number): Buffer;
  /** Calls `then` once, `ms` from now; the answer calls it off. Does not keep a process alive. */
  after(ms: number, then: () => void): () => void;
}

const fraction = () => randomBytes(4).readUInt32LE() / 2 ** 32;

export const realWorld: World = {
  now: () => Date.now(),
  id: (prefix) => `${prefix}_${ulid(Date.now()).toLowerCase()}`,
  random: fraction,
  bytes: (length) => randomBytes(length),
  after(ms, then) {
    const timer = setTimeout(then, ms);
    timer.unref();
    return () => clearTimeout(timer);
  },
};

/** The time as contracts write it: ISO 8601 in UTC, `ms` from now. */
export const timeAt = (world: World, ms = 0): string => new Date(world.now() + ms).toISOString();

export const sleep = (world: World, ms: number): Promise<void> => new Promise((resolve) => world.after(ms, resolve));
