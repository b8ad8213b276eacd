import { type Collection, type Doc, isDuplicate } from "../../mixins/store.mixin.ts";
import { Refusal } from "../shared/refusal.ts";
import { timeAt, type World } from "../shared/world.ts";
import { digest } from "./digest.edge.ts";
import { type Draft, issued, type KeptInvoice } from "./invoice.ts";

/**
 * Numbers that are not given out here, because a shop that was lost has, or may have, given them out already: written when
 * an earlier state of it is restored, before it opens.
 */
export interface Gap extends Doc {
  from: number;
  to: number;
}
/** One for each time that a shop is restored. */
const MOST_GAPS = 1_000;
export const allGaps = async (gaps: Collection<Gap>): Promise<Gap[]> => (await gaps.find({ limit: MOST_GAPS })).data;

interface Request {
  draft: Draft;
  resolve(invoice: KeptInvoice): void;
  reject(error: unknown): void;
  tries: number;
}

const MOST_TOGETHER = 100;
const MOST_WAITING = 20_000;
const MOST_TRIES = 50;

/** The condition says nothing but lets the stores use the index of the numbers, which is sparse. */
export const newestFirst = { where: { sequence: { $gte: 1 } }, sort: "-sequence" };

/**
 * Numbers invoices without a gap. Whoever waits on this node is numbered together, after the highest number
 * there is, and stored in that order: of several nodes that take the same number the store lets one have it,
 * and the others begin again. A node that dies half-way leaves a shorter row, never a hole.
 */
export class Invoicing {
  readonly #invoices: Collection<KeptInvoice>;
  readonly #world: World;
  readonly #gaps: Collection<Gap>;
  #waiting: Request[] = [];
  #running = false;
  #lastGap: Promise<number> | undefined;

  constructor(invoices: Collection<KeptInvoice>, gaps: Collection<Gap>, world: World) {
    this.#invoices = invoices;
    this.#world = world;
    this.#gaps = gaps;
  }

  /** The invoice of the draft's order, issued now unless there is one. */
  issue(draft: Draft): Promise<KeptInvoice> {
    if (this.#waiting.length >= MOST_WAITING)
      return Promise.reject(new Refusal("unavailable", "Too many invoices at once.", { retryAfterSeconds: 1 }));
    return new Promise((resolve, reject) => {
      this.#waiting.push({ draft, resolve, reject, tries: 0 });
      if (!this.#running) this.#run();
    });
  }

  async #run(): Promise<void> {
    this.#running = true;
    while (this.#waiting.length > 0) {
      const requests = this.#waiting.splice(0, MOST_TOGETHER);
      await this.#round(requests).catch((error) => {
        for (const { reject } of requests) reject(error);
      });
    }
    this.#running = false;
  }

  async #round(requests: readonly Request[]): Promise<void> {
    const drafts = new Map(requests.map(({ draft }) => [draft.orderId, draft]));
    const invoices = (await this.#number([...drafts.values()])) ?? (await this.#known([...drafts.keys()]));
    const byOrder = new Map(invoices.map((invoice) => [invoice.orderId, invoice]));
    for (const request of requests) this.#settle(request, byOrder.get(request.draft.orderId));
  }

  /** Asked once: while it is written, no node of the shop is open. */
  #last(): Promise<number> {
    this.#lastGap ??= allGaps(this.#gaps).then((all) => Math.max(0, ...all.map(({ to }) => to)));
    this.#lastGap.catch(() => {
      this.#lastGap = undefined;
    });
    return this.#lastGap;
  }

  async #known(orderIds: string[]): Promise<KeptInvoice[]> {
    const where = { orderId: { $in: orderIds } };
    return (await this.#invoices.find({ where, sort: "orderId", limit: MOST_TOGETHER })).data;
  }

  /** Undefined if an order has its invoice already, or somebody else was faster with a number: some may be stored. */
  async #number(drafts: readonly Draft[]): Promise<KeptInvoice[] | undefined> {
    const { data: last } = await this.#invoices.find({ ...newestFirst, limit: 1 });
    const first = Math.max(last[0]?.sequence ?? 0, await this.#last()) + 1;
    const now = timeAt(this.#world);
    const invoices = drafts.map((draft, index) =>
      issued(draft, first + index, { id: this.#world.id("inv"), now, digest }),
    );
    try {
      return await this.#invoices.insertMany(invoices);
    } catch (error) {
      if (isDuplicate(error)) return undefined;
      throw error;
    }
  }

  #settle(request: Request, invoice: KeptInvoice | undefined): void {
    if (invoice) request.resolve(invoice);
    else if (++request.tries < MOST_TRIES) this.#waiting.push(request);
    else request.reject(new Refusal("unavailable", "Too many nodes are numbering at once.", { retryAfterSeconds: 1 }));
  }
}
