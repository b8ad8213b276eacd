import { Compile } from "typebox/compile";
import { mayUse, type Route, takesBody } from "../../services/gateway/routes.ts";
import type { Chance } from "./chance.ts";
import { nobodys, prefixOf, requestTo, type Schema, sampleOf } from "./samples.ts";

/** Who sends it. Their records are told apart by canaries. */
export type Sender = "admin" | "bea" | "guest";

export interface Case {
  route: Route;
  kind: string;
  sender: Sender;
  target: string;
  headers: Record<string, string>;
  body?: string | undefined;
  /** It is against the contract, or the sender may not: whoever takes it is wrong. Otherwise it may be taken. */
  mustBeRefused: boolean;
  /** It may have become another path than the route's, which the reference of the route does not describe. */
  isElsewhere: boolean;
}

/** JSON as it is written, so that what JSON cannot say can be sent too. */
type Written = string;
const written = (value: unknown): Written => JSON.stringify(value) ?? "null";

const NESTED_DEEP = (depth: number, open: string, close: string) => open.repeat(depth) + close.repeat(depth);

/** What is no value of the type that was asked for, in one way or another. */
const wrongTypes: readonly Written[] = [
  "null",
  "true",
  "0",
  "-1.5",
  '"text"',
  "[]",
  "[[]]",
  "{}",
  '{"$ne":null}',
  '{"$gt":""}',
  '{"$where":"sleep(1000)"}',
  '{"$regex":".*"}',
  '{"toString":1}',
  '{"length":1000000000}',
];

const numbers: readonly Written[] = [
  ...["0", "-0", "-1", "1", "2", "0.1", "1.5", "-0.0001", "1e0", "1e3", "1e308", "1e309", "-1e309", "1E+2", "1e-400"],
  ...["9007199254740991", "9007199254740992", "9007199254740993", "-9007199254740993", "2147483648", "4294967296"],
  ...["1000000000000", "1000000000001", "10001", "10000", "18446744073709551616", "NaN", "Infinity", "-Infinity"],
  ...["+1", "01", "00", ".5", "5.", "0x10", "0b1", "1_000", "1,000", "--1", "1e", "١", '"1"', '"1e3"', '" 1"', '"NaN"'],
  `${"9".repeat(400)}`,
  `0.${"0".repeat(400)}1`,
];

const texts: readonly string[] = [
  ...["", " ", "\t", "\n", "a", "null", "undefined", "true", "NaN", "-1", "0", "[object Object]"],
  ...[
    "\u0000",
    "a\u0000b",
    "\u0007",
    "\u001b[31m",
    "\u007f",
    "\u0085",
    "\u2028",
    "\u200b",
    "\ufeff",
    "\ufffd",
    "\uffff",
  ],
  ...[
    "\u202eevil",
    "e\u0301\u0301\u0301",
    "ﷺ",
    "🐟",
    "👩‍👩‍👧‍👦",
    "İ",
    "ß",
    "ŉ",
    "K",
    "Å",
    "１２３",
    "ＡＤＭＩＮ",
    "аdmin",
  ],
  ...["\ud800", "\udc00", "a\ud83d", "Z͑ͫ̓ͪ̂ͫ̽͏̴̙̤̞͉͚̯̞̠͍A̴̵̜̰͔ͫ͗͢L̠ͨͧͩ͘G̴̻͈͍͔̹̑͗̎̅͛́Ǫ̵̹̻̝̳͂̌̌͘!͖̬̰̙̗̿̋ͥͥ̂ͣ̐́́͜͞"],
  ...["a\r\nSet-Cookie: a=b", "a\r\n\r\nHTTP/1.1 200 OK", "a@example.com\nBcc: b@example.com", "%0d%0aX: y"],
  ...["' OR 1=1; --", "'; DROP TABLE users_accounts; --", '" OR ""="', "1; WAITFOR DELAY '0:0:5'", "\\'; --", "') --"],
  ...["<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "javascript:alert(1)", "<!--", "]]>", "</script>"],
  ...["{{7*7}}", "#{7*7}", "<%= 7*7 %>", "$(id)", "`id`", "| id", "&& id", "%s%s%s%n", "=cmd|' /C calc'!A0"],
  ...["../../etc/passwd", "..\\..\\windows", "/etc/passwd", "file:///etc/passwd", "..%2f..%2f", "%00", "con", "."],
  ...["__proto__", "constructor", "prototype", "hasOwnProperty", "toString", "$where", "$ne", "_id", "then"],
  ...["9".repeat(30), "-".repeat(64), "a".repeat(255), "a".repeat(256), "é".repeat(300), "🐟".repeat(200)],
  ...["a@b", "a@@b.cd", "a b@example.com", `${"a".repeat(65)}@example.com`, `a@${"b.".repeat(120)}cd`, "a@b.cd"],
  "x".repeat(5_000),
  "x".repeat(50_000),
  `${" ".repeat(20_000)}x`,
];

