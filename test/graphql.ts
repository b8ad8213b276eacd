import type { Client } from "./client.ts";

/** An answer of GraphQL, as a client sees it. */
export interface GraphAnswer {
  status: number;
  // biome-ignore lint/suspicious/noExplicitAny: what an answer holds is what the test is about.
  data: any;
  errors: { message: string; path?: (string | number)[]; extensions?: Record<string, unknown> }[];
}

/** With it, what is wrong with a request shows in the status of the answer. */
export const asGraphQL = { accept: "application/graphql-response+json" };

/** Asks by GraphQL, as whoever the client is. */
export async function ask(client: Client, query: string, variables: object = {}): Promise<GraphAnswer> {
  const { status, body } = await client.post("/graphql", { query, variables }, asGraphQL);
  return { status, data: body?.data ?? undefined, errors: body?.errors ?? [] };
}

/** The same where nothing is to go wrong. */
export async function read(client: Client, query: string, variables: object = {}): Promise<GraphAnswer["data"]> {
  const { data, errors } = await ask(client, query, variables);
  if (errors.length) throw new Error(JSON.stringify(errors, null, 2));
  return data;
}
