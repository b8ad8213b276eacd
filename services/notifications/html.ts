/** Text that is HTML already. */
export class Html {
  readonly source: string;

  constructor(source: string) {
    this.source = source;
  }
}

const signs: Readonly<Record<string, string>> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;" };
const escaped = (text: string) => text.replace(/[&<>"']/g, (sign) => signs[sign] ?? sign);

type Value = string | number | Html | readonly Value[];

function inHtml(value: Value): string {
  if (value instanceof Html) return value.source;
  return typeof value === "object" ? value.map(inHtml).join("") : escaped(String(value));
}

/** HTML with values in it. Whatever is not HTML itself is escaped, so that nothing can be forgotten. */
export const html = (strings: TemplateStringsArray, ...values: readonly Value[]): Html =>
  new Html(String.raw({ raw: strings }, ...values.map(inHtml)));