/** Ids that are no record's, or another kind's, or none. */
const ids = (prefix: string): string[] => [
  ...[nobodys(prefix), nobodys("ord"), nobodys("pay"), nobodys("usr"), nobodys("prod"), nobodys("zzz")],
  ...[
    "",
    prefix,
    `${prefix}_`,
    `${prefix}_${"0".repeat(9)}`,
    `${prefix}_${"0".repeat(41)}`,
    `${prefix}_${"0".repeat(5000)}`,
  ],
  ...[nobodys(prefix).toUpperCase(), ` ${nobodys(prefix)}`, `${nobodys(prefix)}\n`, `${nobodys(prefix)}\u0000`],
  ...[
    "../admin/users",
    "%2e%2e%2f",
    "*",
    "0",
    "-1",
    "null",
    "undefined",
    "__proto__",
    "constructor",
    "[object Object]",
  ],
  ...[`${prefix}_0123456789' OR '1'='1`, `${prefix}_012345678é`, `${nobodys(prefix)}/events`, `${nobodys(prefix)}?a=b`],
];

type Path = readonly (string | number)[];
interface Field {
  path: Path;
  schema: Schema;
}

/** Every field of a body, however deep it is. */
function fieldsOf(schema: Schema, path: Path = []): Field[] {
  const [choice] = schema.anyOf ?? [];
  if (choice) return fieldsOf(choice, path);
  const inside = [
    ...Object.entries(schema.properties ?? {}).flatMap(([name, part]) => fieldsOf(part, [...path, name])),
    ...(schema.items ? fieldsOf(schema.items, [...path, 0]) : []),
  ];
  return path.length ? [{ path, schema }, ...inside] : inside;
}

/** A mark that stands for a value until the body is written: what is put there need not be JSON. */
const MARK = "\u0001mark\u0001";

function put(body: unknown, [name, ...rest]: Path, value: unknown): unknown {
  if (name === undefined) return value;
  if (typeof name === "number") return [put((body as unknown[] | undefined)?.[name], rest, value)];
  const fields = typeof body === "object" && body !== null && !Array.isArray(body) ? body : {};
  return { ...fields, [name]: put((fields as Record<string, unknown>)[name], rest, value) };
}

function without(body: Record<string, unknown>, [name = "", ...rest]: Path): unknown {
  const { [name]: value, ...others } = body;
  if (rest.length === 0 || typeof value !== "object" || value === null || Array.isArray(value)) return others;
  return { ...body, [name]: without(value as Record<string, unknown>, rest) };
}

/** Makes hostile requests for one route, without end. */
export class Hostile {
  readonly route: Route;
  readonly #chance: Chance;
  readonly #check: (params: unknown) => boolean;
  readonly #body: Record<string, unknown>;
  readonly #fields: readonly Field[];
  /** A record of somebody else's, by what its id begins with. */
  readonly #others: (prefix: string) => string;

