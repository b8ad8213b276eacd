import type { Query } from "./store.ts";

/** How one SQL store says what differs between them. */
export interface Dialect {
  /** The column of a declared field. */
  column(field: string): string;
  isList(field: string): boolean;
  /** Takes a value in and answers its placeholder. */
  bind(value: unknown, field: string): string;
  bindAll(values: readonly unknown[], field: string): string;
  contains(column: string, placeholder: string): string;
  isOneOf(column: string, placeholder: string): string;
  isNot(column: string, placeholder: string): string;
}

const comparisons: Record<string, string> = { $gt: ">", $gte: ">=", $lt: "<", $lte: "<=" };

/** The stores' query language as an SQL condition; empty where everything is wanted. */
export function conditions(query: Query, dialect: Dialect): string {
  const parts = Object.entries(query).flatMap(([field, condition]) => {
    if (condition === undefined) return [];
    if (field === "$or" || field === "$and") {
      const all = (condition as Query[]).map((part) => `(${conditions(part, dialect) || "TRUE"})`);
      return [`(${all.join(field === "$or" ? " OR " : " AND ")})`];
    }
    const column = dialect.column(field);
    if (condition === null) return [`${column} IS NULL`];
    if (typeof condition !== "object") {
      const value = dialect.bind(condition, field);
      return [dialect.isList(field) ? dialect.contains(column, value) : `${column} = ${value}`];
    }
    return Object.entries(condition).map(([operator, value]) => {
      if (operator === "$in") {
        const values = value as unknown[];
        // For one value a store plans once, for several each time.
        return values.length === 1
          ? `${column} = ${dialect.bind(values[0], field)}`
          : dialect.isOneOf(column, dialect.bindAll(values, field));
      }
      if (operator === "$ne")
        return value === null ? `${column} IS NOT NULL` : dialect.isNot(column, dialect.bind(value, field));
      const comparison = comparisons[operator];
      if (!comparison) throw new Error(`${operator} is not part of the stores' query language`);
      return `${column} ${comparison} ${dialect.bind(value, field)}`;
    });
  });
  return parts.join(" AND ");
}

/** `ORDER BY`, from declared fields with `-` for descending. */
export function ordering(sort: string | readonly string[], column: Dialect["column"]): string {
  const fields = [sort].flat();
  const terms = fields.map((field) => (field.startsWith("-") ? `${column(field.slice(1))} DESC` : column(field)));
  return terms.length ? ` ORDER BY ${terms.join(", ")}` : "";
}
