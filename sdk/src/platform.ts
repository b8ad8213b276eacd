/*
 * What browsers and Node have alike, by the types that the program has which uses the client: those of the DOM, those of
 * Node, or none.
 */

export type Signal = typeof globalThis extends { AbortSignal: { prototype: infer Known } } ? Known : object;
export type Fetch = typeof globalThis extends { fetch: infer Known }
  ? Known
  : (url: string, init: object) => Promise<object>;