  constructor(route: Route, chance: Chance, others: (prefix: string) => string) {
    this.route = route;
    this.#chance = chance;
    this.#others = others;
    const validator = Compile(route.contract.params);
    this.#check = (params) => validator.Check(params);
    const names = Object.keys(route.params).filter((name) => !route.pathNames.includes(name) && name !== "ifVersion");
    const sample = JSON.parse(requestTo(route).body?.replace(/^[^{].*$/s, "{}") ?? "{}") as Record<string, unknown>;
    this.#body = Object.fromEntries(
      names.map((name) => [name, sample[name] ?? sampleOf(route.params[name] as Schema)]),
    );
    this.#fields = names.flatMap((name) => fieldsOf(route.params[name] as Schema, [name]));
  }

  /** The more there is to say to a route, the more often it should be asked. */
  get weight(): number {
    return 1 + Math.ceil(Math.sqrt(this.#fields.length));
  }

  next(): Case {
    const { method, rest } = this.route;
    const kinds = takesBody(method) ? (rest.takes ? inRawBodies : inBodies) : inQueries;
    const kind = this.#chance.pick(kinds);
    return this[kind](kind);
  }

  /** One field, or two, of the wrong type. */
  types(kind: string): Case {
    return this.#withBody(
      kind,
      this.#mutated(() => this.#chance.pick(wrongTypes)),
    );
  }

  numbers(kind: string): Case {
    const isNumber = ({ schema }: Field) => schema.type === "integer" || schema.type === "number";
    return this.#withBody(
      kind,
      this.#mutated(() => this.#chance.pick(numbers), isNumber),
    );
  }

