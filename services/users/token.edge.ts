import { createHash, createHmac, createPrivateKey } from "node:crypto";
import { calculateJwkThumbprint, importJWK, type JWK_OKP_Private, SignJWT } from "jose";
import type { Caller } from "../shared/identity.ts";
import type { Static } from "../shared/schema.ts";
import type { World } from "../shared/world.ts";
import type { Jwks } from "./users.contract.ts";

/** Seconds that an access token lives: as long may a change of role take to be seen everywhere. */
export const ACCESS_SECONDS = 600;
const AUDIENCE = "lonja";

/** The shop's own secrets, made at the first start and never given out. */
export interface Secrets {
  readonly id: typeof SECRETS;
  readonly version: number;
  readonly kid: string;
  /** Signs access tokens: an Ed25519 key. */
  readonly privateKey: { readonly kty: "OKP"; readonly crv: "Ed25519"; readonly x: string; readonly d: string };
  /** From it and a used refresh token comes the token's successor. */
  readonly succession: string;
}
export const SECRETS = "current";

/** PKCS #8's frame around the 32 bytes of an Ed25519 key (RFC 8410). */
const frame = Buffer.from("302e020100300506032b657004220420", "hex");

export async function makeSecrets(world: World): Promise<Omit<Secrets, "version">> {
  const key = createPrivateKey({ key: Buffer.concat([frame, world.bytes(32)]), format: "der", type: "pkcs8" });
  const { x = "", d = "" } = key.export({ format: "jwk" });
  const privateKey = { kty: "OKP", crv: "Ed25519", x, d } as const;
  const kid = await calculateJwkThumbprint(privateKey);
  return { id: SECRETS, kid, privateKey, succession: world.bytes(32).toString("base64url") };
}

/** What is kept of a refresh token, which is long enough to need no salt. */
export const digestOf = (token: string): string => createHash("sha256").update(token).digest("base64url");

/** The session that a refresh token says it belongs to; undefined for what is no token of ours. */
export const sessionOf = (token: string): string | undefined => /^(ses_[0-9a-f]{32})\.[\w-]{43}$/.exec(token)?.[1];

export const newSessionId = (world: World): string => `ses_${world.bytes(16).toString("hex")}`;

/** Makes the tokens of one shop. */
export class Tokens {
  readonly jwks: Static<typeof Jwks>;
  readonly #world: World;
  readonly #issuer: string;
  readonly #secrets: Secrets;
  readonly #key: Awaited<ReturnType<typeof importJWK>>;

  private constructor(world: World, issuer: string, secrets: Secrets, key: Awaited<ReturnType<typeof importJWK>>) {
    const { kid, privateKey } = secrets;
    this.#world = world;
    this.#issuer = issuer;
    this.#secrets = secrets;
    this.#key = key;
    this.jwks = { keys: [{ kty: "OKP", crv: "Ed25519", x: privateKey.x, kid, use: "sig", alg: "EdDSA" }] };
  }

  static async of(world: World, issuer: string, secrets: Secrets): Promise<Tokens> {
    return new Tokens(world, issuer, secrets, await importJWK(secrets.privateKey satisfies JWK_OKP_Private, "EdDSA"));
  }

  /** Says who it is and what the role is, and nothing else about the person. */
  access({ userId, role }: Caller): Promise<string> {
    const now = Math.floor(this.#world.now() / 1000);
    return new SignJWT({ role })
      .setProtectedHeader({ alg: "EdDSA", typ: "at+jwt", kid: this.#secrets.kid })
      .setIssuer(this.#issuer)
      .setAudience(AUDIENCE)
      .setSubject(userId)
      .setIssuedAt(now)
      .setNotBefore(now)
      .setExpirationTime(now + ACCESS_SECONDS)
      .setJti(this.#world.bytes(16).toString("base64url"))
      .sign(this.#key);
  }

  /** The first refresh token of a session. */
  refresh(sessionId: string): string {
    return `${sessionId}.${this.#world.bytes(32).toString("base64url")}`;
  }

  /**
   * The token that follows on a used one. The same every time, so that a lost answer can be given again
   * though no token is kept; and not to be found out from what is kept, without the used token itself.
   */
  successor(sessionId: string, token: string): string {
    return `${sessionId}.${createHmac("sha256", this.#secrets.succession).update(token).digest("base64url")}`;
  }
}
