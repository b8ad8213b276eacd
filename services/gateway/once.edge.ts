import type { Collection, Doc } from "../../mixins/store.mixin.ts";
import { canonical } from "../shared/canonical.ts";
import { isRefusal, Refusal } from "../shared/refusal.ts";
import { sleep, timeAt, type World } from "../shared/world.ts";
import type { Answer } from "./problem.ts";
import { digest, NONCE_BYTES, requestKey, type Seal, sealed, sealOf, unsealed } from "./seal.edge.ts";
import type { Guest } from "./visit.edge.ts";

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
  /** The action knows its repeats by itself. */
  knowsKeys: boolean;
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

type Act = () => Promise<Answer>;

const KEPT_MS = 7 * 24 * 3_600_000;
const LEASE_MS = 30_000;
const PATIENCE_MS = 1_000;
const LOOK_AGAIN_MS = 100;

/**
 * Carries a request out once, however often it arrives: here, at another gateway, or after a crash. The
 * answer is kept before it is sent. Of equal requests at this node one goes ahead and the others get its
 * answer. Between nodes, a row that is inserted before anything happens is the lock; where the action
 * knows its repeats there is no need of one, and of two answers the first that is kept is given to both.
 * Where a process died in between, the next repeat asks the services again, and they know the request by
 * its key.
 */
export class Once {
  readonly #kept: () => Collection<Kept>;
  readonly #world: World;
  readonly #nodes: Nodes;
  readonly #underWay = new Map<string, { bodyDigest: string; outcome: Promise<Outcome> }>();

  constructor(kept: () => Collection<Kept>, world: World, nodes: Nodes) {
    this.#kept = kept;
    this.#world = world;
    this.#nodes = nodes;
  }

