import { Refusal } from "../shared/refusal.ts";

const SHORTEST = 8;

/** One form for the same characters, whichever way a keyboard put them together. Nothing is cut off. */
export const samePassword = (password: string): string => password.normalize("NFC");

/**
 * `common` are the passwords that people use most, written small: case does not make them rarer.
 *
 * @throws Refusal `invalid_input` for a password that would be guessed first.
 */
export function refuseWeak(password: string, common: ReadonlySet<string>): void {
  const same = samePassword(password);
  const fault =
    [...same].length < SHORTEST
      ? `has fewer than ${SHORTEST} characters`
      : common.has(same.toLowerCase()) && "is one of the most common passwords";
  if (fault) throw new Refusal("invalid_input", undefined, { errors: [{ path: "password", message: fault }] });
}

const letters = "abcdefghijkmnpqrstuvwxyz23456789";

/** A password for somebody to read and type: five bits of each byte, no two letters alike. */
export const readablePassword = (bytes: Uint8Array): string =>
  Array.from(bytes, (byte) => letters[byte % letters.length])
    .join("")
    .replace(/.{5}(?=.)/g, "$&-");
