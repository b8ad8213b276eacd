import { maxAliasesPlugin } from "@escape.tech/graphql-armor-max-aliases";
import { maxDepthPlugin } from "@escape.tech/graphql-armor-max-depth";
import { maxDirectivesPlugin } from "@escape.tech/graphql-armor-max-directives";
import { maxTokensPlugin } from "@escape.tech/graphql-armor-max-tokens";
import {
  type DocumentNode,
  type ExecutionArgs,
  GraphQLError,
  type GraphQLSchema,
  type ValidationContext,
} from "graphql";
import { getComplexity } from "graphql-query-complexity";
import { createYoga, type Plugin } from "graphql-yoga";
import type { House } from "../door.ts";
import type { Answer } from "../problem.ts";
import { type Stream, streamHead } from "../stream.edge.ts";
import type { Routed, Visit } from "../visit.edge.ts";
import type { GraphContext } from "./context.ts";
import { costOf, most } from "./limits.ts";
import { GraphRequest } from "./request.edge.ts";

/**
 * What was asked lately, taken apart. Long texts are not kept: a document is many times as large as its text, and anybody
 * may send others.
 */
class Documents {
  readonly #known = new Map<string, DocumentNode>();

  get(text: string): DocumentNode | undefined {
    return this.#known.get(text);
  }

  set(text: string, document: DocumentNode): void {
    if (text.length > LONGEST_KEPT) return;
    const [oldest] = this.#known.keys();
    if (this.#known.size >= MOST_KEPT && oldest !== undefined) this.#known.delete(oldest);
    this.#known.set(text, document);
  }
}

const MOST_KEPT = 100;
const LONGEST_KEPT = 4_000;

/** The bytes of an answer that goes on, until it ends or is stopped. */
async function* bytesOf(response: Response, { signal }: AbortController): AsyncGenerator<Uint8Array, void, undefined> {
  const reader = response.body?.getReader();
  if (!reader) return;
  const cancel = () => void reader.cancel().catch(() => {});
  signal.addEventListener("abort", cancel);
  for (let piece = await reader.read(); !piece.done; piece = await reader.read()) yield piece.value;
}

function costOfRequest(
  schema: GraphQLSchema,
  { document: query, variableValues, operationName }: ExecutionArgs,
): number {
  const variables = variableValues ? { variables: variableValues } : {};
  const operation = operationName ? { operationName } : {};
  return getComplexity({ schema, query, ...variables, ...operation, estimators: [costOf] });
}

const refusedRequest = (message: string): GraphQLError =>
  new GraphQLError(message, { extensions: { code: "GRAPHQL_VALIDATION_FAILED", http: { status: 400 } } });

function refuseCostly(schema: GraphQLSchema): Plugin {
  const refuse = (args: ExecutionArgs, stop: (result: { errors: GraphQLError[] }) => void) => {
    try {
      const cost = costOfRequest(schema, args);
      if (cost > most.cost)
        throw new GraphQLError(`It costs ${cost}, and ${most.cost} is the most: ask for less at once.`);
    } catch (error) {
      // Some cannot be counted: there is too much of it, or a variable is missing.
      stop({ errors: [refusedRequest((error as Error).message)] });
    }
  };
  return {
    onExecute: ({ args, setResultAndStopExecution }) => refuse(args, setResultAndStopExecution),
    onSubscribe: ({ args, setResultAndStopExecution }) => refuse(args, setResultAndStopExecution),
  };
}

/** What they find is what any other rule finds: the request is answered 400. */
const limited = {
  propagateOnRejection: false,
  onReject: [(context: ValidationContext | null, error: GraphQLError) => context?.reportError(error)],
};

/** GraphQL over HTTP, with the door's steps behind every field. */
export class Graph {
  readonly #yoga: ReturnType<typeof createYoga<GraphContext>>;
  readonly #house: House;

  /** `complain` is told of what nobody is told. */
  constructor(schema: GraphQLSchema, house: House, complain: (error: unknown) => void) {
    this.#house = house;
    this.#yoga = createYoga({
      schema,
      graphqlEndpoint: "/graphql",
      graphiql: false,
      landingPage: false,
      cors: false,
      logging: false,
      batching: false,
      parserAndValidationCache: { documentCache: new Documents(), errorCache: { get: () => undefined, set: () => {} } },
      maskedErrors: { maskError: (error) => masked(error, complain) },
      plugins: [
        maxTokensPlugin({ n: most.tokens }),
        maxDepthPlugin({ n: most.depth, ...limited }),
        maxAliasesPlugin({ n: most.aliases, ...limited }),
        maxDirectivesPlugin({ n: most.directives, ...limited }),
        refuseCostly(schema),
      ],
    });
  }

  async answer(request: Routed, visit: Visit, body: string): Promise<Answer> {
    const { method = "GET", url = "/", headers } = request;
    const asked = {
      method,
      headers: { accept: headers.accept ?? "*/*", "content-type": headers["content-type"] ?? "" },
      ...(method === "POST" ? { body } : {}),
    };
    const asking = new GraphRequest(visit, request, this.#house);
    const response = await this.#yoga.fetch(new URL(url, "http://shop"), asked, { asking });
    const type = response.headers.get("content-type") ?? "application/json; charset=utf-8";
    if (asking.followed && type === streamHead.headers["content-type"]) return streamed(response, asking.followed);
    asking.followed?.stop.abort();
    return { status: response.status, headers: { "content-type": type }, body: await response.text() };
  }
}

/** What its field follows goes out as GraphQL has it. */
function streamed(response: Response, { guest, stop }: Stream): Answer {
  const written = (bytes: Uint8Array) => bytes;
  return { ...streamHead, follows: { guest, rest: bytesOf(response, stop), stop, written } as Stream };
}

/** Of what went wrong inside, nothing is said. */
function masked(error: unknown, complain: (error: unknown) => void): Error {
  const { originalError } = (error ?? {}) as { originalError?: unknown };
  const isAnswer = error instanceof GraphQLError && (!originalError || originalError instanceof GraphQLError);
  if (isAnswer) return error;
  complain(originalError ?? error);
  return new GraphQLError("Something broke on our side", { extensions: { code: "internal_error", status: 500 } });
}
