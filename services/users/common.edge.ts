import { readFileSync } from "node:fs";

/**
 * The passwords that people use most, of those that are long enough: some 8,400, from the list that comes with Django
 * (BSD licence), and what is near on a Spanish keyboard. It is read once, as the service is loaded.
 */
export const commonPasswords: ReadonlySet<string> = new Set(
  readFileSync(new URL("./common-passwords.txt", import.meta.url), "utf8").split("\n"),
);
