import { compile, type JSONSchema as Schema } from "json-schema-to-typescript";
import { type Described, type Document, describedIn, lastOf } from "./description.ts";

/** The types and the calls of a shop, as a module of TypeScript. */
export async function clientOf(document: Document): Promise<string> {
  const calls = describedIn(document);
  refuseNamesakes(calls);
  const [staffs, customers] = [calls.filter(({ isAdmins }) => isAdmins), calls.filter(({ isAdmins }) => !isAdmins)];
  const often = oftenRefused(calls);
  const aliases = Object.entries(often).map(([name, codes]) => `type ${name} = ${union(codes)};`);
  const types = new Types(document.components.schemas);
  const typed = (call: Described) => typeOf(call, types, often);
  const body = [
    'export type RefusalCode = Problem["code"];',
    'export type InputError = NonNullable<Problem["errors"]>[number];',
    `/** What every call may be refused with, and every one that brings something. */\n${aliases.join("\n")}`,
    `/** What customers and guests can ask. */\nexport interface Shop ${byGroup(customers, typed)}`,
    `/** What staff can ask beside that. */\nexport interface Office ${byGroup(staffs, typed)}`,
    `export const shopRoutes = ${byGroup(customers, routeOf)};`,
    `export const officeRoutes = ${byGroup(staffs, routeOf)};\n`,
  ].join("\n\n");
  const used = (...names: string[]) => names.filter((name) => new RegExp(`\\b${name}\\b`).test(body)).join(", ");
  return [
    "// Made from the contracts by `npm run sdk`. What is changed here by hand is lost.",
    [
      `import type { ${used("Call", "List")} } from "./calls.ts";`,
      `import type { ${used("Options", "Stream", "StreamOptions")} } from "./client.ts";`,
    ].join("\n"),
    await types.written(),
    body,
  ].join("\n\n");
}

/** What a client is able to by itself. */
const taken = ["ask", "stream", "session"];

function refuseNamesakes(calls: readonly Described[]): void {
  const nameOf = ({ isAdmins, group, name }: Described) => `${isAdmins ? "admin " : ""}${group}.${name}`;
  for (const [name, { length }] of Map.groupBy(calls, nameOf))
    if (length > 1) throw new Error(`Two calls are called ${name}: give one another name, in sdk/names.ts.`);
  const covered = calls.find(({ isAdmins, group }) => !isAdmins && taken.includes(group));
  if (covered) throw new Error(`${covered.path} would cover the client's own ${covered.group}.`);
}

/** Codes that many calls have, by the name that is written in their place. */
type Codes = Readonly<Record<string, readonly string[]>>;

function oftenRefused(calls: readonly Described[]): Codes {
  const Always = inAll(calls);
  const sending = calls.filter(({ kind }) => ["POST", "PATCH", "SIGNIN", "SIGNOUT"].includes(kind));
  return { Always, Sent: inAll(sending).filter((code) => !Always.includes(code)) };
}

const inAll = (calls: readonly Described[]): string[] =>
  calls
    .map(({ refuses }) => refuses)
    .reduce((some, others) => some.filter((code) => others.includes(code)), [...(calls[0]?.refuses ?? [])]);

const union = (codes: readonly string[]): string => codes.map((code) => JSON.stringify(code)).join(" | ") || "never";

function byGroup(calls: readonly Described[], line: (call: Described) => string): string {
  const groups = [...Map.groupBy(calls, ({ group }) => group)];
  return `{\n${groups.map(([group, own]) => `${group}: {\n${own.map(line).join("\n")}\n}`).join(",\n")}\n}`;
}

const routeOf = ({ name, kind, path, params }: Described): string =>
  `${name}: ${JSON.stringify(`${kind} ${path}${params ? "?" : ""}`)},`;

function typeOf(call: Described, types: Types, often: Codes): string {
  const { name, says, refuses } = call;
  const known = Object.entries(often).filter(([, codes]) => codes.every((code) => refuses.includes(code)));
  const own = refuses.filter((code) => !known.some(([, codes]) => codes.includes(code)));
  const refused = [...own.map((code) => JSON.stringify(code)), ...known.map(([alias]) => alias)].join(" | ");
  const comment = `/**\n * ${says.join("\n *\n * ")}\n */`;
  return `${comment}\n${name}: Call<[${argsOf(call, types)}], ${resultOf(call, types)}, ${refused}>;`;
}

function argsOf(call: Described, types: Types): string {
  const { kind, path, params, isParamsNeeded, isFile } = call;
  const fromPath = [...path.matchAll(/:(\w+)/g)].map(([, name]) => `${name}: string`);
  const name = isFile ? "file" : isParamsNeeded ? "params" : "params?";
  return [
    ...fromPath,
    ...(params ? [`${name}: ${types.name(params, ownName(call))}`] : []),
    `options?: ${kind === "STREAM" ? "StreamOptions" : "Options"}`,
  ].join(", ");
}

function resultOf(call: Described, types: Types): string {
  const { kind, brings } = call;
  if (!brings) return "Promise<void>";
  if (kind === "LIST") return `List<${types.name(brings, `${ownName(call)}Item`)}>`;
  if (kind === "STREAM") return `Stream<${types.name(brings, `${ownName(call)}Item`)}>`;
  return `Promise<${types.name(brings, `${ownName(call)}Result`)}>`;
}

const ownName = ({ isAdmins, group, name }: Described): string => pascal([isAdmins ? "admin" : "", group, name]);

/** Names for all shapes that a client meets. */
class Types {
  readonly #shapes: Record<string, Schema>;

  constructor(shapes: Readonly<Record<string, Schema>>) {
    this.#shapes = Object.fromEntries(Object.entries(shapes).map(([name, schema]) => [pascal([name]), schema]));
  }

  /** The name that it has, or is to have. */
  name(schema: Schema, wanted: string): string {
    if (schema.$ref) return pascal([lastOf(schema.$ref)]);
    if (schema.type === "string" && !schema.enum) return "string";
    this.#shapes[wanted] = schema;
    return wanted;
  }

  async written(): Promise<string> {
    const root = "NotWritten";
    const text = await compile({ definitions: inPlace(this.#shapes), additionalProperties: false }, root, {
      additionalProperties: false,
      bannerComment: "",
      format: false,
      ignoreMinAndMaxItems: true,
      unreachableDefinitions: true,
    });
    return text
      .replace(new RegExp(`export interface ${root} \\{\\s*\\}\\n`), "")
      .replace(/\n( \* *\n)? \* This interface was referenced by .*\n \* via the .*/g, "")
      .replace(/\/\*\*\n \*\/\n/g, "")
      .replace(/\/\*\*\n *\* (.*)\n *\*\//g, "/** $1 */")
      .trim();
  }
}

/** References to where the compiler looks for definitions, and records as it knows them. */
function inPlace<T>(value: T): T {
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.map(inPlace) as T;
  const entries = Object.entries(value).map(([key, item]) =>
    key === "$ref" ? [key, `#/definitions/${pascal([lastOf(String(item))])}`] : [key, inPlace(item)],
  );
  const { patternProperties, ...rest } = Object.fromEntries(entries);
  const [every] = Object.values(patternProperties ?? {});
  return every ? { ...rest, additionalProperties: every } : rest;
}

const pascal = (words: readonly string[]): string =>
  words.map((word) => word.replace(/(?:^|[.-])(\w)/g, (_all, letter: string) => letter.toUpperCase())).join("");
