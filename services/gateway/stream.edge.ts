import { repeat } from "../../mixins/repeat.ts";
import { isRefusal, Refusal } from "../shared/refusal.ts";
import { bearerToken } from "./bearer.edge.ts";
import { asOfNow, type House, metaOf } from "./door.ts";
import { type Following, type Stretch, stretches, values } from "./follow.edge.ts";
import { Crowd } from "./limits.ts";
import type { Answer } from "./problem.ts";
import { Questions } from "./questions.edge.ts";
import { isList, mayUse } from "./routes.ts";
import type { Guest } from "./visit.edge.ts";

/** What somebody follows, piece by piece: what there is of it already, and what comes. */
export interface Stream<T = unknown> {
  guest: Guest;
  first?: T;
  rest: AsyncGenerator<T, void, undefined>;
  stop: AbortController;
  /** As it goes out, if there is anything to say. */
  written(piece: T): Uint8Array | undefined;
}

/** Why a stream has come to its end: who has listened has gone, or the gateway has ended it. */
export type Ending = "left" | "aged" | "slow" | "refused" | "over" | "stopping";

type Surroundings = Omit<House, "streams">;
interface Ears {
  ended(why: Ending): void;
  failed(error: Error): void;
}

interface Listener {
  readonly guest: Guest;
  readonly stop: AbortController;
  readonly endsAt: number;
  beatAt: number;
  /** Since when something waits that they do not take. */
  waitsSince: number | undefined;
}

const bounds = { most: 5_000, mostOfOneNetwork: 200, what: "streams" };
const STRETCH = 100;
const LOOK_MS = 1_000;
const HEARTBEAT_MS = 15_000;
/** As long as an access token: whoever comes again brings a new one. */
const LONGEST_MS = 600_000;
/** Whoever has taken nothing for so long is cut off. */
const SLOW_MS = 15_000;
/** After this a client that has lost its stream comes again. */
const RETRY_MS = 2_000;
/** All who listen have asked again by then, at the rate of one a millisecond. */
const PER_LISTENER_MS = 1;
const LEAST_PAUSE_MS = 2_000;

/** Nginx would keep it until there is enough of it. */
export const streamHead = {
  status: 200,
  headers: { "content-type": "text/event-stream", "x-accel-buffering": "no" },
  body: "",
};

/**
 * Those who follow lists, and by GraphQL also values, by server-sent events. Nobody tells a gateway of anything: each stream asks the list on from
 * where it is, with the cursor behind an item as the id of its event, so that any gateway can go on from there. The next
 * stretch is asked for when the one before is taken, so that no more than one waits for somebody who is slow.
 */
export class Streams {
  readonly #house: Surroundings;
  readonly #ended: Ears["ended"];
  readonly #questions: Questions;
  readonly #crowd: Crowd;
  readonly #listeners = new Set<Listener>();
  readonly #stopLooking: () => Promise<void>;
  #isClosing = false;

  constructor(house: Surroundings, { ended, failed }: Ears) {
    const { world, settings } = house;
    this.#house = house;
    this.#ended = ended;
    this.#questions = new Questions(world);
    this.#crowd = new Crowd(settings.rateLimit, bounds);
    this.#stopLooking = repeat(world, LOOK_MS, () => this.#look(), failed);
  }

  get size(): number {
    return this.#listeners.size;
  }

  /** From here on it counts as a stream, until its connection ends. The first piece is asked for, and may be refused. */
  async begin(guest: Guest): Promise<Answer> {
    this.#takePlace(guest);
    const stop = new AbortController();
    const rest = isList(guest.route) ? this.#list(guest, stop) : this.#value(guest, stop);
    const { value: first } = await rest.next();
    const stream = { guest, first, rest, stop, written };
    return { ...streamHead, follows: stream as Stream };
  }

