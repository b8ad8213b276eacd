import { setImmediate } from "node:timers/promises";
import { contracts, type ServiceName } from "../contracts.ts";
import type { Audit } from "../shared/auditing.ts";
import { Refusal } from "../shared/refusal.ts";
import type { Page } from "../shared/schema.ts";
import type { Cluster, Params, Result } from "../shared/typed.ts";
import { sleep, timeAt, type World } from "../shared/world.ts";
import type { Source } from "./files.ts";

/** Where the records of each source come from. */
const origins = {
  orders: { action: "orders.audit", more: {} },
  payments: { action: "payments.audit", more: {} },
  ledger: { action: "payments.auditLedger", more: {} },
  invoices: { action: "payments.auditInvoices", more: {} },
  charges: { action: "payments.auditCharges", more: {} },
  stock: { action: "inventory.auditStock", more: {} },
  mails: { action: "notifications.audit", more: {} },
  movements: { action: "inventory.auditMovements", more: { by: "orderId" } },
  movementsOfSkus: { action: "inventory.auditMovements", more: { by: "sku" } },
  paymentsById: { action: "payments.audit", more: { by: "_id" } },
  numbers: { action: "payments.auditNumbers", more: {} },
} as const;
export type Origin = keyof typeof origins;
type Listed<O extends Origin> = Result<(typeof origins)[O]["action"]>["data"][number];

/** What a check needs that has one of these records. */
const sourceOf = (origin: Origin): Source =>
  (({ movementsOfSkus: "movements", paymentsById: "payments", numbers: "invoices" }) as const)[origin as "numbers"] ??
  (origin as Source);

/** Services that keep data, and so have something to tell. */
export const keepers = (Object.keys(contracts) as ServiceName[]).filter((name) => name !== "gateway");

const TIMEOUT_MS = 10_000;
/** A node that has died is missed for seconds; a service that is not there at all is not waited for longer than this. */
const PAUSES_MS = [250, 500, 1_000, 2_000];
const MOST_KEYS = 100;
/** Large enough that few are asked for, small enough that a store in this process is not long about one. */
const PAGE = 200;

/** How an examination is told to go about it. */
export interface Manner {
  /** The part of the time in which it rests, so that a shop does not notice it: 0 while somebody waits for the report. */
  rest(): number;
  /** The node is to stop. */
  isOver(): boolean;
  /** Nobody drives anything, so that nothing can be late. */
  isStopped?: boolean;
}

/** Reads what the services have written down. A source that cannot be had is remembered, and asked for no more. */
export class Reader {
  readonly away = new Map<Source, string>();
  readonly #cluster: Cluster;
  readonly #world: World;
  readonly #manner: Manner;
  readonly #missed = new Set<string>();

  constructor(cluster: Cluster, world: World, manner: Manner) {
    this.#cluster = cluster;
    this.#world = world;
    this.#manner = manner;
  }

  /** The time by which something may be late. */
  now(): string {
    return this.#manner.isStopped ? new Date(0).toISOString() : timeAt(this.#world);
  }

  has(sources: readonly Source[]): boolean {
    return !sources.some((source) => this.away.has(source));
  }

  /** One page; an empty last one where the source is away. */
  async page<O extends Origin>(origin: O, asked: Audit): Promise<Page<Listed<O>>> {
    const { action, more } = origins[origin];
    const answer = await this.ask(sourceOf(origin), action, { ...more, limit: PAGE, ...asked } as never);
    return (answer ?? { data: [], nextCursor: null }) as Page<Listed<O>>;
  }

  /** One question, once. */
  askOnce<Name extends Parameters<Cluster["call"]>[0]>(action: Name, params: Params<Name>): Promise<Result<Name>> {
    return this.#cluster.call(action, params, { timeout: TIMEOUT_MS });
  }

  /** All that has one of these keys. */
  async of<O extends Origin>(origin: O, keys: readonly string[]): Promise<Listed<O>[]> {
    const all: Listed<O>[] = [];
    await this.each(origin, keys, (page) => all.push(...page));
    return all;
  }

  /** The same, a page at a time. */
  async each<O extends Origin>(origin: O, keys: readonly string[], hear: (page: Listed<O>[]) => void): Promise<void> {
    for (let from = 0; from < keys.length; from += MOST_KEYS) {
      const asked = { keys: keys.slice(from, from + MOST_KEYS) };
      for (let cursor: string | null | undefined; cursor !== null; ) {
        const page: Page<Listed<O>> = await this.page(origin, cursor ? { ...asked, cursor } : asked);
        hear(page.data);
        cursor = page.nextCursor;
      }
    }
  }

  /** Undefined where the source is away. A service that was waited for in vain is not waited for again. */
  async ask<Name extends Parameters<Cluster["call"]>[0]>(
    source: Source,
    action: Name,
    params: Params<Name>,
  ): Promise<Result<Name> | undefined> {
    if (this.away.has(source)) return undefined;
    const owner = action.split(".", 1)[0] ?? "";
    for (let tries = 0; ; tries++) {
      if (this.#manner.isOver()) throw new Refusal("unavailable", "The examination was called off.");
      const since = this.#world.now();
      try {
        const answer = await this.#cluster.call(action, params, { timeout: TIMEOUT_MS });
        const rest = this.#manner.rest();
        // A store in this process answers without a turn of the event loop, and a shop has to sell in between.
        await setImmediate();
        if (rest > 0) await sleep(this.#world, ((this.#world.now() - since) * rest) / (1 - rest));
        return answer;
      } catch (error) {
        const pauseMs = PAUSES_MS[tries];
        if (pauseMs === undefined || this.#missed.has(owner)) {
          this.#missed.add(owner);
          this.away.set(source, `${action} could not be asked: ${(error as Error).message}`);
          return undefined;
        }
        await sleep(this.#world, pauseMs);
      }
    }
  }
}

/** Records in the order of their key, of which the first is always at hand. */
export class Stream<T> {
  readonly #next: (cursor: string | undefined) => Promise<Page<T>>;
  readonly #keyOf: (record: T) => string;
  #page: T[] = [];
  #at = 0;
  #cursor: string | null | undefined;

  constructor(next: (cursor: string | undefined) => Promise<Page<T>>, keyOf: (record: T) => string) {
    this.#next = next;
    this.#keyOf = keyOf;
  }

  /** Call it before `key`, and again after all of a page is taken. */
  async fill(): Promise<void> {
    while (this.#at >= this.#page.length && this.#cursor !== null) {
      const { data, nextCursor } = await this.#next(this.#cursor);
      [this.#page, this.#at, this.#cursor] = [data, 0, nextCursor];
    }
  }

  /** The key of the first record that is not taken yet; undefined at the end. */
  get key(): string | undefined {
    const record = this.#page[this.#at];
    return record === undefined ? undefined : this.#keyOf(record);
  }

  /** All records of this key. */
  async take(key: string): Promise<T[]> {
    const all = await this.takeSome(key);
    for (let more = all; more.length > 0; all.push(...more)) more = await this.takeSome(key);
    return all;
  }

  /** Those of them that are at hand; none at the end. */
  async takeSome(key: string): Promise<T[]> {
    if (this.#at >= this.#page.length) await this.fill();
    const from = this.#at;
    while (this.key === key) this.#at++;
    return this.#page.slice(from, this.#at);
  }
}

/** The smallest key that any of them has. */
export async function firstKey(streams: readonly Stream<never>[]): Promise<string | undefined> {
  await Promise.all(streams.map((stream) => stream.fill()));
  let first: string | undefined;
  for (const { key } of streams) if (key !== undefined && (first === undefined || key < first)) first = key;
  return first;
}
