import type { Role } from "../shared/identity.ts";
import { type Admins, isAdmin } from "./admins.ts";
import type { User } from "./users.contract.ts";

/** An account as kept. */
export interface Account {
  readonly id: string;
  readonly version: number;
  readonly email: string;
  readonly name: string;
  /** For an admin, what to look for in lists only: who is one, the list of admins says. */
  readonly role: Role;
  readonly disabled: boolean;
  /** Never the password: what it takes to recognise it. */
  readonly password: string;
  /** Sessions that began under an earlier epoch have ended. */
  readonly epoch: number;
  readonly createdAt: string;
  readonly updatedAt: string;
}

/**
 * An address in the form in which it is unique. Only A to Z are lower-cased: the rest of Unicode folds
 * in ways that make two people's addresses one (the Kelvin sign becomes a k) or an address longer.
 */
export const sameAddress = (email: string): string => email.trim().replace(/[A-Z]/g, (letter) => letter.toLowerCase());

export function openAccount(
  who: { id: string; email: string; name: string; role: Role; password: string },
  now: string,
): Omit<Account, "version"> {
  return { ...who, email: sameAddress(who.email), disabled: false, epoch: 1, createdAt: now, updatedAt: now };
}

/**
 * The account as the list of admins makes it. Somebody who is listed is an enabled admin; an account
 * that was to become one while the node died is staff until it is tried again.
 */
export function standing(account: Account, admins: Admins): Account {
  const looksLikeAdmin = account.role === "admin" && !account.disabled;
  if (looksLikeAdmin === isAdmin(admins, account.id)) return account;
  return looksLikeAdmin ? { ...account, role: "staff" } : { ...account, role: "admin", disabled: false };
}

export interface StandingChange {
  role?: Role;
  disabled?: boolean;
}

/** Disabling ends all sessions, also those that are just beginning. */
export function changeStanding(account: Account, change: StandingChange, now: string): Account {
  const { role = account.role, disabled = account.disabled } = change;
  if (role === account.role && disabled === account.disabled) return account;
  const epoch = disabled && !account.disabled ? account.epoch + 1 : account.epoch;
  return { ...account, role, disabled, epoch, updatedAt: now };
}

export function rename(account: Account, name: string | undefined, now: string): Account {
  return name === undefined || name === account.name ? account : { ...account, name, updatedAt: now };
}

/** What others may know of an account. */
export const userOf = ({ password: _password, epoch: _epoch, ...user }: Account): User => user;
