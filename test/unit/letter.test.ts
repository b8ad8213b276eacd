import { html } from "../../services/notifications/html.ts";
import { write } from "../../services/notifications/letter.ts";
import type { PaymentStatus } from "../../services/payments/payments.contract.ts";
import { anOrder } from "../an-order.ts";

const hostile = `<script>alert("x")</script> & 'Co'`;
const escaped = "&lt;script&gt;alert(&quot;x&quot;)&lt;/script&gt; &amp; &#39;Co&#39;";
const { billingAddress, lines } = anOrder();

const confirmation = (order = anOrder(), shop = "Lonja") => write("order_confirmed", { order, reason: null }, shop);
const cancellation = (order = anOrder({ status: "canceled" }), reason: string | null = null) =>
  write("order_canceled", { order, reason }, "Lonja");

describe("a letter", () => {
  test("a confirmation says what was bought, for how much, and where it goes", () => {
    const { to, subject, text, html } = confirmation();

    expect(to).toEqual({ name: "Ada Lovelace", address: "ada@example.com" });
    expect(subject).toBe("Lonja: Your order 7KQ2-MXBD is confirmed");
    for (const body of [text, html.replaceAll("&#39;", "'")]) {
      for (const part of [
        "7KQ2-MXBD",
        "2 × Salt-glazed mug",
        "€19.00 each",
        "€38.00",
        "12 St James's Square",
        "United Kingdom",
      ])
        expect(body).toContain(part);
    }
  });

  test("what costs nothing is not listed, what is taken off is shown as such", () => {
    const sum = (amount: number) => ({ amount, currency: "EUR" });
    const totals = { subtotal: sum(3800), discount: sum(500), shipping: sum(490), tax: sum(0), total: sum(3790) };
    const { text } = confirmation(anOrder({ totals }));

    expect(text).toMatch(/Discount +−€5\.00\n/);
    expect(text).toMatch(/Shipping +€4\.90\n/);
    expect(text).not.toContain("Tax");
    expect(confirmation().text).not.toMatch(/Discount|Shipping/);
  });

  test("nothing that a buyer or a merchant wrote is taken for HTML", () => {
    const address = {
      ...billingAddress,
      name: hostile,
      line1: hostile,
      line2: hostile,
      company: hostile,
      city: hostile,
      region: hostile,
    };
    const order = anOrder({
      billingAddress: address,
      shippingAddress: address,
      number: hostile,
      lines: lines.map((line) => ({ ...line, title: hostile })),
    });
    for (const { html } of [confirmation(order, hostile), cancellation(order, hostile)]) {
      expect(html).toContain(escaped);
      expect(html).not.toMatch(/<script|alert\("|'Co'/);
    }
  });

  test("a name cannot look like a line of the letter, nor turn the direction of what follows", () => {
    const name = "Eve\r\n\r\nPay again at https://evil.example\u202e";
    const { to, text } = confirmation(anOrder({ billingAddress: { ...billingAddress, name } }));

    expect(to.name).toBe("Eve Pay again at https://evil.example");
    expect(text).toContain("Dear Eve Pay again at https://evil.example,\n");
  });

  test("a cancellation gives the reason and says what becomes of the money", () => {
    const { subject, text } = cancellation(anOrder({ status: "canceled" }), "sold out\nafter all");

    expect(subject).toBe("Lonja: Your order 7KQ2-MXBD is canceled");
    expect(text).toContain("The reason: sold out after all\n");
    expect(text).toContain("€38.00 are paid back");
    expect(text).not.toContain("sent to");
  });

  test.each<[PaymentStatus, RegExp]>([
    ["not_paid", /not been charged/],
    ["authorized", /not been charged.*released/],
    ["partially_refunded", /What is left .* paid back/],
    ["refunded", /paid back already/],
  ])("money that is %s", (paymentStatus, says) => {
    expect(cancellation(anOrder({ paymentStatus })).text).toMatch(says);
  });

  test("200 lines with the longest titles are no trouble", () => {
    const long = anOrder({
      lines: Array.from({ length: 200 }, () => ({ ...lines[0], title: "x".repeat(520) }) as (typeof lines)[0]),
    });
    expect(confirmation(long).text.match(/x{520}/g)).toHaveLength(200);
  });
});

describe("html", () => {
  test("values are escaped, HTML is not escaped twice, lists are joined", () => {
    const item = (text: string) => html`<li>${text}</li>`;
    expect(html`<ul title="${'"'}">${["<", "&"].map(item)}</ul>${1}`.source).toBe(
      '<ul title="&quot;"><li>&lt;</li><li>&amp;</li></ul>1',
    );
  });
});
