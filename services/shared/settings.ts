import { unusableExtension } from "../../extensions.ts";
import { contracts, type ServiceName } from "../contracts.ts";
import { emailPattern } from "./schema.ts";

/** What the environment decides. Each variable is read in one place, once, at the start. */
export interface Settings {
  port: number;
  host: string;
  /** Where a node without a gateway can be asked how it is. 0: nowhere. */
  healthPort: number;
  dataDir: string;
  services: ServiceName[];
  nodeId: string | undefined;
  namespace: string;
  /** How nodes reach each other. None: this node is the whole shop. */
  transporter: string | undefined;
  /** What signs the packets between nodes. The first signs, all are believed, so that they can be changed one by one. */
  busSecrets: string[];
  /** Store URL per service: `sqlite:` with a file name or a path, `postgres://…` or `mongodb://…`. */
  stores: Record<ServiceName, string>;
  admin: { email: string; password: string | undefined };
  paymentProvider: "sandbox";
  /** Whether money is taken at checkout or later, by staff. */
  paymentCapture: "automatic" | "manual";
  smtpUrl: string | undefined;
  mailFrom: string;
  /** Receivers of webhooks, as host and port, that may be where nobody else's may: in a private network, and without TLS. */
  webhookAllow: string[];
  currency: string;
  shopName: string;
  /** Exactly these origins may call from a browser. */
  corsOrigins: string[];
  /** How many proxies stand in front of the gateway and may be believed about `X-Forwarded-For`. */
  trustedProxies: number;
  rateLimit: boolean;
  /** Whether requests are turned away while there is more to do than can be done. */
  admission: boolean;
  demo: boolean;
  /** How often the shop is examined without anybody asking; 0: never. */
  doctorEveryMinutes: number;
  logLevel: "fatal" | "error" | "warn" | "info" | "debug" | "trace";
  logFormat: "pretty" | "json";
}

export class UnusableSetting extends Error {
  override readonly name = "UnusableSetting";
}

/**
 * What stands in a terminal or a log is read by many: secrets are not shown there. What is refused is no address, so a
 * password is looked for wherever somebody may have meant to put one.
 */
const shown = (name: string, text: string): string =>
  /PASSWORD|SECRET|KEY/.test(name)
    ? name
    : `${name}=${text
        .replace(/^([a-z+]+:(?:\/\/)?)?.*@/is, "$1…@")
        .replace(/(?<=[?&#;][\w.-]*(?:pass|pwd|secret|token|key)[\w.-]*=)[^&#;]*/gi, "…")}`;

