/**
 * What no answer and no line of a log has to show: where code stands, how the store is asked, addresses with passwords
 * in them, folders of the machine. What a client has sent itself is no leak, so nothing here is part of what tests send.
 */
const patterns: Readonly<Record<string, RegExp>> = {
  "a stack": /\n\s+at |\bat .{1,200}\.(ts|js|mjs):\d+|node:internal|node_modules/,
  "a failure's name":
    /\b(TypeError|RangeError|ReferenceError|SyntaxError|AggregateError|Cannot read prop|is not a function)/,
  "the store":
    /SQLITE|\bSELECT\b.{1,200}\bFROM\b|\bINSERT INTO\b|json_extract|UNIQUE constraint|MongoServer|\bE11000\b|SQLSTATE/,
  "an address with a password": /\w+:\/\/[^\s/:"]*:[^\s/@"]+@/,
  "the system": /\b(ECONN|ENOENT|EACCES|EPIPE|EADDR)\w*|\broot:x:0|\/(home|tmp|root|usr|var)\/\w/,
};

/** What is shown that should not be. */
export function leaksIn(text: string, secrets: readonly string[] = []): string[] {
  return [
    ...Object.entries(patterns).flatMap(([what, pattern]) => (pattern.test(text) ? [what] : [])),
    ...secrets.filter((secret) => text.includes(secret)).map((secret) => `a secret, ${secret.slice(0, 12)}…`),
  ];
}
