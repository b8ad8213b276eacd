/** What JSON carries unharmed. */
export type Plain = string | number | boolean | null | Plain[] | { [key: string]: Plain };

/**
 * A copy as JSON would have made it. Whatever crosses a service boundary goes through here, so that
 * a call within one process behaves like a call between two: nothing is shared by reference, what is
 * `undefined` is left out, and what JSON cannot carry is an error at once instead of a surprise later.
 */
export function plainCopy<T>(value: T): T {
  return copy(value, "") as T;
}

function copy(value: unknown, path: string): unknown {
  if (typeof value === "string" || typeof value === "boolean" || value === null) return value;
  if (typeof value === "number") {
    if (Number.isFinite(value)) return value;
    throw new TypeError(`${path || "the value"} is ${value}, which JSON cannot carry`);
  }
  if (Array.isArray(value)) return value.map((item, index) => copy(item ?? null, `${path}/${index}`));
  if (typeof value !== "object" || !isPlainObject(value))
    throw new TypeError(`${path || "the value"} is not plain JSON`);

  const result: Record<string, unknown> = {};
  for (const key of Object.keys(value)) {
    if (key === "__proto__") throw new TypeError(`${path}/__proto__ would not be a field`);
    const item = (value as Record<string, unknown>)[key];
    if (item !== undefined) result[key] = copy(item, `${path}/${key}`);
  }
  return result;
}

function isPlainObject(value: object): boolean {
  const prototype = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null || prototype.constructor?.name === "Object";
}
