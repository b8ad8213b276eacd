import { Picture } from "../../services/catalog/catalog.contract.ts";
import { formats } from "../../services/shared/schema.ts";

const isEmail = (text: string) => formats.email.test(text);
const isText = (text: string) => formats.text.test(text);

describe("formats", () => {
  test.each(["ada@example.com", "ada+shop@mail.example.co.uk", "O'Hara@EXAMPLE.com", "señora@example.es", "a@1.de"])(
    "%s is an address",
    (address) => {
      expect(isEmail(address)).toBe(true);
    },
  );

  test.each([
    ["a domain without a dot", "ada@localhost"],
    ["two @", "ada@eva@example.com"],
    ["a label that begins with a hyphen", "ada@example.-com"],
    ["a label that ends with one", "ada@example-.com"],
    ["a label without letters", "ada@example..com"],
    ["a label that is too long", `ada@${"a".repeat(64)}.com`],
    ["a line break", "ada\n@example.com"],
    ["a line break at the end", "ada@example.com\n"],
    ["a control character of the second kind", "ada\u0085@example.com"],
    ["what a mail header would take for another address", "ada,eva@example.com"],
    ["too much before the @", `${"a".repeat(65)}@example.com`],
  ])("what has %s is none", (_, address) => {
    expect(isEmail(address)).toBe(false);
  });

  test("an address that goes on for ever is refused at once", () => {
    expect(isEmail(`ada@${"a-".repeat(30_000)}`)).toBe(false);
  });

  test("text has line breaks and tabs, and no other control characters", () => {
    expect(["", "Grüße,\r\n\tEva 🐟"].map(isText)).toEqual([true, true]);
    expect(["\u0000", "a\u001bb", "\u007f"].map(isText)).toEqual([false, false, false]);
  });
});

describe("the address of a picture", () => {
  const isUrl = (text: string) =>
    new RegExp((Picture.properties.url as { pattern?: string }).pattern ?? "", "u").test(text);

  test.each([
    "https://cdn.example.com/a/b.jpg?v=1",
    "http://127.0.0.1:3000/x",
    "https://example.com",
    "/v1/pictures/mug.svg",
  ])("%s is one", (url) => {
    expect(isUrl(url)).toBe(true);
  });

  test.each([
    "//elsewhere.example.com/a.jpg",
    "https://",
    "https://[",
    "https://ada:secret@example.com/a.jpg",
    "javascript:alert(1)",
    "/",
    "https://example.com/a b",
    'https://example.com/"onerror=',
  ])("%s is none", (url) => {
    expect(isUrl(url)).toBe(false);
  });
});
