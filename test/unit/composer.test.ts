import fc from "fast-check";
import MailComposer from "nodemailer/lib/mail-composer";
import { composed } from "../../services/notifications/composer.edge.ts";

const mailOf = (text: string, html: string, name = "Ada Byron") => ({
  from: "Lonja <shop@lonja.local>",
  to: { name, address: "ada@example.com" },
  subject: `For ${name}`,
  date: new Date("2026-01-01T12:00:00.000Z"),
  messageId: "<mail_1@lonja.local>",
  text,
  html,
});

/** The parts of a mail as a mail program reads them. */
function partsOf(mail: string): { head: string; text: string }[] {
  const boundary = /boundary="([^"]+)"/.exec(mail)?.[1];
  const [, ...parts] = mail.split(`--${boundary}`).slice(0, -1);
  return parts.map((part) => {
    const [head = "", ...body] = part.slice(2, -2).split("\r\n\r\n");
    return { head, text: decoded(/Content-Transfer-Encoding: (\S+)/.exec(head)?.[1], body.join("\r\n\r\n")) };
  });
}

function decoded(encoding: string | undefined, body: string): string {
  if (encoding === "base64") return Buffer.from(body, "base64").toString();
  if (encoding === "7bit") return body;
  const bytes = body
    .replace(/=\r\n/g, "")
    .replace(/=([0-9A-F]{2})/g, (_, hex) => String.fromCharCode(Number.parseInt(hex, 16)));
  return Buffer.from(bytes, "latin1").toString();
}

const text = fc
  .array(
    fc.oneof(
      fc.string({ unit: "binary" }),
      fc.constantFrom("\n", ".", "\n.\n", "=", " \n", "é".repeat(90), "x".repeat(1200)),
    ),
  )
  .map((pieces) => `.${pieces.join("")}`.replace(/\r\n?/g, "\n").toWellFormed());

describe("a mail that is put together at once", () => {
  test("says what it was given, whatever that is, in lines that every mail server takes", () => {
    fc.assert(
      fc.property(text, text, (plain, html) => {
        const mail = composed(mailOf(plain, html));
        const wanted = [plain, html].map((one) => one.replace(/\n/g, "\r\n"));
        expect(partsOf(mail).map(({ text }) => text)).toEqual(wanted);
        for (const line of mail.split("\r\n")) {
          expect(Buffer.byteLength(line)).toBeLessThanOrEqual(998);
          expect(line).not.toMatch(/[^\t\x20-\x7e]/);
        }
      }),
    );
  });

  test("has the headers that nodemailer's own streams give it", async () => {
    const mail = mailOf("plain", "<p>html</p>", "Ada\r\nBcc: eve@example.com Ñandú");
    const headOf = (text: string) => text.split("\r\n\r\n", 1)[0]?.replace(/_NmP-\w+/, "_NmP");
    const streamed = await new MailComposer({ ...mail, newline: "windows" }).compile().build();
    expect(headOf(composed(mail))).toBe(headOf(String(streamed)));
    expect(composed(mail)).not.toMatch(/^Bcc/m);
  });
});
