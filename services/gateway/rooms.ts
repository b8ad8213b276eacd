import type { Pulse } from "../shared/pulse.ts";
import { Refusal } from "../shared/refusal.ts";

interface Plan {
  /** What comes behind `/v1/` or the first `/`: one segment, or two where those of the same first one are for different things. */
  paths: readonly string[];
  /** How late the event loop may be before the room is held to less than `MOST_INSIDE`. */
  lateMs: number;
  /** For how long new ones are let in then, in each turn of the loop. All others have to wait as long. */
  turnMs: number;
}

/**
 * What requests are for. Each kind has a room of its own, so that a flood of one leaves the others theirs; what matters
 * less is turned away first.
 */
export const plan = {
  /** Money is under way: who asks again for an order that was begun. No path leads here, but a key. */
  underWay: { paths: [], lateMs: 100, turnMs: 80 },
  checkout: { paths: ["orders", "payments", "sandbox"], lateMs: 40, turnMs: 60 },
  /** What it asks for is not known yet: each field of it takes its own place. */
  graph: { paths: ["graphql"], lateMs: 40, turnMs: 60 },
  office: { paths: ["admin"], lateMs: 40, turnMs: 60 },
  accounts: { paths: ["auth", "me"], lateMs: 40, turnMs: 60 },
  /** What providers have to say, or whoever says that he is one. They say it again, and are asked besides. */
  news: { paths: ["webhooks"], lateMs: 40, turnMs: 30 },
  /** What costs a password's work. Whoever is signed in stays so, however many try to be. */
  signIn: { paths: ["auth/login", "auth/register", "auth/password"], lateMs: 40, turnMs: 40 },
  /** Products, stock, pictures, and whatever is not said above. */
  browse: { paths: [], lateMs: 15, turnMs: 20 },
} as const satisfies Record<string, Plan>;
export type RoomName = keyof typeof plan;
const roomNames = Object.keys(plan) as RoomName[];

/** Of each kind. Those who wait for somebody else, such as a payment provider, take nothing but memory. */
const MOST_INSIDE = 256;
/** Those who are inside while the loop is late are served within about this time. */
const WAIT_MS = 750;
const LEAST_INSIDE = 16;
/** So many are let in in each turn, also where somebody else takes the processor away in the middle of it. */
const LEAST_A_TURN = 4;
/** How long a burst may take that comes while there is little else to do. */
const LONGEST_TURN_MS = 200;
const COUNT_MS = 500;

const byPath = new Map<string, RoomName>(roomNames.flatMap((name) => plan[name].paths.map((path) => [path, name])));
/** Those who ask how the shop is come in free. */
const isProbe = /^\/(health\/|metrics$)/;

/** Undefined: it needs no room. */
export function roomOf(url: string): RoomName | undefined {
  const [, both = "", first = ""] = /^\/(?:v1\/)?(([^/?]*)(?:\/[^/?]*)?)/.exec(url) ?? [];
  return byPath.get(both) ?? byPath.get(first) ?? (isProbe.test(url) ? undefined : "browse");
}

/**
 * Who is let in. It is the waiting for a turn of the event loop that counts, and not how long an answer takes: a payment
 * provider may be slow for reasons of its own (Zhou et al., "Overload Control for Scaling WeChat Microservices", 2018).
 * Where the loop is late, as many may be inside as are served while somebody is ready to wait (Little's law).
 */
export class Room {
  inside = 0;
  readonly #plan: Plan;
  readonly #pulse: Pulse;
  #turn = 0;
  #cameThisTurn = 0;
  #served = 0;
  #countedAt: number;
  #perMs = 0;

  constructor(plan: Plan, pulse: Pulse) {
    this.#plan = plan;
    this.#pulse = pulse;
    this.#countedAt = pulse.now();
  }

  /** Whether one more may come in. */
  admits(): boolean {
    this.#count();
    const isLate = this.#pulse.lateMs() > this.#plan.lateMs;
    if (this.inside >= (isLate ? this.#places : MOST_INSIDE)) return false;
    const turnMs = isLate ? this.#plan.turnMs : LONGEST_TURN_MS;
    if (this.#cameThisTurn >= LEAST_A_TURN && this.#pulse.turnMs() >= turnMs) return false;
    this.#cameThisTurn++;
    return true;
  }

  /**
   * From here on the request is worked on: until its body has come it takes no place.
   *
   * @throws Refusal `unavailable` where others were faster.
   */
  enter(): void {
    if (this.inside >= MOST_INSIDE) throw noRoom(1);
    this.inside++;
  }

  leave(): void {
    this.inside--;
    this.#served++;
  }

  get #places(): number {
    return Math.min(MOST_INSIDE, Math.max(LEAST_INSIDE, this.#perMs * WAIT_MS));
  }

  #count(): void {
    const turn = this.#pulse.turn();
    if (turn !== this.#turn) [this.#turn, this.#cameThisTurn] = [turn, 0];
    const ms = this.#pulse.now() - this.#countedAt;
    if (ms < COUNT_MS) return;
    this.#perMs = this.#served / ms;
    [this.#served, this.#countedAt] = [0, this.#pulse.now()];
  }
}

export const noRoom = (retryAfterSeconds: number) =>
  new Refusal("unavailable", "There are too many requests.", { retryAfterSeconds });

const MOST_KEYS = 10_000;

/** The doors to all rooms. */
export class Rooms {
  readonly #rooms: Readonly<Record<RoomName, Room>>;
  readonly #begun = new Set<string>();

  constructor(pulse: Pulse) {
    const rooms = roomNames.map((name) => [name, new Room(plan[name], pulse)]);
    this.#rooms = Object.fromEntries(rooms) as Record<RoomName, Room>;
  }

  /** Undefined: there is no need of a room. `key`: the Idempotency-Key, if there is one. */
  roomFor(url: string, key: unknown): RoomName | undefined {
    const name = roomOf(url);
    return name === "checkout" && this.#begun.has(key as string) ? "underWay" : name;
  }

  admits(name: RoomName): boolean {
    return this.#rooms[name].admits();
  }

  enter(name: RoomName): void {
    this.#rooms[name].enter();
  }

  leave(name: RoomName): void {
    this.#rooms[name].leave();
  }

  /** Whoever comes again with this key goes before those who come for the first time. */
  begin(key: string): void {
    this.#begun.delete(key);
    this.#begun.add(key);
    const [oldest] = this.#begun;
    if (this.#begun.size > MOST_KEYS && oldest !== undefined) this.#begun.delete(oldest);
  }

  /** Only who is to ask again goes before others: a refusal on its merits is no way to the front. */
  answered(key: string, status: number): void {
    if (status < 500) this.#begun.delete(key);
  }
}
