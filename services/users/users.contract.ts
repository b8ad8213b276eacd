import { contract } from "../shared/contract.ts";
import {
  Email,
  Id,
  Maybe,
  Nothing,
  OneOf,
  PageOf,
  paging,
  Shape,
  type Static,
  Text,
  Time,
  Type,
  Version,
} from "../shared/schema.ts";

export const Role = OneOf(["customer", "staff", "admin"], "What an account may do.");

export const User = Shape("An account.", {
  id: Id("usr"),
  email: Email,
  name: Text(0, 200),
  role: Role,
  disabled: Type.Boolean(),
  createdAt: Time,
  updatedAt: Time,
  version: Version,
});
export type User = Static<typeof User>;

/** No rule of composition: length is what counts, and that it is none of the most common ones. */
const Password = Type.String({ minLength: 8, maxLength: 128, format: "text" });
/** Whatever is no token of ours is answered as a token that has ended, so its form says nothing. */
const RefreshToken = Type.String({ minLength: 1, maxLength: 512 });

export const Session = Shape("Somebody is signed in.", {
  user: User,
  accessToken: Type.String({ description: "A JWT, signed with EdDSA. Send it as `Authorization: Bearer`." }),
  refreshToken: Type.String({ description: "Opaque, good for one use." }),
  expiresIn: Type.Integer({ description: "Seconds until the access token ends." }),
});
export type Session = Static<typeof Session>;

export const Jwks = Shape("Public keys, as RFC 7517 has them.", {
  keys: Type.Array(
    Shape({
      kty: OneOf(["OKP"]),
      crv: OneOf(["Ed25519"]),
      x: Type.String(),
      kid: Type.String(),
      use: OneOf(["sig"]),
      alg: OneOf(["EdDSA"]),
    }),
  ),
});

export const users = contract({
  name: "users",
  about: "Accounts, credentials, sessions and roles.",
  actions: {
    "users.register": {
      summary: "Open an account",
      description:
        "Signs in at once. The most common passwords are refused. How often an address may meet an account that exists is limited.",
      rest: { route: "POST /v1/auth/register", access: "open", status: 201 },
      graph: "mutation register",
      params: Shape({ email: Email, password: Password, name: Maybe(Text(0, 200)) }),
      example: { email: "eva@example.com", password: "seven salty sardines", name: "Eva" },
      result: Session,
      refuses: ["already_exists", "too_many_requests"],
    },
    "users.login": {
      summary: "Sign in",
      description:
        "A wrong password, an unknown address and a disabled account are answered alike, and take as long. Failures make the next try wait, per account and per client address; nothing is ever locked for good.",
      rest: { route: "POST /v1/auth/login", access: "open" },
      graph: "mutation login",
      params: Shape({ email: Email, password: Type.String({ minLength: 1, maxLength: 128 }) }),
      example: { email: "eva@example.com", password: "seven salty sardines" },
      result: Session,
      refuses: ["invalid_credentials", "too_many_requests"],
    },
    "users.refresh": {
      summary: "Get a new access token",
      description:
        "The refresh token is good for one use and the answer brings its successor. One that is used again ends the whole family of sessions, but for a repeat within 10 s, which gets the same successor: the answer may have been lost.",
      rest: { route: "POST /v1/auth/refresh", access: "open" },
      graph: "mutation refreshSession",
      params: Shape({ refreshToken: RefreshToken }),
      result: Session,
      refuses: ["invalid_token", "too_many_requests"],
    },
    "users.logout": {
      summary: "End a session",
      description: "A token that has ended already, or is none, is answered alike.",
      rest: { route: "POST /v1/auth/logout", access: "open", status: 204 },
      graph: "mutation logout",
      params: Shape({ refreshToken: RefreshToken }),
      result: Nothing,
    },
    "users.me": {
      summary: "Your account",
      rest: { route: "GET /v1/me", access: "user" },
      graph: "query me",
      params: Shape({}),
      result: User,
    },
    "users.changeMe": {
      summary: "Change your account",
      rest: { route: "PATCH /v1/me", access: "user" },
      graph: "mutation updateMe",
      params: Shape({ ifVersion: Maybe(Version), name: Maybe(Text(0, 200)) }),
      result: User,
      refuses: ["version_conflict"],
    },
    "users.list": {
      summary: "List accounts, newest first",
      rest: { route: "GET /v1/admin/users", access: "staff" },
      graph: "query users",
      params: Shape({ email: Maybe(Email), role: Maybe(Role), ...paging }),
      result: PageOf(User),
    },
    "users.change": {
      summary: "Change an account's role, or disable it",
      description:
        "A disabled account's sessions end, and nobody is staff any more at once; a new role shows with the next access token, and an access token of a customer goes on until it ends. The last admin can neither be removed nor disabled.",
      rest: { route: "PATCH /v1/admin/users/:id", access: "admin" },
      graph: "mutation updateUser",
      params: Shape({ id: Id("usr"), ifVersion: Maybe(Version), role: Maybe(Role), disabled: Maybe(Type.Boolean()) }),
      result: User,
      refuses: ["not_found", "version_conflict", "invalid_state"],
    },
    "users.standing": {
      summary: "What role an account has by now; none where it is disabled, or gone",
      inside: "The gateway asks it of staff, with every request.",
      params: Shape({ id: Id("usr") }),
      result: Shape({ role: Maybe(Role) }),
    },
    "users.keys": {
      summary: "The keys with which access tokens are signed",
      rest: { route: "GET /.well-known/jwks.json", access: "open", cacheSeconds: 300 },
      graph: { not: "Whoever verifies tokens fetches them from their well-known address." },
      params: Shape({}),
      result: Jwks,
    },
  },
});
