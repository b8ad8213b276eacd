import { due } from "../../mixins/due.mixin.ts";
import { type Collection, collectionOptions, isDuplicate, store } from "../../mixins/store.mixin.ts";
import { signedIn } from "../shared/identity.ts";
import { found, isRefusal, Refusal } from "../shared/refusal.ts";
import type { ServiceOf } from "../shared/typed.ts";
import { timeAt } from "../shared/world.ts";
import { type Account, changeStanding, openAccount, rename, sameAddress, standing, userOf } from "./account.ts";
import { ADMINS, type Admins, enlist } from "./admins.ts";
import { AttemptLimits } from "./attempts.edge.ts";
import type { Attempts } from "./attempts.ts";
import { commonPasswords } from "./common.edge.ts";
import { Passwords } from "./password.edge.ts";
import { readablePassword, refuseWeak } from "./password.ts";
import { beginSession, expects, type KeptSession, rotate } from "./session.ts";
import {
  ACCESS_SECONDS,
  digestOf,
  makeSecrets,
  newSessionId,
  SECRETS,
  type Secrets,
  sessionOf,
  Tokens,
} from "./token.edge.ts";
import type { Session } from "./users.contract.ts";

const accounts = collectionOptions<Account>({
  fields: ["email", "role"],
  unique: [["email"]],
  indexes: [["role", "_id"]],
});
const sessions = collectionOptions<KeptSession>({ fields: ["dueAt"], indexes: [["dueAt"]] });
const attempts = collectionOptions<Attempts>({ fields: ["dueAt"], indexes: [["dueAt"]] });

interface Users {
  accounts: Collection<Account>;
  sessions: Collection<KeptSession>;
  attempts: Collection<Attempts>;
  admins: Collection<Admins>;
  secrets: Collection<Secrets>;
  passwords: Passwords;
  tokens: Tokens;
  limits: AttemptLimits;
  listOfAdmins(): Promise<Admins>;
  /**
   * Brings the list of admins in line with an account, and again if the account was changed meanwhile: so
   * the last change has the last word. Whoever cannot be taken off the list is an admin as before.
   */
  enlisted(account: Account): Promise<{ account: Account; admins: Admins }>;
  /** The account that this is the password of. */
  recognised(email: string, password: string): Promise<Account>;
  /** Keeps the password in the way of today. The epoch stays that of the account as it was recognised. */
  keptAnew(account: Account, password: string): Promise<Account>;
  /** The session that a refresh token belongs to, moved on to the token's successor. */
  rotated(token: string): Promise<{ session: KeptSession; successor: string }>;
  begun(account: Account): Promise<Session>;
  answer(account: Account, refreshToken: string): Promise<Session>;
  /** Opens the first admin's account, once in the life of a shop. */
  openFirstAccount(): Promise<void>;
}