  texts(kind: string): Case {
    const isText = ({ schema }: Field) => schema.type === "string";
    return this.#withBody(
      kind,
      this.#mutated(() => written(this.#chance.pick(texts)), isText),
    );
  }

  ids(kind: string): Case {
    const isId = ({ schema }: Field) => prefixOf(schema) !== undefined;
    return this.#withBody(
      kind,
      this.#mutated(({ schema }) => written(this.#idFor(schema)), isId),
    );
  }

  structure(kind: string): Case {
    const chance = this.#chance;
    const whole = written(this.#body);
    const field = this.#fields.length ? chance.pick(this.#fields) : undefined;
    const name = written(chance.pick(texts));
    const inside = whole.slice(1, -1);
    const also = inside ? `,${inside}` : "";
    return this.#withBody(
      kind,
      chance.pick<() => string>([
        () => written(field ? without(this.#body, field.path) : {}),
        () => `{${name}:1${also}}`,
        () => `{"__proto__":{"role":"admin"}${also}}`,
        () => `{"constructor":{"prototype":{"role":"admin"}}${also}}`,
        () => `{"role":"admin","id":"${nobodys("ord")}","version":1,"userId":"${nobodys("usr")}"${also}}`,
        () => `{"status":"confirmed","price":0,"totals":null,"customerId":null,"_id":"x"${also}}`,
        () => `{${inside}${also}}`,
        () => `[${whole}]`,
        () => written(whole),
        () => `${whole}${whole}`,
        () => whole.slice(0, chance.below(whole.length)),
        () => `${whole.slice(0, -1)},}`,
        () => `\ufeff${whole}`,
        () => ` \r\n\t${whole}\r\n `,
        () => whole.replaceAll('"', "'"),
        () => `/* */${whole}`,
        () => NESTED_DEEP(chance.pick([20, 21, 1_000, 20_000]), "[", "]"),
        () => NESTED_DEEP(chance.pick([20, 21, 1_000, 9_000]), '{"a":', "}").replace(/:}/, ":1}"),
        () => `{${Array.from({ length: chance.pick([1, 30, 4_000]) }, (_, n) => `"k${n}":${n}`).join()}${also}}`,
        () => `{"list":[${"1,".repeat(chance.pick([300, 20_000]))}1]${also}}`,
        () =>
          chance.pick([
            "",
            " ",
            "null",
            "true",
            "0",
            '""',
            "[]",
            "{",
            "}",
            "\u0000",
            "NaN",
            "undefined",
            "<a/>",
            "a=b",
          ]),
        () => written(put(this.#body, field?.path ?? ["a"], { $ne: null })),
        () =>
          written(
            put(
              this.#body,
              field?.path ?? ["a"],
              Array.from({ length: 500 }, () => this.#body),
            ),
          ),
      ])(),
    );
  }

  query(kind: string): Case {
    const { route } = this;
    const chance = this.#chance;
    const names = [
      ...Object.keys(route.params),
      "unknown",
      "__proto__",
      "a[b][c]",
      "token",
      "ifVersion",
      "limit",
      "cursor",
    ];
    const value = () => chance.pick([chance.pick(texts).slice(0, 900), chance.pick(numbers).slice(0, 100)]);
    const pair = () => `${encode(chance.pick(names))}=${encode(value())}`;
    const query = chance.pick<() => string>([
      pair,
      () => `${pair()}&${pair()}`,
      () => Array.from({ length: 3 }, pair).join("&"),
      () => `${chance.pick(names)}[]=1&${chance.pick(names)}[$ne]=1`,
      () => chance.pick(["&", "=", "==", "?", "&&&", "%", "%ff", "%c3%28", "a=%", "%00=%00", "+", "a=b=c", "a;b", "#"]),
      () => Array.from({ length: 1_500 }, (_, n) => `a${n}`).join("&"),
      () => `limit=${chance.pick(numbers).slice(0, 50)}&cursor=${encode(this.#cursor())}`,
    ])();
    return this.#case(kind, `${this.#good()}?${query}`, takesBody(route.method) ? written(this.#body) : undefined);
  }

  path(kind: string): Case {
    const { route } = this;
    const odd = this.#chance.pick(route.pathNames.length ? route.pathNames : [""]);
    const target = route.path.replace(/:(\w+)/g, (_, name: string) =>
      name === odd
        ? encode(this.#idFor(route.params[name] as Schema))
        : encode(String(sampleOf(route.params[name] as Schema))),
    );
    const bent = odd
      ? target
      : this.#chance.pick([`${target}/`, `/${target}`, target.toUpperCase(), `${target}%00`, `${target}/..`]);
    return this.#case(kind, bent, takesBody(route.method) ? written(this.#body) : undefined);
  }

  headers(kind: string): Case {
    const { route } = this;
    const chance = this.#chance;
    const visible = (text: string) => text.replace(/[^\x20-\x7e\xa1-\xff]/g, "").slice(0, 2_000);
    const name = chance.pick(hostileHeaders);
    const value = visible(
      chance.pick([chance.pick(texts), "a, b", '"v1"', 'W/"1"', "*", "Bearer", "identity;q=0", "gzip", "bytes=0-"]),
    );
    const body = takesBody(route.method) ? written(this.#body) : undefined;
    return { ...this.#case(kind, this.#good(), body, { [name]: value }), mustBeRefused: false };
  }

  /** What is no JSON at all. Its content is somebody else's to judge. */
  raw(kind: string): Case {
    const chance = this.#chance;
    const body = chance.pick([
      chance.pick(texts),
      written(this.#body),
      `Handle,Title\n${written(chance.pick(texts))},x\n`,
    ]);
    const signed = {
      "x-signature": chance.pick(["", "t=1,v1=00", `t=${Date.now()},v1=${"0".repeat(64)}`, "v1", "t=,v1="]),
    };
    const type = this.route.rest.takes === "text/csv" ? "text/csv" : "application/json";
    return this.#case(kind, this.#good(), body.toWellFormed(), { "content-type": type, ...signed });
  }

  #cursor(): string {
    const of = (value: unknown) => Buffer.from(JSON.stringify(value)).toString("base64url");
    return this.#chance.pick([
      ...[of(["_id", "a", "a"]), of(["-_id", nobodys("ord"), nobodys("ord")]), of(["-_id", { $gt: "" }, "a"]), of([])],
      ...[
        of({}),
        of(null),
        of(["-_id", 1e308, "a"]),
        of(["-_id", "a", ["a"]]),
        "t1",
        "t-1",
        "t9999999",
        "orders:x:y",
        "a".repeat(513),
      ],
      ...["===", "\u0000", "__proto__", of(["__proto__", "a", "a"])],
    ]);
  }

  /** The body with one field, or a few, replaced by what is written there. */
  #mutated(value: (field: Field) => Written, wanted: (field: Field) => boolean = () => true): string {
    const fields = this.#fields.filter(wanted);
    if (fields.length === 0) return this.#chance.pick(wrongTypes);
    let body: unknown = this.#body;
    const values: Written[] = [];
    for (let left = this.#chance.pick([1, 1, 1, 2, 3]); left > 0; left--) {
      const field = this.#chance.pick(fields);
      body = put(body, field.path, `${MARK}${values.length}`);
      values.push(value(field));
    }
    const marks = new RegExp(`"${written(MARK).slice(1, -1).replaceAll("\\", "\\\\")}(\\d+)"`, "g");
    return written(body).replace(marks, (_, n: string) => values[Number(n)] ?? "null");
  }

  #idFor(schema: Schema): string {
    const prefix = prefixOf(schema) ?? "ord";
    return this.#chance.pick([
      this.#others(prefix),
      this.#chance.pick(ids(prefix)),
      this.#chance.pick(texts).slice(0, 900),
    ]);
  }

  /** The path with records that are somebody else's, or nobody's. */
  #good(): string {
    const ids = this.#chance.pick([nobodys, this.#others]);
    return this.route.path.replace(/:(\w+)/g, (_, name: string) =>
      encode(String(sampleOf(this.route.params[name] as Schema, ids))),
    );
  }

  #withBody(kind: string, body: string): Case {
    const path = this.#good();
    const params = paramsOf(this.route, path, body.toWellFormed());
    const made = this.#case(kind, path, body.toWellFormed());
    return { ...made, mustBeRefused: made.mustBeRefused || params === undefined || !this.#check(params) };
  }

  #case(kind: string, target: string, body?: string, headers: Record<string, string> = {}): Case {
    const { route } = this;
    const sender = this.#chance.pick<Sender>(["admin", "admin", "bea", "guest"]);
    const role = sender === "admin" ? "admin" : sender === "bea" ? "customer" : undefined;
    const path = target.split("?", 1)[0] ?? "";
    const isElsewhere = path.split("/").length !== route.path.split("/").length || path !== path.replace(/\/$/, "");
    const content =
      body === undefined ? {} : { "content-type": "application/json", "idempotency-key": `bad-${this.#chance.next()}` };
    return {
      ...{ route, kind, sender, target, body, isElsewhere },
      headers: { ...content, ...headers },
      mustBeRefused: !mayUse(route.rest.access, role),
    };
  }
}

