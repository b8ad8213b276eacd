import { isRefusal, LonjaError } from "../sdk/src/index.ts";
import { failure, heading, left, price, request, sheet, shortened, success, table, time } from "./print.ts";
import { check, findShop, refuses, Surprise, shown, until } from "./shop.ts";
import {
  asGuest,
  buy,
  chargeOf,
  office,
  ofOrder,
  ofProblem,
  purchaseOf,
  type Scene,
  type Story,
  sayStock,
  staffSees,
  untilConfirmed,
} from "./story.ts";

const scenes: Scene[] = [
  {
    title: "Look around",
    says: "Anyone may browse: a list, a search, one product. Every variant says how many can be bought right now.",
    shows: "a catalogue with search and live stock",
    async play(story) {
      const { products } = story.shop.guest;
      const { data } = await products.list({ limit: 20 }, { fetch: shown([]) });
      const firsts = data.slice(0, 6).flatMap(({ title, variants: [first] }) => (first ? [{ title, first }] : []));
      table(
        firsts.map(({ title, first: { sku, price: each, available } }) => ({
          product: title,
          sku,
          price: price(each),
          available,
        })),
      );
      const product = data.find(({ variants }) => variants.some(hasSome));
      const variant = product?.variants.find(hasSome);
      if (!product || !variant) throw new Surprise("Nothing is in stock here. A shop with DEMO=on brings goods along.");
      story.variant = variant;

      const word = product.title.match(/\p{L}{3,}$/u)?.[0] ?? product.title;
      const found = await products.list({ q: word }, { fetch: shown([]) });
      check(
        found.data.some(({ id }) => id === product.id),
        `The search for "${word}" does not find ${product.title}.`,
      );
      table(found.data.map(({ id, title }) => ({ found: title, id })));
      await products.get(product.handle, { fetch: shown(["id", "handle", "title", "description", "variants"]) });
    },
  },
  {
    title: "Buy, as a guest, in one call",
    says: "No account, no cart: the stock is held, the card charged and the order confirmed before the answer. Prices are whole cents. The Idempotency-Key names this one wish to buy.",
    shows: "a purchase in one call",
    async play(story) {
      story.purchase = purchaseOf(story, "tok_visa", 2);
      story.key = `demo-${crypto.randomUUID()}`;
      const options = { idempotencyKey: story.key, fetch: shown([...ofOrder, "guestToken"]) };
      story.order = await story.shop.guest.orders.place(story.purchase, options);
      check(story.order.status === "confirmed", `The order is ${story.order.status}, not confirmed.`);
      await sayStock(story);
    },
  },
  {
    title: "Send the same request again",
    says: "The answer was lost, the buyer clicked twice, a proxy tried again: the same key is the same order.",
    shows: "a repeat of a request buys nothing twice",
    async play(story) {
      const again = await buy(story, story.purchase, ["id", "number", "status"], story.key);
      check(again.id === story.order.id, `The repeat made another order, ${again.id}.`);
      await sayStock(story);
    },
  },
  {
    title: "A card that is declined",
    says: "A refusal is an answer, with a code that clients can rely on. The stock that was held is given back.",
    shows: "a declined card, after which nothing stays held",
    async play(story) {
      await refuses(buy(story, purchaseOf(story, "tok_declined"), ofProblem), "payment_declined");
      await sayStock(story);
    },
  },
  {
    title: "More than there is",
    says: "What is not on the shelf is never sold. The refusal names each SKU with what was asked for and what there is.",
    shows: "no overselling",
    async play(story) {
      const tooMuch = purchaseOf(story, "tok_visa", story.variant.available + 1);
      await refuses(buy(story, tooMuch, ofProblem), "insufficient_stock");
    },
  },
  {
    title: "A card that the buyer has to confirm",
    says: "The order waits, with its stock held, until the buyer has said yes on the bank's page (here a call to the sandbox provider). The news reaches the shop as a signed webhook.",
    shows: "a payment that the buyer confirms with the bank",
    async play(story) {
      const order = await buy(story, purchaseOf(story, "tok_3ds"), ofOrder);
      const charge = chargeOf(order);
      if (order.status !== "requires_action" || !charge) throw new Surprise("The order does not wait for the buyer.");
      const fetch = shown(["id", "status", "amount", "currency"]);
      await story.shop.guest.sandbox.confirm(charge, { approve: true }, { fetch });
      await untilConfirmed(story, order);
    },
  },
  {
    title: "The provider takes the money, and its answer is lost",
    says: "A shop's worst moment: was the card charged or not? Lonja asks the provider until it knows, and never charges again.",
    shows: "an answer of the payment provider that got lost",
    async play(story) {
      story.lost = await buy(story, purchaseOf(story, "tok_timeout"), ofOrder);
      await untilConfirmed(story, story.lost);
    },
  },
  {
    title: "Behind the counter",
    says: "Staff sign in. The provider keeps a record of its own; for the order whose answer was lost it shows one charge.",
    shows: "the provider's own record: still one charge",
    staff: true,
    async play(story) {
      const { shop, lost } = story;
      const fetch = shown(["user.email", "user.role", "expiresIn"], { password: "…" });
      if (shop.admin) await shop.clerk.auth.login(shop.admin, { fetch });
      const { payment } = await shop.clerk.orders.get(lost.id);
      const { sandbox } = office(story);
      const all = await staffSees(
        "GET /v1/admin/sandbox/charges",
        () => sandbox.charges({ limit: 100 }),
        () => true,
      );
      const charges = all.filter(({ key }) => key === payment?.id);
      table(
        charges.map(({ id, status, captured, currency }) => ({
          charge: id,
          status,
          captured: price({ amount: captured, currency }),
        })),
      );
      check(
        charges.length === 1 && charges[0]?.captured === lost.totals.total.amount,
        "It is not charged exactly once.",
      );
    },
  },
  {
    title: "Pay a part back",
    says: "One of the two pieces arrived broken. Never more is paid back than was taken, however many ask at once.",
    shows: "a refund of a part",
    staff: true,
    async play(story) {
      const amount = story.order.lines[0]?.unitPrice.amount;
      const wish = { ...(amount ? { amount } : {}), reason: "one piece was broken" };
      const { refunded } = await office(story).payments.refund(story.order.payment?.id ?? "", wish, {
        fetch: shown(["id", "status", "captured", "refunded", "refunds"]),
      });
      check(refunded.amount === amount, `${price(refunded)} are refunded, which is something else.`);
    },
  },
  {
    title: "What happened to the order",
    says: "Each step of the checkout is saved before it begins, so that any process can take an order up where another died.",
    shows: "the timeline of an order",
    async play(story) {
      const { id } = story.order;
      const options = { ...asGuest(story.order), fetch: shown([]) };
      const { data } = await story.shop.guest.orders.events(id, { limit: 100 }, options);
      table(data.map(({ at, type, detail = "" }) => ({ at: time(at), what: type, detail: shortened(detail, 60) })));
      check(
        data.some(({ type }) => type === "confirmed"),
        "The timeline does not say that the order was confirmed.",
      );
    },
  },
  {
    title: "The invoice",
    says: "Issued when the money is taken, numbered without a gap, and never changed again: its hash would tell.",
    shows: "the invoice",
    async play(story) {
      const { orders } = story.shop.guest;
      const look = () => orders.invoice(story.order.id, asGuest(story.order)).catch(unlessMissing);
      const invoice = await until("there is an invoice", look, (it) => it !== undefined);
      if (!invoice) throw new Surprise("There is no invoice.");
      const { bill, number, status, issuedAt, contentHash } = invoice;
      const { name, line1, postalCode, city, country } = bill.billingAddress;
      request(`GET /v1/orders/${story.order.id}/invoice`, { "x-guest-token": story.order.guestToken }, undefined);
      sheet([
        [`INVOICE ${number}`, issuedAt.slice(0, 10)],
        [`Order ${bill.orderNumber}`, status],
        [""],
        ...[name, line1, `${postalCode} ${city}, ${country}`, ""].map((line) => [line]),
        ...bill.lines.map((line) => [
          `${line.quantity} × ${line.title} at ${price(line.unitPrice)}`,
          price(line.total),
        ]),
        [""],
        ...Object.entries(bill.totals).map(([what, sum]) => [what, price(sum)]),
        [""],
        [`SHA-256 ${contentHash.slice(0, 48)}…`],
      ]);
    },
  },
  {
    title: "The books",
    says: "Double entry for money: debits and credits are equal, always. The stock keeps a journal as well.",
    shows: "a ledger that balances, and a journal of the stock",
    staff: true,
    async play(story) {
      const { id, currency } = story.order;
      const { ledger, inventory } = office(story);
      const entries = await staffSees(
        `GET /v1/admin/ledger?orderId=${id}`,
        () => ledger.list({ orderId: id }),
        ({ length }) => length >= 2,
      );
      const postings = entries.flatMap(({ postings, ...entry }) =>
        postings.map((posting) => ({ ...entry, ...posting })),
      );
      const sum = (amount: number) => (amount ? price({ amount, currency }) : "");
      table(
        postings.map(({ at, kind, account, debit, credit }) => ({
          at: time(at),
          kind,
          account,
          debit: sum(debit),
          credit: sum(credit),
        })),
      );
      check(postings.reduce((rest, { debit, credit }) => rest + debit - credit, 0) === 0, "The books do not balance.");

      const movements = await staffSees(
        `GET /v1/admin/inventory/${story.variant.sku}/movements`,
        () => inventory.movements(story.variant.sku),
        (data) => data.some(({ orderId }) => orderId === id),
      );
      table(
        movements.map(({ at, kind, delta, onHandAfter, orderId }) => ({
          at: time(at),
          kind,
          units: delta,
          "on hand": onHandAfter,
          order: orderId ?? "",
        })),
      );
    },
  },
  {
    title: "The post",
    says: "The confirmation is sent in its own time: by SMTP, or, without SMTP_URL, into a file that any mail program opens.",
    shows: "the confirmation by mail",
    staff: true,
    async play(story) {
      const mails = await staffSees(
        `GET /v1/admin/mails?orderId=${story.order.id}`,
        () => office(story).mails.list({ orderId: story.order.id }),
        (data) => data.some(({ status }) => status !== "queued"),
      );
      table(mails.map(({ to, subject, status, tries }) => ({ to, subject, status, tries })));
    },
  },
];

