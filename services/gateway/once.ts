import { type Collection, type Doc, isDuplicate } from "../../mixins/store.mixin.ts";
import { isRefusal, Refusal } from "../shared/refusal.ts";
import { sleep, timeAt, type World } from "../shared/world.ts";
import type { Answer } from "./answer.ts";
import { NONCE_BYTES, type Seal, sealed, unsealed } from "./seal.edge.ts";

/** A request that was sent with an Idempotency-Key, and what it was answered. */
export interface Kept extends Doc {
  bodyDigest: string;
  /** Whoever carries the request out has `LEASE_MS` from here. Then its process counts as dead. */
  startedAt: string;
  /** The node that carries it out. One that has left the cluster counts as dead at once. */
  holder: string;
  dueAt: string;
  /** The answer. Without it the request is still running. */
  sealed?: string;
}

/** What makes two requests the same one. */
export interface Ticket {
  id: string;
  bodyDigest: string;
  seal: Seal;
}

export interface Outcome {
  answer: Answer;
  replayed: boolean;
}

/** The node that this is, and whether another one is there. */
export interface Nodes {
  self: string;
  isThere(id: string): boolean;
}

const KEPT_MS = 7 * 24 * 3_600_000;
const LEASE_MS = 30_000;
const PATIENCE_MS = 1_000;
const LOOK_AGAIN_MS = 100;

/**
 * Carries a request out once, however often it arrives: here, at another gateway, or after a crash.
 * The row is inserted before anything happens, so that its id is the lock; the answer is kept before
 * it is sent. Where a process died in between, the next repeat asks the services again, and they know
 * the request by its key.
 */
export class Once {
  readonly #kept: () => Collection<Kept>;
  readonly #world: World;
  readonly #nodes: Nodes;
  readonly #running = new Map<string, Promise<unknown>>();

  constructor(kept: () => Collection<Kept>, world: World, nodes: Nodes) {
    this.#kept = kept;
    this.#world = world;
    this.#nodes = nodes;
  }

  async run(ticket: Ticket, act: () => Promise<Answer>): Promise<Outcome> {
    const until = this.#world.now() + PATIENCE_MS;
    for (;;) {
      const outcome = this.#running.has(ticket.id) ? undefined : await this.#alone(ticket, act);
      if (outcome) return outcome;
      if (this.#world.now() >= until) throw new Refusal("request_in_progress", undefined, { retryAfterSeconds: 1 });
      const look = sleep(this.#world, LOOK_AGAIN_MS);
      await Promise.race([this.#running.get(ticket.id) ?? look, look]);
    }
  }

  /** Of equal requests at this node one goes ahead; what is in `#running` is what this node is busy with. */
  async #alone(ticket: Ticket, act: () => Promise<Answer>): Promise<Outcome | undefined> {
    const work = this.#attempt(ticket, act);
    const done = work.catch(() => {});
    this.#running.set(ticket.id, done);
    return work.finally(() => this.#running.delete(ticket.id));
  }

  /** Undefined: somebody else carries it out. */
  async #attempt(ticket: Ticket, act: () => Promise<Answer>): Promise<Outcome | undefined> {
    const kept = await this.#claim(ticket);
    if (kept === "mine") return this.#actAndKeep(ticket, act);
    return kept?.sealed ? { answer: opened(ticket, kept.sealed), replayed: true } : undefined;
  }

  /** Makes the request this node's to carry out, or answers what is known of it. */
  async #claim({ id, bodyDigest }: Ticket): Promise<"mine" | Kept | undefined> {
    if (await this.#insert(id, bodyDigest)) return "mine";
    const kept = await this.#kept().get(id);
    if (!kept) return undefined;
    if (kept.bodyDigest !== bodyDigest) throw new Refusal("idempotency_key_reused");
    return !kept.sealed && this.#isDead(kept) ? this.#takeOver(kept) : kept;
  }

  /** This node is busy with one request of an id at a time, so a row of its own that is open was left by a forerunner. */
  #isDead({ startedAt, holder }: Kept): boolean {
    const { self, isThere } = this.#nodes;
    return holder === self || !isThere(holder) || Date.parse(startedAt) + LEASE_MS < this.#world.now();
  }

  async #insert(id: string, bodyDigest: string): Promise<boolean> {
    const row = {
      id,
      bodyDigest,
      holder: this.#nodes.self,
      startedAt: timeAt(this.#world),
      dueAt: timeAt(this.#world, KEPT_MS),
    };
    return this.#kept()
      .insert(row)
      .then(() => true)
      .catch((error) => {
        if (isDuplicate(error, "_id")) return false;
        throw error;
      });
  }

  async #takeOver(kept: Kept): Promise<"mine" | undefined> {
    const mine = { ...kept, startedAt: timeAt(this.#world), holder: this.#nodes.self };
    return (await this.#kept().replace(kept, mine)) ? "mine" : undefined;
  }

  async #actAndKeep(ticket: Ticket, act: () => Promise<Answer>): Promise<Outcome> {
    const leaseEnds = this.#world.now() + LEASE_MS;
    const answer = await act();
    if (isFinal(answer)) return this.#keep(ticket, answer);
    // Whoever was slower than the lease leaves the row to the one who has taken over.
    if (this.#world.now() < leaseEnds) await this.#kept().remove(ticket.id);
    return { answer, replayed: false };
  }

  /** Of two who have carried it out, because one was taken for dead, the first to keep its answer is right. */
  async #keep(ticket: Ticket, answer: Answer): Promise<Outcome> {
    const mine = sealed(ticket.seal, JSON.stringify(answer), this.#world.bytes(NONCE_BYTES));
    const kept = await this.#kept()
      .change(ticket.id, (row) => (row.sealed ? row : { ...row, sealed: mine }))
      .catch((error) => {
        if (!isRefusal(error, "not_found")) throw error;
      });
    if (!kept?.sealed || kept.sealed === mine) return { answer, replayed: false };
    return { answer: opened(ticket, kept.sealed), replayed: true };
  }
}

const opened = ({ seal }: Ticket, text: string): Answer => JSON.parse(unsealed(seal, text));

/** What was done, or refused on its merits. Anything else may go otherwise next time and is not kept. */
const isFinal = ({ status }: Answer) => status < 300 || [402, 409, 412].includes(status);