  /** Takes a stream to whoever has asked for it, until one of the two ends. */
  async carry({ guest, first, rest, stop, written }: Stream): Promise<void> {
    const { response } = guest;
    const beatAt = this.#house.world.now() + HEARTBEAT_MS;
    const listener: Listener = { guest, stop, endsAt: this.#endOf(guest), beatAt, waitsSince: undefined };
    this.#listeners.add(listener);
    response.once("close", () => this.#end(listener, "left"));
    response.write(`retry: ${RETRY_MS}\n\n`);
    try {
      if (first !== undefined) await this.#give(listener, written(first));
      if (this.#isClosing) this.#end(listener, "stopping");
      for await (const piece of rest) await this.#give(listener, written(piece));
      this.#end(listener, "over");
    } catch (error) {
      this.#house.note(guest, error);
      this.#end(listener, "refused");
    }
  }

  /** All come again elsewhere, as soon as they have waited for `RETRY_MS`. */
  close(): void {
    this.#isClosing = true;
    for (const listener of this.#listeners) this.#end(listener, "stopping");
    void this.#stopLooking();
  }

  /** @throws Refusal where there are too many. */
  #takePlace({ response, network }: Guest): void {
    this.#crowd.enter(network);
    if (response.destroyed) this.#crowd.leave(network);
    else response.once("close", () => this.#crowd.leave(network));
    this.#crowd.refuse(network);
  }

  /** With the token at the latest. Those who have come all at once do not all come again at once. */
  #endOf({ request: { headers }, caller }: Guest): number {
    const { world, tokens } = this.#house;
    const token = caller && tokens.endOf(bearerToken(headers.authorization ?? ""));
    return Math.min(token ?? Number.POSITIVE_INFINITY, world.now() + LONGEST_MS * (0.9 + world.random() / 10));
  }

  #list(guest: Guest, { signal }: AbortController): AsyncGenerator<Stretch<unknown>, void, undefined> {
    const { cursor, ...asked } = paramsOf(guest);
    const ask = (behind: string | undefined) =>
      this.#ask(guest, { ...asked, ...(behind ? { cursor: behind } : {}), limit: STRETCH, cursors: true });
    return stretches(
      ask as (behind: string | undefined) => Promise<Stretch<unknown>>,
      cursor,
      this.#following(guest, signal),
    );
  }

  #value(guest: Guest, { signal }: AbortController): AsyncGenerator<unknown, void, undefined> {
    return values(() => this.#ask(guest, guest.params), this.#following(guest, signal));
  }

  #following(guest: Guest, signal: AbortSignal): Following {
    return {
      world: this.#house.world,
      signal,
      longestMs: () => Math.max(LEAST_PAUSE_MS, this.size * PER_LISTENER_MS),
      failed: (error) => this.#house.note(guest, error),
    };
  }

  #ask(guest: Guest, params: object): Promise<unknown> {
    const { route, call, caller, guestToken } = guest;
    const { timeoutMs } = route.contract;
    const options = { meta: metaOf(guest), ...(timeoutMs ? { timeout: timeoutMs } : {}) };
    const words = [route.action, params, caller?.userId, caller?.role, guestToken];
    return this.#questions.ask(words, () => call(params, options));
  }

  /** Until the network has taken it, or nobody is there any more. */
  async #give(listener: Listener, bytes: Uint8Array | undefined): Promise<void> {
    const { stop, guest } = listener;
    if (stop.signal.aborted || !bytes) return;
    listener.waitsSince = this.#house.world.now();
    await new Promise<void>((taken) => guest.response.write(bytes, () => taken()));
    listener.waitsSince = undefined;
  }

  #end(listener: Listener, why: Ending): void {
    if (!this.#listeners.delete(listener)) return;
    this.#ended(why);
    listener.stop.abort();
    if (why === "slow") listener.guest.response.destroy();
    else listener.guest.response.end();
  }

  /** Once a second, at all of them. */
  async #look(): Promise<false> {
    const now = this.#house.world.now();
    const staff: Listener[] = [];
    for (const listener of this.#listeners) {
      const { endsAt, beatAt, waitsSince, guest } = listener;
      if (now >= endsAt) this.#end(listener, "aged");
      else if (waitsSince !== undefined && now - waitsSince >= SLOW_MS) this.#end(listener, "slow");
      else if (now >= beatAt) {
        listener.beatAt = now + HEARTBEAT_MS;
        if (waitsSince === undefined) guest.response.write(":\n\n");
        if (guest.caller && guest.caller.role !== "customer") staff.push(listener);
      }
    }
    const byCaller = Map.groupBy(staff, ({ guest }) => JSON.stringify(guest.caller));
    await Promise.all([...byCaller.values()].map((same) => this.#lookAgain(same)));
    return false;
  }

  /** Whether who follows as staff still is. */
  async #lookAgain(same: readonly Listener[]): Promise<void> {
    const [{ guest }] = same as [Listener];
    if (!guest.caller) return;
    const caller = await asOfNow(guest.caller, this.#house.roleOf).catch((error) => {
      this.#house.note(guest, error);
      return isRefusal(error) ? undefined : guest.caller;
    });
    for (const listener of same)
      if (caller && mayUse(listener.guest.route.rest.access, caller.role)) listener.guest.caller = caller;
      else this.#end(listener, "refused");
  }
}

/** Whoever comes again says what came last, and the address that they come to has the cursor with which they began. */
function paramsOf({ params, route, request }: Guest): { cursor?: string } {
  const unknown = Object.keys(params).filter((name) => !(name in route.params));
  const errors = unknown.map((path) => ({ path, message: "is not known here" }));
  if (errors.length) throw new Refusal("invalid_input", undefined, { errors });
  const last = request.headers["last-event-id"];
  return last ? { ...params, cursor: last as string } : params;
}

/** Many are given the same stretch: it is written out once, and none of them has bytes of their own. */
const texts = new WeakMap<object, Buffer>();

function written(stretch: Stretch<unknown>): Buffer | undefined {
  const known = texts.get(stretch);
  if (known || stretch.data.length === 0) return known;
  const events = stretch.data.map((item, place) => {
    const { type } = item as { type?: unknown };
    const event = typeof type === "string" && /^[\w.:-]+$/.test(type) ? `event: ${type}\n` : "";
    return `id: ${stretch.cursors[place]}\n${event}data: ${JSON.stringify(item)}\n\n`;
  });
  const text = Buffer.from(events.join(""));
  texts.set(stretch, text);
  return text;
}
