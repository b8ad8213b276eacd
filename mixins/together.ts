import { Refusal } from "../services/shared/refusal.ts";
import type { Collection, Doc } from "./collection.ts";

/** Documents by their id. One that does not exist is missing. */
export type Docs<D> = ReadonlyMap<string, D>;

interface Request<D extends Doc, K> {
  ids: readonly string[];
  decide: (docs: Docs<D>, known: K) => readonly D[];
  about: string | undefined;
  resolve(docs: Docs<D>): void;
  reject(error: unknown): void;
  tries: number;
}

const MOST_TOGETHER = 500;
const MOST_WAITING = 20_000;
const MOST_TRIES = 20;

/**
 * Decides many changes of the same few documents together and saves each document once, so that a
 * thousand buyers of one product cost a handful of writes. Each request sees what those before it
 * have decided, and refuses for itself alone. When somebody else (another node) was faster with a
 * document, the requests that touch it are decided again: a decision must change nothing when it has
 * taken effect already.
 */
export class Together<D extends Doc, K = undefined> {
  readonly #collection: () => Collection<D>;
  readonly #learn: ((about: readonly string[], docs: readonly D[]) => Promise<K>) | undefined;
  readonly #fresh: (doc: D, known: K) => D;
  #waiting: Request<D, K>[] = [];
  #running = false;

  /**
   * `learn` finds out, once for a round, what the decisions have to know besides the documents, of all that the requests
   * are about; it comes after the documents are read, so that what another node has put on record and forgotten is known.
   * `fresh` is applied to each document before the first decision: what it takes out, because it is known
   * elsewhere, the decisions know as well.
   */
  constructor(
    collection: () => Collection<D>,
    learn?: (about: readonly string[], docs: readonly D[]) => Promise<K>,
    fresh: (doc: D, known: K) => D = (doc) => doc,
  ) {
    this.#collection = collection;
    this.#learn = learn;
    this.#fresh = fresh;
  }

  /** `decide` gives back the documents that are to change, new ones with version 0. */
  change(ids: readonly string[], decide: (docs: Docs<D>, known: K) => readonly D[], about?: string): Promise<Docs<D>> {
    if (this.#waiting.length >= MOST_WAITING)
      return Promise.reject(new Refusal("unavailable", "Too many are asking at once.", { retryAfterSeconds: 1 }));
    return new Promise((resolve, reject) => {
      this.#waiting.push({ ids, decide, about, resolve, reject, tries: 0 });
      this.#start();
    });
  }

  #start(): void {
    if (this.#running) return;
    this.#running = true;
    this.#collection().soon(() =>
      this.#rounds().finally(() => {
        this.#running = false;
        if (this.#waiting.length) this.#start();
      }),
    );
  }

  async #rounds(): Promise<void> {
    while (this.#waiting.length > 0) {
      const requests = this.#waiting.splice(0, MOST_TOGETHER);
      await this.#round(requests).catch((error) => {
        for (const { reject } of requests) reject(error);
      });
    }
  }

  async #round(requests: readonly Request<D, K>[]): Promise<void> {
    const collection = this.#collection();
    const ids = new Set(requests.flatMap((request) => request.ids));
    const before = new Map((await collection.getMany([...ids])).map((doc) => [doc.id, doc]));
    const about = new Set(requests.flatMap((request) => request.about ?? []));
    const known = (await this.#learn?.([...about], [...before.values()])) as K;
    const docs = new Map([...before.values()].map((doc) => [doc.id, this.#fresh(doc, known)]));
    const untouched = new Map(docs);
    const decided = requests.filter((request) => decideAlone(request, docs, known));

    const changed = [...docs.values()].filter((doc) => doc !== untouched.get(doc.id));
    const lost = new Set<string>();
    const failed = new Map<string, unknown>();
    await Promise.all(
      changed.map(async (doc) => {
        const old = before.get(doc.id);
        try {
          const { version: _version, ...fields } = doc;
          const saved = await (old
            ? collection.replace(old, doc)
            : collection.insertOnce(fields as Omit<D, "version">));
          if (saved) docs.set(doc.id, saved);
          else lost.add(doc.id);
        } catch (error) {
          failed.set(doc.id, error);
        }
      }),
    );
    for (const request of decided) {
      const failure = request.ids.find((id) => failed.has(id));
      if (failure !== undefined) request.reject(failed.get(failure));
      else if (!request.ids.some((id) => lost.has(id))) request.resolve(docs);
      else if (++request.tries < MOST_TRIES) this.#waiting.push(request);
      else
        request.reject(new Refusal("unavailable", "Too many are changing the same at once.", { retryAfterSeconds: 1 }));
    }
  }
}

function decideAlone<D extends Doc, K>({ decide, reject }: Request<D, K>, docs: Map<string, D>, known: K): boolean {
  try {
    for (const doc of decide(docs, known)) docs.set(doc.id, doc);
    return true;
  } catch (error) {
    reject(error);
    return false;
  }
}
