import { Ajv2020, type ValidateFunction } from "ajv/dist/2020.js";
import { contracts } from "../services/contracts.ts";
import type { Json } from "../services/gateway/names.ts";
import { openapi } from "../services/gateway/openapi.ts";
import { pages } from "../services/gateway/pages.edge.ts";
import { routesOf } from "../services/gateway/routes.ts";
import type { Contract } from "../services/shared/contract.ts";
import { plainCopy } from "../services/shared/plain.ts";

/** A request, as far as its answer depends on it by the description. */
export interface Asked {
  method: string;
  path: string;
}

/** An answer as it came. */
export interface Answered {
  status: number;
  headers: { get(name: string): string | null };
  text: string;
}

interface Described {
  headers?: Record<string, Json>;
  content?: Record<string, Json>;
}

interface Operation {
  /** Where it is in the document. */
  at: string;
  responses: Record<string, Json>;
}

/** Any request may be answered so, as the description says at its beginning. */
const HEADERS_TOO_LARGE = 431;
/** The shop shows them to people: they are no part of the API. GraphQL describes itself. */
const shown = new Set([...pages.map(({ path }) => path), "/graphql"]);

/** What the description of the API promises of its answers. */
export class Description {
  readonly #document: Json;
  readonly #paths: readonly { pattern: RegExp; path: string }[];
  readonly #ajv = new Ajv2020({ strict: false, validateFormats: false, allErrors: true });
  readonly #compiled = new Map<string, ValidateFunction>();

  constructor(document: Json) {
    this.#document = document;
    this.#ajv.addSchema(document, "shop");
    const namesIn = (path: string) => path.split("{").length;
    this.#paths = Object.keys(document.paths as Json)
      .toSorted((a, b) => namesIn(a) - namesIn(b))
      .map((path) => ({ path, pattern: new RegExp(`^${path.replace(/[.]/g, "\\.").replace(/\{\w+\}/g, "[^/]+")}$`) }));
  }

  /** What of an answer is not as it was promised. */
  complaints(asked: Asked, answered: Answered): string[] {
    const [url = "", ..._query] = asked.path.split("?");
    const path = url.length > 1 && url.endsWith("/") ? url.slice(0, -1) : url;
    const isHead = asked.method === "HEAD";
    const operation = this.#operation(isHead ? "GET" : asked.method, path);
    if (!operation) return shown.has(path) || asked.method === "OPTIONS" ? [] : this.#unknown(answered);
    const { status } = answered;
    const place = status in operation.responses ? `${operation.at}/responses/${status}` : undefined;
    if (!place) return status === HEADERS_TOO_LARGE ? [] : [`status ${status} is not described`];
    const { place: there, value: described } = this.#follow<Described>(place);
    return [...this.#headers(there, described, answered), ...(isHead ? [] : this.#body(there, described, answered))];
  }

  /** A path or a method that is not described can only be refused. */
  #unknown({ status, text }: Answered): string[] {
    const isRefusal = status >= 400 && this.#validate("#/components/schemas/Problem", parsed(text)).length === 0;
    return isRefusal ? [] : [`this path or method is not described, and was answered with ${status}`];
  }

  #operation(method: string, path: string): Operation | undefined {
    const known = this.#paths.find(({ pattern }) => pattern.test(path))?.path;
    const at = known && `#/paths/${escaped(known)}/${method.toLowerCase()}`;
    const value = at ? this.#at<Omit<Operation, "at">>(at) : undefined;
    return at && value ? { at, responses: value.responses } : undefined;
  }

  #headers(place: string, { headers = {} }: Described, answered: Answered): string[] {
    return Object.keys(headers).flatMap((name) => {
      const { place: there, value: header } = this.#follow<Json>(`${place}/headers/${escaped(name)}`);
      const given = answered.headers.get(name);
      if (given === null) return header.required === true ? [`there is no header ${name}`] : [];
      const value = (header.schema as Json).type === "integer" ? Number(given) : given;
      return this.#validate(`${there}/schema`, value).map((wrong) => `header ${name}: ${given} ${wrong}`);
    });
  }

  #body(place: string, { content = {} }: Described, { headers, text }: Answered): string[] {
    const type = headers.get("content-type")?.split(";")[0]?.trim();
    if (type === undefined) return text === "" && Object.keys(content).length === 0 ? [] : ["there is no content-type"];
    if (!(type in content)) return [`${type} is not described`];
    const body = /json$/.test(type) ? parsed(text) : text;
    return this.#validate(`${place}/content/${escaped(type)}/schema`, body);
  }

  #validate(place: string, value: unknown): string[] {
    const check = this.#compiled.get(place) ?? this.#ajv.compile({ $ref: `shop${place}` });
    this.#compiled.set(place, check);
    if (check(value)) return [];
    return (check.errors ?? []).map(({ instancePath, message, params }) =>
      [instancePath, message, JSON.stringify(params)].join(" ").trim(),
    );
  }

  /** What is at a place, behind the references that stand there. */
  #follow<T>(place: string): { place: string; value: T } {
    const value = this.#at<T & { $ref?: string }>(place);
    if (value === undefined) throw new Error(`The description has nothing at ${place}.`);
    return value.$ref === undefined ? { place, value } : this.#follow(value.$ref);
  }

  #at<T>(place: string): T | undefined {
    const keys = place
      .slice(2)
      .split("/")
      .map((key) => key.replaceAll("~1", "/").replaceAll("~0", "~"));
    return keys.reduce<unknown>((value, key) => (value as Json | undefined)?.[key], this.#document) as T | undefined;
  }
}

const escaped = (key: string) => key.replaceAll("~", "~0").replaceAll("/", "~1");

/** Undefined for what is no JSON, which fits no schema. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

const map: Readonly<Record<string, Contract>> = contracts;
/** As `/openapi.json` has it, but for the version of the shop. */
export const describedApi = plainCopy(openapi(map, routesOf(map), "0.0.0"));
const ours = new Description(describedApi);

/** What of an answer is not as the description of the API has it. */
export const undescribed = (asked: Asked, answered: Answered): string[] => ours.complaints(asked, answered);

/** @throws where an answer is not as the description of the API has it. */
export function holdToDescription(asked: Asked, answered: Answered): void {
  const wrong = undescribed(asked, answered);
  if (wrong.length)
    throw new Error(
      `${asked.method} ${asked.path} was not answered as /openapi.json says: ${wrong.slice(0, 5).join("; ")}\n${answered.status} ${answered.text.slice(0, 1_000)}`,
    );
}
