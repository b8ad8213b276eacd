import { ConnectionError, isRefusal, SignedOutError } from "./errors.ts";
import type { Session as Answered } from "./generated.ts";

/** What keeps somebody signed in. */
export interface Tokens {
  userId: string;
  accessToken: string;
  /** Good for one use: whoever has used it has to keep its successor. */
  refreshToken: string;
  /** When the access token ends, in milliseconds since 1970 by this machine's clock. */
  expiresAt: number;
}

type Soon<T> = T | Promise<T>;

/**
 * Where the tokens are kept. It is asked before every request, so that windows which share a store share what they have
 * refreshed; it is told of every change, and `undefined` when the session is over.
 */
export interface SessionStore {
  get(): Soon<Tokens | undefined>;
  set(tokens: Tokens | undefined): Soon<unknown>;
}

/** Keeps them as long as the page, or the process, lives. */
export function inMemory(): SessionStore {
  let kept: Tokens | undefined;
  return { get: () => kept, set: (tokens) => (kept = tokens) };
}

/** So long before its end an access token is not sent any more: it has to arrive before it ends. */
const MARGIN_MS = 30_000;

export class Session {
  readonly #store: SessionStore;
  readonly #refresh: (refreshToken: string) => Promise<Answered>;
  #renewing: { refreshToken: string; renewed: Promise<Tokens> } | undefined;

  constructor(store: SessionStore, refresh: (refreshToken: string) => Promise<Answered>) {
    this.#store = store;
    this.#refresh = refresh;
  }

  async begin(answered: Answered): Promise<void> {
    await this.#store.set(tokensOf(answered));
  }

  /** Whose refresh token it was, if anybody was signed in. */
  async end(): Promise<string | undefined> {
    const tokens = await this.#store.get();
    if (tokens) await this.#store.set(undefined);
    return tokens?.refreshToken;
  }

  /** Who is asking now, for as long as they have something to ask. */
  async visitor(): Promise<Visitor> {
    return new Visitor(this, (await this.#store.get())?.userId);
  }

  /**
   * An access token of this user, and of nobody else. `refused` is one that the shop does not take any more.
   * @throws SignedOutError where the session is over, or another one has begun.
   */
  async token(userId: string, refused: string | undefined): Promise<string> {
    const tokens = await this.#store.get();
    if (tokens?.userId !== userId) throw new SignedOutError("Signed out while this was under way.");
    const { accessToken, expiresAt } = tokens;
    const isRefused = accessToken === refused;
    if (!isRefused && Date.now() < expiresAt - MARGIN_MS) return accessToken;
    try {
      return (await this.#renewed(tokens)).accessToken;
    } catch (cause) {
      // Each who waits has an error of their own, as it says what they have asked for.
      if (isRefusal(cause, "invalid_token")) throw new SignedOutError("The session has ended.", { cause });
      if (isRefused || Date.now() >= expiresAt) throw new ConnectionError("The session was not renewed.", { cause });
      return accessToken;
    }
  }

  /** All who wait for the successor of a token wait for the same answer. */
  #renewed(tokens: Tokens): Promise<Tokens> {
    const { refreshToken } = tokens;
    if (this.#renewing?.refreshToken === refreshToken) return this.#renewing.renewed;
    const renewed = this.#renew(tokens).finally(() => {
      if (this.#renewing?.renewed === renewed) this.#renewing = undefined;
    });
    this.#renewing = { refreshToken, renewed };
    return renewed;
  }

  /** Only a refusal ends the session: a shop that is away says nothing about it. Whoever has signed in since stays. */
  async #renew({ refreshToken }: Tokens): Promise<Tokens> {
    const isStill = async () => (await this.#store.get())?.refreshToken === refreshToken;
    try {
      const tokens = tokensOf(await this.#refresh(refreshToken));
      if (await isStill()) await this.#store.set(tokens);
      return tokens;
    } catch (error) {
      if (isRefusal(error, "invalid_token") && (await isStill())) await this.#store.set(undefined);
      throw error;
    }
  }
}

/**
 * Who asks, for all tries of a call. What was begun as a guest goes on as a guest, and never in the name of somebody else:
 * under another name the same key would be another wish.
 */
export class Visitor {
  readonly #session: Session;
  readonly #userId: string | undefined;
  #sent: string | undefined;
  #refused: string | undefined;

  constructor(session: Session, userId: string | undefined) {
    this.#session = session;
    this.#userId = userId;
  }

  async token(): Promise<string | undefined> {
    if (this.#userId === undefined) return undefined;
    this.#sent = await this.#session.token(this.#userId, this.#refused);
    return this.#sent;
  }

  /** The token was taken. */
  isWelcome(): void {
    this.#refused = undefined;
  }

  /** Whether another token may help: once, as the one that comes next is new. */
  mayShowAnother(error: unknown): boolean {
    if (!this.#sent || this.#refused || !isRefusal(error, "invalid_token")) return false;
    this.#refused = this.#sent;
    return true;
  }
}

const tokensOf = ({ user, accessToken, refreshToken, expiresIn }: Answered): Tokens => ({
  userId: user.id,
  accessToken,
  refreshToken,
  expiresAt: Date.now() + expiresIn * 1_000,
});
