import { inspect } from "node:util";
import type { Settings } from "../services/shared/settings.ts";

const HIDDEN = "•••";

/** Fields whose values nobody has to read in a terminal. What only begins or ends otherwise is none of them. */
const telling = /(token|password|passphrase|secret|hash|digest|authorization|cookie|signature|credential|apikey)s?$/i;
export const isTelling = (field: string): boolean => telling.test(field.replace(/[_-]/g, ""));

/** A line that names such a field, as in `{"password": …}` or `--password …`. */
export const tellsSecret = (line: string): boolean =>
  [...line.matchAll(/([\w-]+)["']?\s*:|--([\w-]+)/g)].some(([, field, option]) => isTelling(field ?? option ?? ""));

/** JSON web tokens, API keys, secrets of webhooks, and what stands in an address as a password or as a token. */
const patterns = [
  /\beyJ[\w-]{8,}\.[\w-]+\.[\w-]*/g,
  /\blk_[\w-]{8,}/g,
  /\bwhsec_[\w+/-]{8,}=*/g,
  /(?<=:\/\/[^\s/:@]*:)[^\s/]+(?=@)/g,
  /(?<=[?&][\w-]*(?:token|secret|signature|password)=)[^&\s"']+/gi,
];

/** What stands in the environment as a secret, under its name or in an address. */
const secretVariable = /PASSWORD|SECRET|TOKEN|_KEY$/;

type Environment = Readonly<Record<string, string | undefined>>;

/** Keeps secrets out of what is shown: by the names of fields, by how they look, and those of this process by heart. */
export class Secrets {
  readonly #known: readonly string[];

  constructor(environment: Environment) {
    const known = Object.entries(environment).flatMap(([name, value = ""]) => [
      ...(secretVariable.test(name) ? value.split(",") : []),
      ...passwordsIn(value),
    ]);
    // The longest first: one may begin like another. Very short ones would take words apart.
    this.#known = [...new Set(known.map((secret) => secret.trim()))]
      .filter((secret) => secret.length >= 6)
      .sort((a, b) => b.length - a.length);
  }

  /** Those of a node: some have come from files, and are in no environment. */
  static of({ stores, transporter, busSecrets, admin, smtpUrl }: Settings, environment: Environment): Secrets {
    const read = { TRANSPORTER: transporter, BUS_SECRET: busSecrets.join(","), SMTP_URL: smtpUrl };
    return new Secrets({ ...environment, ...stores, ...read, ADMIN_PASSWORD: admin.password });
  }

  /** A text without them. */
  hide(text: string): string {
    const hidden = this.#known.reduce((left, secret) => left.replaceAll(secret, HIDDEN), text);
    return patterns.reduce((left, pattern) => left.replace(pattern, HIDDEN), hidden);
  }

  /** A value as people read it, without them. */
  show(value: unknown, colors: boolean): string {
    return inspect(this.#hideIn(value), { depth: 8, colors, maxArrayLength: 100, maxStringLength: 2_000 });
  }

  #hideIn(value: unknown): unknown {
    if (typeof value === "string") return this.hide(value);
    if (Array.isArray(value)) return value.map((item) => this.#hideIn(item));
    if (typeof value !== "object" || value === null) return value;
    return Object.fromEntries(
      Object.entries(value).map(([field, item]) => [
        this.hide(field),
        isTelling(field) && item !== null ? HIDDEN : this.#hideIn(item),
      ]),
    );
  }
}

/** Of all servers that an address names; and what would be one, were its letters written as they should be. */
function passwordsIn(url: string): string[] {
  const found = [/(?<=[/,][^\s/:@,]*:)[^\s/@]+(?=@)/g, /(?<=:\/\/[^\s/:@]*:)\S+(?=@)/g].flatMap((one) => [
    ...url.matchAll(one),
  ]);
  return found.flatMap(([password]) => [password, decoded(password)]);
}

/** Nobody has to write it so that it can be decoded. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
