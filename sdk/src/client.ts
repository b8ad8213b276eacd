import { ConnectionError, isRefusal, LonjaError, Refusal } from "./errors.ts";
import { eventsOf } from "./events.ts";
import type { Problem } from "./generated.ts";
import { orAborted, type Patience, patienceOf, pause } from "./patience.ts";
import type { Fetch, Signal } from "./platform.ts";
import { happened, mayRepeat, pauseAfter, retryAfterOf } from "./retry.ts";
import { inMemory, Session, type SessionStore, type Visitor } from "./session.ts";

export interface Trying {
  /** How long a call goes on trying, in all. Half a minute where nothing is said. */
  budgetMs?: number | undefined;
  /** How long one try may take: 10 s. */
  tryMs?: number | undefined;
  /** How long the first pause between two tries is at most; each one may be twice as long as the one before: 250 ms. */
  pauseMs?: number | undefined;
  /** Go with every request. */
  headers?: Readonly<Record<string, string>> | undefined;
  /** Asks in place of the global `fetch`. */
  fetch?: Fetch | undefined;
}

export interface LonjaOptions extends Trying {
  /** Where the shop is, such as `https://shop.example`. */
  url: string;
  /** Where the tokens of whoever signs in are kept. In memory where nothing is said. */
  session?: SessionStore | undefined;
}

/** What can be said beside the params of a call. */
export interface Options extends Trying {
  /** Ends the call, also between two tries. What was asked for may happen all the same. */
  signal?: Signal | undefined;
  /** Shows a guest the order that was answered with it. */
  guestToken?: string | undefined;
  /** Names the wish, so that it is fulfilled once however often it is sent. Made up where nothing is said. */
  idempotencyKey?: string | undefined;
}

export interface StreamOptions extends Options {
  /** Goes on behind this event: `lastEventId` of a stream that was left. */
  lastEventId?: string | undefined;
  /** For how long nothing may come before the connection counts as lost: 45 s, as a shop says something every 15 s. */
  silenceMs?: number | undefined;
}

/** What happens, as it happens. It goes on through lost connections, without a gap or a repeat. */
export interface Stream<Item> extends AsyncIterable<Item> {
  /** Where it stands: of the last item that was given out. */
  readonly lastEventId: string | undefined;
}

export interface Request {
  method: string;
  /** Filled in, such as `/v1/orders/ord_…`. */
  path: string;
  /** Go with the query, or as the body. A text is sent as the CSV that it is. */
  params?: Readonly<Record<string, unknown>> | string | undefined;
  ifVersion?: unknown;
  /** Who is asking makes no difference. */
  isOpen?: true;
}

/** Sends what is asked for, in the name of whoever is signed in, until there is an answer. */
export class Client {
  readonly #url: string;
  readonly #trying: Trying;
  readonly session: Session;

  constructor({ url, session, ...trying }: LonjaOptions) {
    if (!/^(https?:\/\/|\/|$)/.test(url)) throw new TypeError(`${url} is no address of a shop.`);
    this.#url = url.replace(/\/+$/, "");
    this.#trying = trying;
    const refresh = { method: "POST", path: "/v1/auth/refresh", isOpen: true } as const;
    this.session = new Session(session ?? inMemory(), (refreshToken) =>
      this.ask({ ...refresh, params: { refreshToken } }, {}),
    );
  }

  /** @throws Refusal what the shop refuses on its merits; ConnectionError where it does not answer in time. */
  async ask<Result>(request: Request, options: Options): Promise<Result> {
    const { signal, budgetMs, tryMs, pauseMs } = this.#with(options);
    const endsAt = Date.now() + budgetMs;
    const idempotencyKey = request.method === "POST" ? (options.idempotencyKey ?? newKey()) : undefined;
    const visitor = await this.session.visitor();
    let wasUnsure = false;
    for (let tries = 1; ; tries++) {
      const patience = patienceOf(signal);
      try {
        patience.lasts(Math.min(tryMs, endsAt - Date.now()));
        const response = await this.#send(request, { ...options, idempotencyKey }, visitor, patience);
        return (await answerOf(response, patience)) as Result;
      } catch (error) {
        signal?.throwIfAborted();
        if (!(error instanceof LonjaError)) throw error;
        Object.assign(error, { tries, idempotencyKey });
        if (visitor.mayShowAnother(error)) continue;
        // It was there, and the answer that it is gone was lost.
        if (wasUnsure && request.method === "DELETE" && isRefusal(error, "not_found")) return undefined as Result;
        wasUnsure ||= happened(error) === "unknown";
        const waitMs = pauseAfter(tries, pauseMs, error.retryAfterMs, Math.random());
        if (!mayRepeat(request, error) || Date.now() + waitMs >= endsAt) throw error;
        await pause(waitMs, signal);
      } finally {
        patience.ends();
      }
    }
  }

  /** Goes on where it was left when it is read a second time. */
  stream<Item>(request: Request, options: StreamOptions): Stream<Item> {
    const stream = {
      lastEventId: options.lastEventId,
      [Symbol.asyncIterator]: () => this.#follow<Item>(request, options, stream),
    };
    return stream;
  }

