import type { Role } from "../shared/identity.ts";
import { Refusal } from "../shared/refusal.ts";

/**
 * Who is an enabled admin: the one list that decides, kept in one document. Two admins who remove each
 * other at once change the same document, so one of them finds out that nobody else would be left.
 */
export interface Admins {
  readonly id: typeof ADMINS;
  readonly version: number;
  readonly ids: readonly string[];
  /** The account that the first start opens. Named here first, so that nodes that start together open one. */
  readonly firstId: string;
}

export const ADMINS = "admins";
const MOST_ADMINS = 1000;

export const isAdmin = ({ ids }: Admins, id: string): boolean => ids.includes(id);

/** Puts on the list whoever has become an enabled admin, and takes off it whoever is none any more. */
export const enlist = (admins: Admins, who: { id: string; role: Role; disabled: boolean }): Admins =>
  who.role === "admin" && !who.disabled ? appoint(admins, who.id) : dismiss(admins, who.id);

function appoint(admins: Admins, id: string): Admins {
  if (isAdmin(admins, id)) return admins;
  if (admins.ids.length >= MOST_ADMINS) throw new Refusal("invalid_state", "There are too many admins.");
  return { ...admins, ids: [...admins.ids, id] };
}

function dismiss(admins: Admins, id: string): Admins {
  if (!isAdmin(admins, id)) return admins;
  if (admins.ids.length === 1) throw new Refusal("invalid_state", "This is the last admin.");
  return { ...admins, ids: admins.ids.filter((one) => one !== id) };
}
