import Type, { type Static, type TObject, type TProperties, type TSchema } from "typebox";
import Format from "typebox/format";

export type { Static, TSchema };
export { Type };

/** An object that has these fields and no others; what it is, in a sentence, where it has a name. */
export function Shape<P extends TProperties>(properties: P): TObject<P>;
export function Shape<P extends TProperties>(description: string, properties: P): TObject<P>;
export function Shape<P extends TProperties>(first: string | P, second?: P): TObject<P> {
  const [description, properties] = typeof first === "string" ? [first, second as P] : [undefined, first];
  return Type.Object(properties, { additionalProperties: false, ...(description ? { description } : {}) });
}

export const Maybe = Type.Optional;

/** Either the value or null: present in every answer, even while there is nothing to say. */
export const Nullable = <T extends TSchema>(schema: T) => Type.Union([schema, Type.Null()]);

export const OneOf = <const V extends readonly string[]>(values: V, description?: string) =>
  Type.Unsafe<V[number]>({ type: "string", enum: values, ...(description ? { description } : {}) });

/** At most 63 letters, digits and hyphens, which stand only in between. */
const label = "[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?";
/** An address that has one @, a dotted domain, and nothing that could break out of a mail header. */
export const emailPattern = new RegExp(
  `^[^\\s@<>(),;:"\\\\\\[\\]\\u0000-\\u001f\\u007f-\\u009f]{1,64}@${label}(\\.${label})+$`,
  "u",
);
/** Text for people: no control characters but line breaks and tabs. */
const textPattern = /^[^\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f]*$/u;

/** What a `format` means here. Whoever reads the description of the API sees it as a pattern. */
export const formats = { text: textPattern, email: emailPattern } as const;
// Half of a surrogate pair is nothing that could be sent on.
for (const [name, pattern] of Object.entries(formats))
  Format.Set(name, (value) => pattern.test(value) && value.isWellFormed());

export const Text = (minLength: number, maxLength: number, description?: string) =>
  Type.String({ minLength, maxLength, format: "text", ...(description ? { description } : {}) });

export const Id = <P extends string>(prefix: P) =>
  Type.String({ pattern: `^${prefix}_[0-9a-z]{10,40}$`, description: `An id that begins with ${prefix}_.` });

export const Email = Type.String({
  format: "email",
  minLength: 3,
  maxLength: 254,
  description: "An e-mail address.",
});
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

export const Money = Shape("A sum of money.", { amount: Amount, currency: Currency });
export type Money = Static<typeof Money>;

export const Address = Shape("Where something goes, or who pays.", {
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

/** How many items a page has at most where nobody says. */
export const PAGE_SIZE = 20;
export const LONGEST_PAGE = 100;

/** What every list takes beside its filters. */
export const paging = {
  limit: Maybe(Type.Integer({ minimum: 1, maximum: LONGEST_PAGE, default: PAGE_SIZE })),
  cursor: Maybe(
    Type.String({
      minLength: 1,
      maxLength: 512,
      description: "`nextCursor` of the page before, or one of the `cursors` of any page.",
    }),
  ),
  cursors: Maybe(
    Type.Boolean({
      description: "With it the answer has `cursors`: for each item the cursor with which the list goes on behind it.",
    }),
  ),
};

export interface Paging {
  limit?: number | undefined;
  cursor?: string | undefined;
  cursors?: boolean | undefined;
}

export const PageOf = <T extends TSchema>(item: T) =>
  Shape({
    data: Type.Array(item),
    nextCursor: Nullable(Type.String()),
    cursors: Maybe(Type.Array(Type.String(), { description: "One for each item of `data`, where it was asked for." })),
  });

export interface Page<T> {
  data: T[];
  nextCursor: string | null;
  cursors?: string[];
}

export const Nothing = Type.Null();
