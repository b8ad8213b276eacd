import type { ComplexityEstimatorArgs } from "graphql-query-complexity";
import { LONGEST_PAGE, PAGE_SIZE } from "../../shared/schema.ts";
import type { Cost } from "./schema.edge.ts";

/**
 * What a request may ask for at most. A page of a hundred products with everything of them costs some 4,000. How long the
 * lists inside of records are shows when they are there: what comes is counted as well, an item of a list as one and a
 * record behind a link as `perLink`.
 */
export const most = {
  depth: 12,
  aliases: 15,
  directives: 20,
  tokens: 1_000,
  cost: 6_000,
  items: 25_000,
} as const;

export const perLink = 40;

const CALL = 20;
/** The schema of itself is as long as that. */
const INTROSPECTION = 2_500;

/** A call, and each object of a page once for every field that is wanted of it. */
export function costOf({ field, args, childComplexity }: ComplexityEstimatorArgs): number {
  const { cost } = field.extensions as { cost?: Cost };
  if (field.name === "__schema") return INTROSPECTION;
  if (!cost) return 1 + childComplexity;
  const count = cost.isList ? Math.min(LONGEST_PAGE, Math.max(1, Number(args.first ?? PAGE_SIZE))) : 1;
  return CALL + count * childComplexity;
}
