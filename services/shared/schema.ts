import Type, { type Static, type TProperties, type TSchema } from "typebox";
import Format from "typebox/format";

export type { Static, TSchema };
export { Type };

/** An object that has these fields and no others. */
export const Shape = <P extends TProperties>(properties: P, options: { description?: string } = {}) =>
  Type.Object(properties, { additionalProperties: false, ...options });

export const Maybe = Type.Optional;

/** Either the value or null: present in every answer, even while there is nothing to say. */
export const Nullable = <T extends TSchema>(schema: T) => Type.Union([schema, Type.Null()]);

export const OneOf = <const V extends readonly string[]>(values: V, description?: string) =>
  Type.Unsafe<V[number]>({ type: "string", enum: values, ...(description ? { description } : {}) });

/** Text for people: no control characters but line breaks and tabs, and no half of a surrogate pair. */
Format.Set("text", (value) => !/[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f]/.test(value) && value.isWellFormed());
/** An address that has one @, a dotted domain, and nothing that could break out of a mail header. */
export const emailPattern = /^[^\s@<>(),;:"\\[\]\u0000-\u001f\u007f]{1,64}@[a-z0-9-]+(\.[a-z0-9-]+)+$/i;
Format.Set("email", (value) => emailPattern.test(value));

export const Text = (minLength: number, maxLength: number, description?: string) =>
  Type.String({ minLength, maxLength, format: "text", ...(description ? { description } : {}) });

export const Id = <P extends string>(prefix: P) =>
  Type.String({ pattern: `^${prefix}_[0-9a-z]{10,40}$`, description: `An id that begins with ${prefix}_.` });

export const Email = Type.String({ format: "email", minLength: 3, maxLength: 254 });
export const Currency = Type.String({ pattern: "^[A-Z]{3}$", description: "ISO 4217, such as EUR." });
export const Country = Type.String({ pattern: "^[A-Z]{2}$", description: "ISO 3166-1 alpha-2, such as ES." });
export const Time = Type.String({
  pattern: "^\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d\\.\\d{3}Z$",
  description: "ISO 8601 in UTC.",
});
export const Sku = Type.String({
  pattern:
    "^(?!__proto__$)[^\\s\\u0000-\\u001f/?#\\u007f](?:[^\\u0000-\\u001f/?#\\u007f]{0,62}[^\\s\\u0000-\\u001f/?#\\u007f])?$",
  description: "Stock keeping unit: 1 to 64 characters without /, ? or #.",
});

/** The largest sum of money that Lonja handles, in minor units: all arithmetic stays exact below it. */
export const MAX_AMOUNT = 1_000_000_000_000;
export const MAX_QUANTITY = 10_000;

export const Amount = Type.Integer({
  minimum: 0,
  maximum: MAX_AMOUNT,
  description: "Whole minor units (cents).",
});
export const Quantity = Type.Integer({ minimum: 1, maximum: MAX_QUANTITY });
export const Version = Type.Integer({ minimum: 1, description: "Grows by one with every change." });

export const Money = Shape({ amount: Amount, currency: Currency });
export type Money = Static<typeof Money>;

export const Address = Shape({
  name: Text(1, 200),
  line1: Text(1, 200),
  line2: Maybe(Text(0, 200)),
  city: Text(1, 100),
  region: Maybe(Text(0, 100)),
  postalCode: Text(1, 20),
  country: Country,
  phone: Maybe(Text(0, 40)),
  company: Maybe(Text(0, 200)),
});
export type Address = Static<typeof Address>;

/** What every list takes beside its filters. */
export const paging = {
  limit: Maybe(Type.Integer({ minimum: 1, maximum: 100, default: 20 })),
  cursor: Maybe(Type.String({ minLength: 1, maxLength: 512, description: "`nextCursor` of the page before." })),
};

export const PageOf = <T extends TSchema>(item: T) =>
  Shape({ data: Type.Array(item), nextCursor: Nullable(Type.String()) });

export interface Page<T> {
  data: T[];
  nextCursor: string | null;
}

export const Nothing = Type.Null();