  /** Until it is left, or the shop refuses on its merits: a shop that is away comes back. */
  async *#follow<Item>(request: Request, options: StreamOptions, place: { lastEventId: string | undefined }) {
    const { silenceMs = 45_000 } = options;
    const { signal, tryMs, ...first } = this.#with(options);
    const visitor = await this.session.visitor();
    let { pauseMs } = first;
    for (let failures = 1; ; failures++) {
      const patience = patienceOf(signal);
      let retryAfterMs: number | undefined;
      try {
        patience.lasts(tryMs);
        const { lastEventId } = place;
        const response = await this.#send(request, { ...options, lastEventId }, visitor, patience);
        visitor.isWelcome();
        for await (const { id, data, retryMs } of eventsOf(piecesOf(response, patience, silenceMs))) {
          failures = 0;
          pauseMs = retryMs ?? pauseMs;
          const item = data === undefined ? undefined : (parsed(data) as Item);
          place.lastEventId = id ?? place.lastEventId;
          if (item !== undefined) yield item;
        }
      } catch (error) {
        signal?.throwIfAborted();
        if (!(error instanceof LonjaError)) throw error;
        if (visitor.mayShowAnother(error)) continue;
        if (happened(error) === undefined) throw error;
        retryAfterMs = error.retryAfterMs;
      } finally {
        patience.ends();
      }
      await pause(pauseAfter(Math.max(1, failures), pauseMs, retryAfterMs, Math.random()), signal);
    }
  }

  #with(options: Options) {
    const { budgetMs, tryMs, pauseMs } = this.#trying;
    return {
      signal: options.signal,
      budgetMs: options.budgetMs ?? budgetMs ?? 30_000,
      tryMs: options.tryMs ?? tryMs ?? 10_000,
      pauseMs: options.pauseMs ?? pauseMs ?? 250,
    };
  }

  /** One try. What is no success is thrown. */
  async #send(request: Request, options: StreamOptions, visitor: Visitor, patience: Patience): Promise<Response> {
    const { method, path, params, ifVersion, isOpen } = request;
    const token = isOpen ? undefined : await orAborted(visitor.token(), patience.signal);
    const hasBody = method === "POST" || method === "PATCH";
    const headers = headersOf({
      authorization: token && `Bearer ${token}`,
      "content-type": hasBody ? (typeof params === "string" ? "text/csv" : "application/json") : undefined,
      "idempotency-key": options.idempotencyKey,
      "if-match": ifVersion === undefined ? undefined : `"${ifVersion}"`,
      "last-event-id": options.lastEventId,
      "x-guest-token": options.guestToken,
      ...this.#trying.headers,
      ...options.headers,
    });
    // Called without `this`, as browsers insist.
    const fetch = options.fetch ?? this.#trying.fetch ?? globalThis.fetch;
    const response = await fetch(`${this.#url}${path}${hasBody ? "" : queryOf(params)}`, {
      method,
      headers,
      signal: patience.signal,
      ...(hasBody ? { body: typeof params === "string" ? params : JSON.stringify(params ?? {}) } : {}),
    }).catch(fails(patience));
    if (!response.ok) throw await failureOf(response, patience);
    return response;
  }
}

/** Sixteen bytes of chance, as whoever makes up another's key would share an answer with them. */
const newKey = (): string =>
  Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");

/** Later ones count more, however their names are written. */
function headersOf(all: Readonly<Record<string, string | undefined>>): Headers {
  const headers = new Headers();
  for (const [name, value] of Object.entries(all)) if (value) headers.set(name, value);
  return headers;
}

function queryOf(params: Request["params"]): string {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(params ?? {})) if (value !== undefined) query.set(name, String(value));
  return String(query) && `?${query}`;
}

/** Whatever `fetch` fails with, in words of ours. */
const fails = (patience: Patience) => (error: unknown) => {
  const { reason } = patience.signal;
  if (reason instanceof LonjaError) throw reason;
  const cause = (error as { cause?: unknown }).cause ?? error;
  const { code, message } = cause as { code?: string; message?: string };
  throw new ConnectionError(`The shop was not reached: ${code ?? message}.`, { cause });
};

async function answerOf(response: Response, patience: Patience): Promise<unknown> {
  return response.status === 204 ? undefined : parsed(await response.text().catch(fails(patience)));
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new ConnectionError("The answer cannot be read.", { cause });
  }
}

/** A problem document is the shop's word; anything else was said by somebody in between. */
async function failureOf(response: Response, patience: Patience): Promise<LonjaError> {
  const { status, headers } = response;
  const retryAfterMs = retryAfterOf(headers.get("retry-after"), Date.now());
  const text = await response.text().catch(fails(patience));
  if (headers.get("content-type")?.includes("problem+json")) return new Refusal(parsed(text) as Problem, retryAfterMs);
  return new ConnectionError(`Not the shop has answered, but something in between: ${status}.`, {
    status,
    retryAfterMs,
  });
}

async function* piecesOf(
  { body, headers }: Response,
  patience: Patience,
  silenceMs: number,
): AsyncGenerator<Uint8Array> {
  if (!body || !headers.get("content-type")?.includes("event-stream")) throw new ConnectionError("This is no stream.");
  const reader = body.getReader();
  for (;;) {
    patience.lasts(silenceMs);
    const { done, value } = await reader.read().catch(fails(patience));
    patience.rests();
    if (done) return;
    yield value;
  }
}