  async run(ticket: Ticket, act: Act): Promise<Outcome> {
    const { id, bodyDigest, knowsKeys } = ticket;
    const equal = this.#underWay.get(id);
    if (equal) return this.#join(equal, ticket);
    const work = knowsKeys ? this.#askAndKeep(ticket, act) : this.#claimAndKeep(ticket, act);
    const outcome = work.finally(() => this.#underWay.delete(id));
    this.#underWay.set(id, { bodyDigest, outcome });
    return outcome;
  }

  async #join(equal: { bodyDigest: string; outcome: Promise<Outcome> }, { bodyDigest }: Ticket): Promise<Outcome> {
    if (equal.bodyDigest !== bodyDigest) throw new Refusal("idempotency_key_reused");
    const late = sleep(this.#world, PATIENCE_MS).then(() => {
      throw stillRunning();
    });
    const { answer } = await Promise.race([equal.outcome, late]);
    return { answer, replayed: true };
  }

  async #askAndKeep(ticket: Ticket, act: Act): Promise<Outcome> {
    const kept = await this.#kept().get(ticket.id);
    if (kept?.sealed) return replay(ticket, kept);
    const answer = await act();
    return isFinal(answer) ? this.#keep(ticket, answer) : { answer, replayed: false };
  }

  async #claimAndKeep(ticket: Ticket, act: Act): Promise<Outcome> {
    const until = this.#world.now() + PATIENCE_MS;
    for (;;) {
      const kept = await this.#claim(ticket);
      if (kept === "mine") return this.#actAndKeep(ticket, act);
      if (kept?.sealed) return replay(ticket, kept);
      if (this.#world.now() >= until) throw stillRunning();
      await sleep(this.#world, LOOK_AGAIN_MS);
    }
  }

  /** Makes the request this node's to carry out, or answers what is known of it. */
  async #claim(ticket: Ticket): Promise<"mine" | Kept | undefined> {
    if (await this.#insert(ticket)) return "mine";
    const kept = await this.#kept().get(ticket.id);
    if (!kept) return undefined;
    refuseOther(ticket, kept);
    return !kept.sealed && this.#isDead(kept) ? this.#takeOver(kept) : kept;
  }

  /** This node is busy with one request of an id at a time, so a row of its own that is open was left by a forerunner. */
  #isDead({ startedAt, holder }: Kept): boolean {
    const { self, isThere } = this.#nodes;
    return holder === self || !isThere(holder) || Date.parse(startedAt) + LEASE_MS < this.#world.now();
  }

  /** Undefined: there is a row already. */
  #insert({ id, bodyDigest }: Ticket, answer: Pick<Kept, "sealed"> = {}): Promise<Kept | undefined> {
    const now = { startedAt: timeAt(this.#world), dueAt: timeAt(this.#world, KEPT_MS) };
    return this.#kept().insertOnce({ id, bodyDigest, holder: this.#nodes.self, ...now, ...answer });
  }

  async #takeOver(kept: Kept): Promise<"mine" | undefined> {
    const mine = { ...kept, startedAt: timeAt(this.#world), holder: this.#nodes.self };
    return (await this.#kept().replace(kept, mine)) ? "mine" : undefined;
  }

  async #actAndKeep(ticket: Ticket, act: Act): Promise<Outcome> {
    const leaseEnds = this.#world.now() + LEASE_MS;
    const answer = await act();
    if (isFinal(answer)) return this.#keep(ticket, answer);
    // Whoever was slower than the lease leaves the row to the one who has taken over.
    if (this.#world.now() < leaseEnds) await this.#kept().remove(ticket.id);
    return { answer, replayed: false };
  }

  /** Of two who have carried it out, the first to keep its answer is right. */
  async #keep(ticket: Ticket, answer: Answer): Promise<Outcome> {
    const mine = sealed(ticket.seal, JSON.stringify(answer), this.#world.bytes(NONCE_BYTES));
    const first = { answer, replayed: false };
    if (ticket.knowsKeys && (await this.#insert(ticket, { sealed: mine }))) return first;
    const kept = await this.#kept()
      .change(ticket.id, (row) => (row.sealed ? row : { ...row, sealed: mine }))
      .catch((error) => {
        if (!isRefusal(error, "not_found")) throw error;
      });
    return !kept || kept.sealed === mine ? first : replay(ticket, kept);
  }
}

const stillRunning = () => new Refusal("request_in_progress", undefined, { retryAfterSeconds: 1 });

function refuseOther({ bodyDigest }: Ticket, kept: Kept): void {
  if (kept.bodyDigest !== bodyDigest) throw new Refusal("idempotency_key_reused");
}

function replay(ticket: Ticket, kept: Kept): Outcome {
  refuseOther(ticket, kept);
  return { answer: JSON.parse(unsealed(ticket.seal, kept.sealed ?? "")), replayed: true };
}

/** What was done, or refused on its merits. Anything else may go otherwise next time and is not kept. */
const isFinal = ({ status }: Answer) => status < 300 || [402, 409, 412].includes(status);

/** By what a repeat of this request is known, if its sender wants it to be. */
export function ticketOf(guest: Guest): Ticket | undefined {
  const { route, path, key, body } = guest;
  if (route.method !== "POST") return undefined;
  if (key === undefined) {
    if (route.rest.keyRequired) throw new Refusal("idempotency_key_required");
    return undefined;
  }
  if (typeof key !== "string" || !/^[\x21-\x7e]{1,255}$/.test(key)) {
    const errors = [{ path: "Idempotency-Key", message: "must be 1 to 255 visible ASCII characters" }];
    throw new Refusal("invalid_input", undefined, { errors });
  }
  const scope = scopeOf(guest);
  const seal = sealOf(key, scope);
  const id = requestKey([scope, route.method, route.path, canonical(path), key]);
  return { id, seal, bodyDigest: digest(seal, canonical(body)), knowsKeys: route.rest.knowsKeys ?? false };
}

/** Whose key it is: a user's, else a guest's, who is known by e-mail, cart or token, else by where they are. */
function scopeOf({ caller, body, route, path, guestToken, address }: Guest): string {
  if (caller) return `user ${caller.userId}`;
  const email = (body as { email?: unknown } | undefined)?.email;
  if (typeof email === "string") return `guest ${email.toLowerCase()}`;
  if (route.path.startsWith("/v1/carts/:")) return `cart ${path.id}`;
  return guestToken ? `token ${guestToken}` : `address ${address}`;
}
