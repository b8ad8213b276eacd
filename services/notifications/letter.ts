import type { Order } from "../orders/orders.contract.ts";
import type { PaymentStatus, Totals } from "../payments/payments.contract.ts";
import { moneyWriter } from "../shared/money.ts";
import type { Address } from "../shared/schema.ts";
import { type Html, html } from "./html.ts";
import type { Template } from "./notifications.contract.ts";

/** What goes into the envelope: the same words twice, for people who like HTML and for those who do not. */
export interface Letter {
  to: { name: string; address: string };
  subject: string;
  text: string;
  html: string;
}

interface Matter {
  order: Order;
  reason: string | null;
}

/** Where letters differ. How they are laid out is the same for all. */
interface Words {
  title: (order: Order) => string;
  says: (matter: Matter) => string[];
  /** Whether something will arrive at the buyer's address. */
  ships: boolean;
}

const money = (order: Order) => moneyWriter(order.currency);

const wait = "Depending on your bank this takes a few days.";

/** What becomes of the money when an order is canceled, by what had become of it until then. */
const refunds: Record<PaymentStatus, (order: Order) => string> = {
  not_paid: () => "You have not been charged.",
  awaiting: () => `You will not be charged. Should your bank have reserved the money, it is released. ${wait}`,
  requires_action: () => "You have not been charged.",
  authorized: () => `You have not been charged. What your bank has reserved is released. ${wait}`,
  partially_captured: () => `What you have paid is paid back the way it came. ${wait}`,
  captured: (order) => `${money(order)(order.totals.total)} are paid back the way they came. ${wait}`,
  partially_refunded: () => `What is left of your payment is paid back the way it came. ${wait}`,
  refunded: () => "Your payment has been paid back already.",
  canceled: () => "You have not been charged.",
  failed: () => "You have not been charged.",
};

const words: Record<Template, Words> = {
  order_confirmed: {
    title: ({ number }) => `Your order ${number} is confirmed`,
    says: ({ order }) => [`Thank you for your order. It is confirmed, and its number is ${order.number}.`],
    ships: true,
  },
  order_canceled: {
    title: ({ number }) => `Your order ${number} is canceled`,
    says: ({ order, reason }) => [
      `Your order ${order.number} has been canceled.`,
      ...(reason ? [`The reason: ${reason}`] : []),
      refunds[order.paymentStatus](order),
    ],
    ships: false,
  },
};

/** Writes the letter that tells a buyer what became of an order. */
export function write(template: Template, matter: Matter, shopName: string): Letter {
  const order = tidy(matter.order);
  const { title, says, ships } = words[template];
  const content: Content = {
    shopName: tidy(shopName),
    greeting: `Dear ${order.billingAddress.name},`,
    says: says({ order, reason: tidy(matter.reason) }),
    lines: linesOf(order),
    totals: totalsOf(order),
    address: ships ? addressOf(order.shippingAddress) : [],
  };
  const subject = `${content.shopName}: ${title(order)}`;
  return {
    to: { name: order.billingAddress.name, address: order.email },
    subject,
    text: asText(content),
    html: asHtml(subject, content).source,
  };
}

interface Content {
  shopName: string;
  greeting: string;
  says: string[];
  lines: { what: string; each: string; total: string }[];
  totals: [label: string, sum: string][];
  address: string[];
}

/**
 * Every text on one line, and without the signs that turn the direction of what follows: a name must not
 * be able to look like a line of ours.
 */
function tidy<T>(value: T): T {
  if (typeof value === "string") return value.replace(/[\s\u202a-\u202e\u2066-\u2069]+/g, " ").trim() as T;
  if (Array.isArray(value)) return value.map(tidy) as T;
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, tidy(item)])) as T;
}

function linesOf(order: Order): Content["lines"] {
  const sum = money(order);
  return order.lines.map(({ quantity, title, unitPrice, total }) => ({
    what: `${quantity} × ${title}`,
    each: sum(unitPrice),
    total: sum(total),
  }));
}

/** What is always shown, and what only when there is something of it. */
const rows: [keyof Totals, label: string, sign: "" | "−", always: boolean][] = [
  ["subtotal", "Subtotal", "", true],
  ["discount", "Discount", "−", false],
  ["shipping", "Shipping", "", false],
  ["tax", "Tax", "", false],
  ["total", "Total", "", true],
];

function totalsOf(order: Order): Content["totals"] {
  const sum = money(order);
  return rows.flatMap(([key, label, sign, always]): Content["totals"] =>
    always || order.totals[key].amount > 0 ? [[label, `${sign}${sum(order.totals[key])}`]] : [],
  );
}

const lands = new Intl.DisplayNames(["en"], { type: "region" });

function addressOf({ name, company, line1, line2, postalCode, city, region, country }: Address): string[] {
  const land = lands.of(country) ?? country;
  return [name, company, line1, line2, `${postalCode} ${city}`, region, land].flatMap((line) => line || []);
}

const WIDTH = 64;
const inColumns = (left: string, right: string) =>
  `${left}${" ".repeat(Math.max(1, WIDTH - left.length - right.length))}${right}`;

function asText({ shopName, greeting, says, lines, totals, address }: Content): string {
  const parts = [
    [greeting],
    ...says.map((sentence) => [sentence]),
    lines.map(({ what, each, total }) => inColumns(`${what} (${each} each)`, total)),
    totals.map(([label, sum]) => inColumns(label, sum)),
    ...(address.length ? [["It will be sent to:", "", ...address]] : []),
    [shopName],
  ];
  return `${parts.map((part) => part.join("\n")).join("\n\n")}\n`;
}

const right = html` style="text-align:right;padding-left:2em"`;

function asHtml(title: string, { shopName, greeting, says, lines, totals, address }: Content): Html {
  const paragraph = (inside: string | Html) => html`\n<p>${inside}</p>`;
  const line = ({ what, each, total }: Content["lines"][number]) =>
    html`\n<tr><td>${what}</td><td${right}>${each} each</td><td${right}>${total}</td></tr>`;
  const sum = ([label, money]: Content["totals"][number]) =>
    html`\n<tr><th colspan="2" style="text-align:left">${label}</th><td${right}>${money}</td></tr>`;
  const lastly = address.length ? [paragraph("It will be sent to:"), paragraph(joined(address))] : [];
  return html`<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>${title}</title></head>
<body style="font-family:sans-serif;line-height:1.5;max-width:40em">${[greeting, ...says].map(paragraph)}
<table style="border-collapse:collapse">${lines.map(line)}${totals.map(sum)}
</table>${[...lastly, paragraph(shopName)]}
</body>
</html>
`;
}

const joined = (lines: readonly string[]): Html => html`${lines.map((line, at) => (at ? html`<br>${line}` : line))}`;
