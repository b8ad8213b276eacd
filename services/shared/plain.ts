/** What JSON carries unharmed. */
export type Plain = string | number | boolean | null | Plain[] | { [key: string]: Plain };

/** Objects that nobody can change any more, all the way down. */
const unchanging = new WeakSet<object>();

/**
 * A copy as JSON would have made it. Whatever crosses a service boundary goes through here, so that
 * a call within one process behaves like a call between two: nothing that can change is shared by reference, what is
 * `undefined` is left out, and what JSON cannot carry is an error at once instead of a surprise later.
 */
export function plainCopy<T>(value: T): T {
  try {
    return copy(value) as T;
  } catch (error) {
    if (error instanceof NotPlain) throw new TypeError(`${pathIn(value) || "the value"} ${error.message}`);
    throw error;
  }
}

/** A copy that is frozen throughout, and so never copied again: for what is given to many as it is. */
export function unchangingCopy<T>(value: T): T {
  return frozen(plainCopy(value));
}

export const isUnchanging = (value: unknown): value is object =>
  typeof value === "object" && value !== null && unchanging.has(value);

class NotPlain extends Error {}

function copy(value: unknown): unknown {
  if (typeof value === "string" || typeof value === "boolean" || value === null) return value;
  if (typeof value === "number") {
    if (Number.isFinite(value)) return value;
    throw new NotPlain(`is ${value}, which JSON cannot carry`);
  }
  if (typeof value !== "object") throw new NotPlain("is not plain JSON");
  if (Object.isFrozen(value) && unchanging.has(value)) return value;
  if (Array.isArray(value)) return value.map((item) => copy(item ?? null));
  if (!isPlainObject(value)) throw new NotPlain("is not plain JSON");

  const result: Record<string, unknown> = {};
  for (const key of Object.keys(value)) {
    if (key === "__proto__") throw new NotPlain("has a __proto__, which would not be a field");
    const item = (value as Record<string, unknown>)[key];
    if (item !== undefined) result[key] = copy(item);
  }
  return result;
}

function isPlainObject(value: object): boolean {
  const prototype = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null || prototype.constructor?.name === "Object";
}

/** Where in a value that has it is what cannot be copied. */
function pathIn(value: unknown): string {
  const wrong = Object.entries(value ?? {}).find(([, item]) => {
    try {
      return item !== undefined && copy(item) === undefined;
    } catch {
      return true;
    }
  });
  return wrong ? `/${wrong[0]}${pathIn(wrong[1])}` : "";
}

function frozen<T>(value: T): T {
  if (typeof value !== "object" || value === null || unchanging.has(value)) return value;
  for (const item of Object.values(value)) frozen(item);
  unchanging.add(value);
  return Object.freeze(value);
}
