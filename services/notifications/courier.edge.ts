import type { Service } from "moleculer";
import { bringForward, watch } from "../../mixins/ahead.ts";
import { repeat } from "../../mixins/repeat.ts";
import type { Collection } from "../../mixins/store.mixin.ts";
import { isRefusal } from "../shared/refusal.ts";
import { timeAt, type World } from "../shared/world.ts";
import type { Guard } from "./address.edge.ts";
import { callOut } from "./callout.edge.ts";
import { foundWanting, isForgotten, type KeptEndpoint, secretsAt } from "./endpoint.ts";
import { dueUntil, hopefulSince, isGone, isLong, isToTry, type KeptHook, takenUp, tried } from "./hook.ts";
import { signed } from "./signature.edge.ts";
import type { DisabledReason } from "./webhooks.contract.ts";

interface Bag {
  endpoints: Collection<KeptEndpoint>;
  hooks: Collection<KeptHook>;
  guard: Guard;
  world: World;
  logger: Service["logger"];
}

const ROUND_MS = 500;
/** There are fifty endpoints at most, so this bounds what is under way in all. */
const MOST_OF_ONE = 5;
/** How long a node that stops waits for the answers to what it has sent. */
const LAST_WORDS_MS = 3_000;

/**
 * Takes what is due to where it goes. Each endpoint has a row of its own, of which a few are under way at a time and the
 * rest stays in the store: one that is slow, or away with much waiting for it, delays nobody else. Before a try its
 * delivery is leased by a conditional write, so that of several nodes one makes it, and another one the next if that
 * node dies.
 */
export class Courier {
  readonly #bag: Bag;
  /** Of each endpoint, what is under way. */
  readonly #underWay = new Map<string, Map<string, Promise<void>>>();
  /** The endpoints whose rows are being looked at; true where somebody has asked for another look since. */
  readonly #looking = new Map<string, boolean>();
  readonly #stop = new AbortController();
  #isStopping = false;
  #stopRounds: (() => Promise<void>) | undefined;
  #stopWatching: (() => Promise<void>) | undefined;

  constructor(bag: Bag) {
    this.#bag = bag;
  }

  start(): void {
    const { hooks, world, logger } = this.#bag;
    const failed = (error: Error) => logger.warn(`Webhooks could not be looked after: ${error.message}`);
    this.#stopRounds = repeat(world, ROUND_MS, () => this.#round(), failed);
    this.#stopWatching = watch(world, bringForward(hooks, world), failed);
  }

  /** What is cut off is tried again when its lease is over, here or elsewhere. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    await this.#stopRounds?.();
    await this.#stopWatching?.();
    const left = [...this.#underWay.values()].flatMap((row) => [...row.values()]);
    const callOff = this.#bag.world.after(LAST_WORDS_MS, () => this.#stop.abort());
    await Promise.all(left);
    callOff();
  }

  /** There is something for this endpoint: it need not wait for the next round. */
  wake(endpointId: string): void {
    if (this.#isStopping) return;
    const { endpoints, logger } = this.#bag;
    const look = async () => {
      const endpoint = await endpoints.get(endpointId);
      if (endpoint) await this.#look(endpoint);
    };
    look().catch((error) => logger.warn(`${endpointId} could not be looked after: ${error.message}`));
  }

  async #round(): Promise<boolean> {
    let cursor: string | undefined;
    do {
      const { data, nextCursor } = await this.#bag.endpoints.find({ limit: 100, cursor });
      await Promise.all(data.map((endpoint) => this.#look(endpoint)));
      cursor = nextCursor ?? undefined;
    } while (cursor && !this.#isStopping);
    return false;
  }

  /** One look at a row at a time, so that two of them do not take the same places. */
  async #look(endpoint: KeptEndpoint): Promise<void> {
    const { id } = endpoint;
    if (this.#looking.has(id)) this.#looking.set(id, true);
    else {
      try {
        do {
          this.#looking.set(id, false);
          await this.#takeUp(endpoint);
        } while (this.#looking.get(id) && !this.#isStopping);
      } finally {
        this.#looking.delete(id);
      }
    }
  }

  async #takeUp(endpoint: KeptEndpoint): Promise<void> {
    const { hooks, endpoints, world, logger } = this.#bag;
    const { id: endpointId } = endpoint;
    const row = this.#underWay.get(endpointId) ?? new Map<string, Promise<void>>();
    const room = MOST_OF_ONE - row.size;
    if (room <= 0 || this.#isStopping) return;
    this.#underWay.set(endpointId, row);
    const where = { endpointId, dueAt: { $lte: dueUntil(endpoint, world.now()) } };
    const { data } = await hooks.find({ where, sort: "dueAt", limit: room });
    for (const hook of data) {
      if (row.has(hook.id)) continue;
      const work = (isToTry(endpoint, hook) ? this.#try(hook) : hooks.remove(hook.id))
        .catch((error) => logger.warn(`What became of ${hook.id} could not be noted: ${error.message}`))
        .then(() => {
          row.delete(hook.id);
          if (row.size === 0) this.#underWay.delete(endpointId);
          if (data.length === room) this.wake(endpointId);
        });
      row.set(hook.id, work);
    }
    if (data.length === 0 && row.size === 0) this.#underWay.delete(endpointId);
    if (data.length === 0 && isForgotten(endpoint, world.now())) await endpoints.remove(endpointId);
  }

  /** The endpoint is read after the lease: whoever has changed it before that is heeded. */
  async #try(hook: KeptHook): Promise<void> {
    const { endpoints, hooks, guard, world, logger } = this.#bag;
    const mine = await hooks.replace(hook, takenUp(hook, world.now()));
    const endpoint = await endpoints.get(hook.endpointId);
    if (!mine || endpoint?.state !== "enabled") return;
    const begunMs = world.now();
    const { id, eventId, body } = mine;
    const headers = signed(eventId, body, secretsAt(endpoint, timeAt(world)), begunMs);
    const heard = await callOut({ url: endpoint.url, headers, body }, guard, world, this.#stop.signal);
    if (this.#stop.signal.aborted) return;
    const moment = { heard, begunMs, nowMs: world.now(), random: world.random() };
    const after = await hooks.change(mine, (hook) => tried(hook, moment, endpoint)).catch(unlessRemoved);
    if (!after || after.status === "delivered") return;
    logger.warn(`${id} (${after.type}) is ${after.status} after ${after.tries} tries: ${after.attempts.at(-1)?.error}`);
    if (isGone(heard)) await this.#switchOff(endpoint, "gone");
    else if (after.status === "dead") await this.#switchOffIfFailing(endpoint, after);
  }

  async #switchOffIfFailing(endpoint: KeptEndpoint, dead: KeptHook): Promise<void> {
    const { hooks, world } = this.#bag;
    const since = hopefulSince(dead, endpoint);
    if (!isLong(since, world.now())) return;
    const taken = await hooks.first({ endpointId: endpoint.id, deliveredAt: { $gte: since } });
    if (!taken) await this.#switchOff(endpoint, "failing");
  }

  async #switchOff(asked: KeptEndpoint, reason: DisabledReason): Promise<void> {
    const { endpoints, world, logger } = this.#bag;
    const after = await endpoints
      .change(asked.id, (endpoint) => foundWanting(endpoint, asked, reason, timeAt(world)))
      .catch(unlessRemoved);
    if (after?.disabledReason === reason)
      logger.error(`Webhooks to ${asked.id} are switched off (${reason}) until staff switch them on.`);
  }
}

/** Somebody has removed it meanwhile. */
function unlessRemoved(error: unknown): undefined {
  if (!isRefusal(error, "not_found")) throw error;
}
