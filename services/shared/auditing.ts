import { Maybe, Nullable, paging, Shape, Type } from "./schema.ts";

/**
 * How doctor goes through the records of a service: all of them a page at a time, in the order of their key, or those
 * of some keys. What is answered is what is kept, right or wrong: so the schemas of it say no more than its types.
 */
export const auditing = {
  keys: Maybe(Type.Array(Type.String({ maxLength: 200 }), { minItems: 1, maxItems: 500 })),
  limit: Maybe(Type.Integer({ minimum: 1, maximum: 1000, default: 500 })),
  cursor: paging.cursor,
};

export interface Audit {
  keys?: string[];
  limit?: number;
  cursor?: string;
}

/** A sum of money as it is kept. */
export const Sum = Shape({ amount: Type.Integer(), currency: Type.String() });

export const TellsSince = Nullable(
  Type.String({ description: "Since when it has facts that are not delivered; null: it has told all." }),
);

/** A fact that a record has still to tell. It will be told, so what is to come of it is not missing. */
export interface Waiting {
  type: string;
  at: string;
  data: unknown;
}

export const sinceOf = (waiting: readonly Waiting[]): string | null => waiting[0]?.at ?? null;