export default {
  name: "users",
  mixins: [
    due<KeptSession, Users>("sessions", function ({ id }) {
      return this.sessions.remove(id);
    }),
    due<Attempts, Users>("attempts", function ({ id }) {
      return this.attempts.remove(id);
    }),
    store({ accounts, sessions, attempts, admins: {}, secrets: {} }),
  ],

  actions: {
    /** The password is worked on whether the address is free or not, so that the time tells nothing. */
    async register(ctx) {
      const { email, password, name = "" } = ctx.params;
      refuseWeak(password, commonPasswords);
      const from = { account: sameAddress(email), address: ctx.meta.clientAddress };
      const account = await this.limits.hold("register", from, async () => {
        const kept = await this.passwords.keep(password);
        const who = { id: this.world.id("usr"), email, name, role: "customer", password: kept } as const;
        return this.accounts.insert(openAccount(who, timeAt(this.world))).catch((error) => {
          throw isDuplicate(error, "email") ? new Refusal("already_exists") : error;
        });
      });
      return this.begun(account);
    },

    async login(ctx) {
      const { email, password } = ctx.params;
      const from = { account: sameAddress(email), address: ctx.meta.clientAddress };
      return this.begun(await this.limits.hold("login", from, () => this.recognised(email, password)));
    },

    async refresh(ctx) {
      return this.limits.hold("refresh", { address: ctx.meta.clientAddress }, async () => {
        const { session, successor } = await this.rotated(ctx.params.refreshToken);
        const account = await this.accounts.get(session.userId);
        if (account?.epoch !== session.epoch) throw new Refusal("invalid_token");
        return this.answer(account, successor);
      });
    },

    async logout(ctx) {
      const sessionId = sessionOf(ctx.params.refreshToken);
      if (sessionId) await this.sessions.remove(sessionId);
      return null;
    },

    async me(ctx) {
      const [account, admins] = await Promise.all([this.accounts.get(signedIn(ctx.meta)), this.listOfAdmins()]);
      const mine = account && standing(account, admins);
      if (!mine || mine.disabled) throw new Refusal("unauthenticated");
      return userOf(mine);
    },

    async changeMe(ctx) {
      const { name, ifVersion } = ctx.params;
      const admins = await this.listOfAdmins();
      const account = await this.accounts.change(
        signedIn(ctx.meta),
        (account) => {
          if (standing(account, admins).disabled) throw new Refusal("unauthenticated");
          return rename(account, name, timeAt(this.world));
        },
        { ifVersion },
      );
      return userOf(standing(account, admins));
    },

    async list(ctx) {
      const { email, role, ...asked } = ctx.params;
      const where = { email: email && sameAddress(email), role };
      const admins = await this.listOfAdmins();
      return this.accounts.page(asked, { where }, (account) => userOf(standing(account, admins)));
    },

    /** The account says what is wanted, the list of admins who is one: first the one, then the other. */
    async change(ctx) {
      const { id, ifVersion, ...change } = ctx.params;
      const before = await this.listOfAdmins();
      const decide = (account: Account) => {
        const after = changeStanding(account, change, timeAt(this.world));
        enlist(before, after);
        return after;
      };
      const { account, admins } = await this.enlisted(await this.accounts.change(id, decide, { ifVersion }));
      return userOf(standing(account, admins));
    },

    async standing(ctx) {
      const [account, admins] = await Promise.all([this.accounts.get(ctx.params.id), this.listOfAdmins()]);
      const now = account && standing(account, admins);
      return now && !now.disabled ? { role: now.role } : {};
    },

    keys() {
      return this.tokens.jwks;
    },
  },

  methods: {
    async listOfAdmins() {
      const admins = await this.admins.get(ADMINS);
      if (!admins) throw new Error("The list of admins is missing.");
      return admins;
    },

    async enlisted(account) {
      const admins = await this.admins
        .change(ADMINS, (admins) => enlist(admins, account))
        .catch(async (error) => {
          const admins = await this.listOfAdmins();
          await this.accounts.change(account.id, (account) => standing(account, admins));
          throw error;
        });
      const now = found(await this.accounts.get(account.id), "account");
      return now.version === account.version ? { account, admins } : this.enlisted(now);
    },

    async recognised(email, password) {
      const [account, admins] = await Promise.all([
        this.accounts.first({ email: sameAddress(email) }),
        this.listOfAdmins(),
      ]);
      const right = await this.passwords.matches(password, account?.password);
      if (!account || !right || standing(account, admins).disabled) throw new Refusal("invalid_credentials");
      return this.passwords.isOutdated(account.password) ? this.keptAnew(account, password) : account;
    },

    async keptAnew(account, password) {
      const kept = await this.passwords.keep(password);
      const changed = await this.accounts.change(account.id, (now) =>
        now.password === account.password ? { ...now, password: kept } : now,
      );
      return { ...changed, epoch: account.epoch };
    },

    async rotated(token) {
      const id = sessionOf(token);
      if (!id) throw new Refusal("invalid_token");
      const successor = this.tokens.successor(id, token);
      const [used, next] = [digestOf(token), digestOf(successor)];
      const session = await this.sessions
        .change(id, (session) => rotate(session, used, next, timeAt(this.world)))
        .catch((error) => {
          throw isRefusal(error, "not_found") ? new Refusal("invalid_token") : error;
        });
      if (session.ended === "reused")
        this.logger.warn(`A refresh token of ${session.userId} was used twice: its session has ended.`);
      if (!expects(session, next)) throw new Refusal("invalid_token");
      return { session, successor };
    },

    async begun(account) {
      const id = newSessionId(this.world);
      const token = this.tokens.refresh(id);
      const who = { id, userId: account.id, epoch: account.epoch, digest: digestOf(token) };
      await this.sessions.insert(beginSession(who, timeAt(this.world)));
      return this.answer(account, token);
    },

    async answer(account, refreshToken) {
      const user = userOf(standing(account, await this.listOfAdmins()));
      const accessToken = await this.tokens.access({ userId: user.id, role: user.role });
      return { user, accessToken, refreshToken, expiresIn: ACCESS_SECONDS };
    },

    async openFirstAccount() {
      const firstId = this.world.id("usr");
      const list = await this.admins.getOrMake(ADMINS, () => ({ ids: [firstId], firstId }));
      if (await this.accounts.get(list.firstId)) return;

      const { email, password = readablePassword(this.world.bytes(20)) } = this.shop.admin;
      const kept = await this.passwords.keep(password);
      const first = { id: list.firstId, email, name: "", role: "admin", password: kept } as const;
      const opened = await this.accounts.insert(openAccount(first, timeAt(this.world))).catch((error) => {
        if (!isDuplicate(error)) throw error;
      });
      if (!opened) return;
      const secret = this.shop.admin.password ? "" : ` Its password is ${password} and is not shown again.`;
      this.logger.warn(`The first account, an admin's, is ${opened.email}.${secret}`);
    },
  },

  created() {
    this.passwords = new Passwords(this.world);
    this.limits = new AttemptLimits(this.shop.rateLimit, this.world, () => this.attempts);
  },

  async started() {
    const secrets = await this.secrets.getOrMake(SECRETS, () => makeSecrets(this.world));
    this.tokens = await Tokens.of(this.world, this.shop.namespace, secrets);
    await this.openFirstAccount();
  },
} satisfies ServiceOf<"users", Users>;
