import { readFileSync } from "node:fs";
import { type Asked, UnusableCommand } from "../moving/command.ts";

type Flags = Asked["flags"];

/** The first line of the file that the flag names. In the environment, or among the arguments, others could read it. */
export function passphraseOf(flags: Flags): string | undefined {
  const path = flags.get("--passphrase-file");
  if (path === undefined) return undefined;
  let passphrase: string | undefined;
  try {
    [passphrase] = readFileSync(path, "utf8").split("\n");
  } catch (error) {
    throw new UnusableCommand(`--passphrase-file ${path} cannot be read: ${(error as Error).message}.`);
  }
  if (!passphrase || passphrase.length < 12)
    throw new UnusableCommand(
      `--passphrase-file ${path} cannot be used: it begins with no line of 12 characters or more.`,
    );
  return passphrase;
}

export function wholeOf(flags: Flags, name: string): number | undefined {
  const text = flags.get(name);
  if (text === undefined) return undefined;
  if (!/^[1-9]\d{0,8}$/.test(text))
    throw new UnusableCommand(`${name} ${text} cannot be used: it is a whole number from 1.`);
  return Number(text);
}

const unitMs: Record<string, number> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** Such as 60m or 1h, in milliseconds. */
export function durationOf(flags: Flags, name: string): number | undefined {
  const text = flags.get(name);
  if (text === undefined) return undefined;
  const [, number = "", unit = ""] = /^([1-9]\d{0,4})([smhd])$/.exec(text) ?? [];
  if (!unit) throw new UnusableCommand(`${name} ${text} cannot be used: it is a time such as 60m, with s, m, h or d.`);
  return Number(number) * (unitMs[unit] ?? 0);
}