function unlessMissing(error: unknown): undefined {
  if (!isRefusal(error, "not_found")) throw error;
}

const hasSome = ({ available }: { available: number }) => available >= 5 && available < 9_000;

async function play(story: Story): Promise<void> {
  const { own, url, admin } = story.shop;
  const isLeft = ({ staff }: Scene) => staff === true && admin === undefined;
  heading("Lonja", own ? `No shop answers yet, so one was started for this demo at ${url}.` : `The shop at ${url}.`);
  for (const [index, scene] of scenes.entries()) {
    if (isLeft(scene)) continue;
    heading(`${index + 1}. ${scene.title}`, scene.says);
    await scene.play(story).catch((error: Error) => {
      const isToldShortly = error instanceof Surprise || error instanceof LonjaError;
      throw isToldShortly ? new Surprise(`Scene ${index + 1}, "${scene.title}": ${error.message}`) : error;
    });
  }
  heading("What was shown", scenes.some(isLeft) ? "Some scenes need staff: set ADMIN_PASSWORD to see them." : "");
  for (const scene of scenes) (isLeft(scene) ? left : success)(scene.shows);
}

// Leaving early, by Ctrl-C or with `| head`, takes a shop that was started along.
process.once("SIGINT", () => process.exit(130));
process.stdout.once("error", () => process.exit(1));
try {
  const shop = await findShop(process.env);
  await play({ shop } as Story).finally(() => shop.close());
} catch (error) {
  failure(error instanceof Surprise ? error.message : String((error as Error).stack));
  process.exitCode = 1;
}