const encode = (text: string): string => encodeURIComponent(text.toWellFormed());

const hostileHeaders = [
  ...["if-match", "if-none-match", "x-guest-token", "x-request-id", "x-correlation-id", "traceparent", "tracestate"],
  ...["origin", "referer", "cookie", "accept", "accept-encoding", "accept-language", "content-language", "range"],
  ...[
    "x-forwarded-for",
    "x-forwarded-host",
    "x-forwarded-proto",
    "forwarded",
    "x-http-method-override",
    "x-original-url",
  ],
  ...[
    "content-type",
    "content-encoding",
    "idempotency-key",
    "x-signature",
    "stripe-signature",
    "x-real-ip",
    "via",
    "te",
  ],
];

const inBodies = [
  "types",
  "types",
  "numbers",
  "texts",
  "texts",
  "ids",
  "structure",
  "structure",
  "query",
  "path",
  "headers",
] as const;
const inRawBodies = ["raw", "raw", "query", "path", "headers"] as const;
const inQueries = ["query", "query", "query", "path", "path", "headers"] as const;

/** What the action would be asked; undefined where the body says nothing that could be asked. */
function paramsOf({ path, params }: Route, target: string, body: string): unknown {
  let given: unknown;
  try {
    given = JSON.parse(body || "{}");
  } catch {
    return undefined;
  }
  if (typeof given !== "object" || given === null || Array.isArray(given)) return undefined;
  const parts = target.split("/");
  const named = path.split("/").flatMap((part, n): [string, unknown][] => {
    if (!part.startsWith(":")) return [];
    const text = decodeURIComponent(parts[n] ?? "");
    return [[part.slice(1), params[part.slice(1)]?.type === "integer" ? Number(text) : text]];
  });
  return { ...given, ...Object.fromEntries(named) };
}
