import { type CryptoKey, decodeProtectedHeader, importJWK, type JWK, jwtVerify } from "jose";
import type { Caller, Role } from "../shared/identity.ts";
import { Refusal } from "../shared/refusal.ts";
import type { World } from "../shared/world.ts";

const LONGEST_TOKEN = 4096;
const MOST_REMEMBERED = 10_000;
/** Keys are asked for again after this long, and at most this often when a token names an unknown one. */
const KEYS_FRESH_MS = 300_000;
const KEYS_PAUSE_MS = 3_000;
/** How far the clocks of two nodes may be apart, in seconds. */
const CLOCKS_APART_S = 5;

const roles: readonly string[] = ["customer", "staff", "admin"] satisfies Role[];

interface Options {
  world: World;
  issuer: string;
  /** The public keys of whoever signs the tokens. */
  fetchKeys(): Promise<{ keys: JWK[] }>;
}

interface Verified {
  caller: Caller;
  expiresAt: number;
}

/** Knows whose an access token is. What a token says of its own algorithm or keys is never believed. */
export class Tokens {
  readonly #options: Options;
  readonly #verified = new Map<string, Verified>();
  #keys = new Map<string, CryptoKey | Uint8Array>();
  #askedAt = Number.NEGATIVE_INFINITY;
  #asking: Promise<void> | undefined;

  constructor(options: Options) {
    this.#options = options;
  }

  /** Who sent this token, if it was verified before and still holds. */
  known(token: string): Caller | undefined {
    const verified = this.#verified.get(token);
    if (!verified) return undefined;
    if (verified.expiresAt > this.#options.world.now()) return verified.caller;
    this.#verified.delete(token);
    return undefined;
  }

  /** When it ends, in milliseconds since 1970, of a token that was verified before. */
  endOf(token: string): number | undefined {
    return this.#verified.get(token)?.expiresAt;
  }

  /** @throws Refusal `invalid_token`, or `unavailable` while there are no keys to check it with. */
  async verify(token: string): Promise<Caller> {
    const key = await this.#keyOf(kidOf(token));
    const { issuer, world } = this.#options;
    const { payload } = await jwtVerify(token, key, {
      algorithms: ["EdDSA"],
      typ: "at+jwt",
      issuer,
      audience: "lonja",
      requiredClaims: ["exp", "sub"],
      currentDate: new Date(world.now()),
      clockTolerance: CLOCKS_APART_S,
    }).catch(() => {
      throw new Refusal("invalid_token");
    });
    const { sub = "", role, exp = 0 } = payload;
    const isNamed = typeof sub === "string" && sub !== "";
    if (!isNamed || typeof role !== "string" || !roles.includes(role)) throw new Refusal("invalid_token");
    const caller = { userId: sub, role: role as Role };
    this.#remember(token, { caller, expiresAt: exp * 1000 });
    return caller;
  }

  #remember(token: string, verified: Verified): void {
    if (this.#verified.size >= MOST_REMEMBERED) {
      const [oldest] = this.#verified.keys();
      if (oldest !== undefined) this.#verified.delete(oldest);
    }
    this.#verified.set(token, verified);
  }

  async #keyOf(kid: string): Promise<CryptoKey | Uint8Array> {
    const age = this.#options.world.now() - this.#askedAt;
    const known = this.#keys.get(kid);
    if (known) {
      if (age > KEYS_FRESH_MS) void this.#ask();
      return known;
    }
    if (age > KEYS_PAUSE_MS || this.#keys.size === 0 || this.#asking) await this.#ask();
    const key = this.#keys.get(kid);
    if (key) return key;
    throw new Refusal(this.#keys.size ? "invalid_token" : "unavailable");
  }

  /** Many who wait for keys ask once. While nobody answers, the keys that there are go on. */
  #ask(): Promise<void> {
    this.#asking ??= this.#fetch()
      .catch(() => {})
      .finally(() => {
        this.#asking = undefined;
      });
    return this.#asking;
  }

  async #fetch(): Promise<void> {
    this.#askedAt = this.#options.world.now();
    const { keys } = await this.#options.fetchKeys();
    const imported = keys.map(async (jwk) => [jwk.kid ?? "", await importJWK(jwk, "EdDSA")] as const);
    this.#keys = new Map(await Promise.all(imported));
  }
}

/** The token of an Authorization header; another scheme than Bearer is no token of ours. */
export function bearerToken(authorization: string): string {
  const token = /^Bearer +([\w.~+/=-]+)$/i.exec(authorization)?.[1];
  if (!token || token.length > LONGEST_TOKEN) throw new Refusal("invalid_token");
  return token;
}

function kidOf(token: string): string {
  try {
    return decodeProtectedHeader(token).kid ?? "";
  } catch {
    throw new Refusal("invalid_token");
  }
}
