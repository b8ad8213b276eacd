import { randomBytes } from "node:crypto";
import { ulid } from "ulid";

/** What an id begins with says what it names. Services that a shop adds of its own add theirs. */
export interface IdPrefixes {
  usr: "a user";
  prod: "a product";
  var: "a variant of a product";
  imp: "an import";
  mov: "a movement of stock";
  ord: "an order";
  line: "a line of an order";
  pay: "a payment";
  ref: "a refund";
  led: "an entry of the ledger";
  inv: "an invoice";
  evt: "a fact that is told";
  ch: "a charge at the sandbox";
  whe: "an endpoint for webhooks";
  req: "a request";
  rep: "a repair";
}
export type IdPrefix = keyof IdPrefixes;

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
  /** Calls `then` once, `ms` from now, or soon where that is past; the answer calls it off. Does not keep a process alive. */
  after(ms: number, then: () => void): () => void;
  /** Calls `then` once whatever has arrived by now has had its turn. */
  soon(then: () => void): void;
}

/** Random bytes are drawn from the system a page at a time: an id takes sixteen. */
let page = Buffer.alloc(0);
let drawn = 0;
function randomByte(): number {
  if (drawn === page.length) {
    page = randomBytes(4096);
    drawn = 0;
  }
  return page[drawn++] ?? 0;
}
/** The letters of an id are 32, so that a byte gives each the same chance. */
const fraction = () => randomByte() / 256;

export const realWorld: World = {
  now: () => Date.now(),
  id: (prefix) => `${prefix}_${ulid(Date.now(), fraction).toLowerCase()}`,
  random: fraction,
  bytes: (length) => randomBytes(length),
  after(ms, then) {
    const timer = setTimeout(then, Math.max(0, ms));
    timer.unref();
    return () => clearTimeout(timer);
  },
  soon: (then) => void setImmediate(then),
};

/** The time as contracts write it: ISO 8601 in UTC, `ms` from now. */
export const timeAt = (world: World, ms = 0): string => isoOf(world.now() + ms);

/** Within a millisecond the same time is written down again and again. */
let written = { ms: 0, text: new Date(0).toISOString() };
function isoOf(ms: number): string {
  if (written.ms !== ms) written = { ms, text: new Date(ms).toISOString() };
  return written.text;
}

export const sleep = (world: World, ms: number): Promise<void> => new Promise((resolve) => world.after(ms, resolve));