/** Nothing of a password may stand behind the server: neither the store nor its messages would know it as one. */
const storeUrl = /^(sqlite:[^?#]*|(postgres(ql)?|mongodb(\+srv)?):\/\/(?=\S)[^/?#\s]*(\/[^/?#@\s]*)?(\?[^#@\s]*)?)$/;
const isStoreUrl = (value: string): boolean =>
  storeUrl.test(value) && (!value.startsWith("postgres") || URL.canParse(value));

type Environment = Readonly<Record<string, string | undefined>>;

/** Reads the environment. The first value that cannot be used is named, with what could be. */
export function readSettings(environment: Environment, terminal = false): Settings {
  const read = <T>(name: string, fallback: T, parse: (text: string) => T | undefined, wanted: string): T => {
    const text = environment[name];
    if (text === undefined || text === "") return fallback;
    const value = parse(text);
    if (value === undefined) throw new UnusableSetting(`${shown(name, text)} cannot be used: ${wanted}.`);
    return value;
  };
  const choice = <const C extends readonly string[]>(name: string, fallback: C[number], choices: C) =>
    read<C[number]>(name, fallback, (text) => choices.find((c) => c === text), `it is one of ${choices.join(", ")}`);
  const text = <F extends string | undefined>(name: string, fallback: F, pattern: RegExp, wanted: string) =>
    read<string | F>(name, fallback, (value) => (pattern.test(value) ? value : undefined), wanted);
  const whole = (name: string, fallback: number, min: number, max: number) =>
    read(
      name,
      fallback,
      (value) => (/^\d{1,9}$/.test(value) && +value >= min && +value <= max ? +value : undefined),
      `it is a whole number from ${min} to ${max}`,
    );
  const onOff = (name: string, fallback: boolean) => choice(name, fallback ? "on" : "off", ["on", "off"]) === "on";

  if (unusableExtension) throw new UnusableSetting(`EXTENSIONS cannot be used: ${unusableExtension}.`);
  const names = Object.keys(contracts) as ServiceName[];
  const services = read(
    "SERVICES",
    names,
    (value) => {
      const wanted = [...new Set(value.split(",").map((name) => name.trim()))];
      return wanted.every((name) => Object.hasOwn(contracts, name)) ? (wanted as ServiceName[]) : undefined;
    },
    `it is a comma list of ${names.join(", ")}`,
  );

  const readStore = (name: string, fallback: string) =>
    read(
      name,
      fallback,
      (value) => (isStoreUrl(value) ? value : undefined),
      "it begins with sqlite:, postgres:// or mongodb://, and has / and the like in a password as %2F",
    );
  const store = readStore("STORE", "sqlite:");
  const storeOf = (name: ServiceName) =>
    readStore(`${name.toUpperCase()}_STORE`, name === "sandbox" && store === "sqlite:" ? "sqlite:sandbox.db" : store);

  const transporter = text(
    "TRANSPORTER",
    undefined,
    /^(nats|tls|amqps?|kafka|rediss?|tcp):\/\/\S+$/,
    "it begins with nats://, tls://, amqp://, amqps://, kafka://, redis://, rediss:// or tcp://",
  );
  const busSecrets = read(
    "BUS_SECRET",
    [] as string[],
    (value) => {
      const secrets = value.split(",").map((secret) => secret.trim());
      return secrets.every((secret) => secret.length >= 16) ? secrets : undefined;
    },
    "it has at least 16 characters; while it is changed, the new one and the old one with a comma between",
  );
  if (transporter && busSecrets.length === 0 && environment.NODE_ENV !== "development")
    throw new UnusableSetting("BUS_SECRET is needed with a TRANSPORTER: nodes believe nobody who cannot sign.");

  text("CACHER", undefined, /^memory$/, "it is memory");
  text("PAYMENT_PROVIDER", undefined, /^sandbox$/, "it is sandbox");
  text("OTEL_EXPORTER_OTLP_ENDPOINT", undefined, /^$/, "this version sends no traces; leave it unset");

  return {
    port: whole("PORT", 3000, 0, 65_535),
    host: text("HOST", "127.0.0.1", /^[\w.:-]+$/, "it is an address or a host name"),
    healthPort: whole("HEALTH_PORT", 0, 0, 65_535),
    dataDir: text("DATA_DIR", "./data", /\S/, "it is a folder"),
    services,
    nodeId: text("NODE_ID", undefined, /^[\w.-]{1,80}$/, "it is made of letters, digits, dots and dashes"),
    namespace: text("NAMESPACE", "lonja", /^[\w-]{1,40}$/, "it is made of letters, digits and dashes"),
    transporter,
    busSecrets,
    stores: Object.fromEntries(names.map((name) => [name, storeOf(name)])) as Settings["stores"],
    admin: {
      email: text("ADMIN_EMAIL", "admin@lonja.local", emailPattern, "it is an e-mail address"),
      password: text("ADMIN_PASSWORD", undefined, /^.{8,128}$/, "it has 8 to 128 characters"),
    },
    paymentProvider: "sandbox",
    paymentCapture: choice("PAYMENT_CAPTURE", "automatic", ["automatic", "manual"]),
    smtpUrl: text("SMTP_URL", undefined, /^smtps?:\/\/\S+$/, "it begins with smtp:// or smtps://"),
    mailFrom: text("MAIL_FROM", "Lonja <shop@lonja.local>", /@/, "it is an e-mail address"),
    webhookAllow: read(
      "WEBHOOK_ALLOW",
      [] as string[],
      (value) => {
        const places = value.split(",").map((place) => place.trim().toLowerCase());
        return places.every((place) => /^([\w.-]+|\[[\da-f:.]+\]):\d{1,5}$/.test(place)) ? places : undefined;
      },
      "it is a comma list of hosts with their ports such as erp.lan:8080",
    ),
    currency: text("CURRENCY", "EUR", /^[A-Z]{3}$/, "it is an ISO 4217 code such as EUR"),
    shopName: text("SHOP_NAME", "Lonja", /\S/, "it is a name"),
    corsOrigins: read(
      "CORS_ORIGINS",
      [] as string[],
      (value) => {
        const origins = value.split(",").map((origin) => origin.trim());
        return origins.every((origin) => URL.canParse(origin) && new URL(origin).origin === origin)
          ? origins
          : undefined;
      },
      "it is a comma list of origins such as https://shop.example.com",
    ),
    trustedProxies: whole("TRUSTED_PROXIES", 0, 0, 10),
    rateLimit: onOff("RATE_LIMIT", true),
    admission: onOff("ADMISSION", true),
    demo: onOff("DEMO", true),
    doctorEveryMinutes: whole("DOCTOR_EVERY_MINUTES", 60, 0, 10_080),
    logLevel: choice("LOG_LEVEL", "info", ["fatal", "error", "warn", "info", "debug", "trace"]),
    logFormat: choice("LOG_FORMAT", terminal ? "pretty" : "json", ["pretty", "json"]),
  };
}
