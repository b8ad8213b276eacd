import { disagreements } from "../books.ts";
import { adminOf, anOrder, Client, type Reply, stockMugs, until } from "../client.ts";
import { openShop, type Shop } from "../shop.ts";

const UNITS = 200;
const PRICE = 1900;

/** An order with its payment, as both are known outside. */
interface Case {
  order: string;
  payment: string;
  charge: string | undefined;
}

describe("every command in every state", () => {
  let shop: Shop;
  let admin: Client;
  let guest: Client;

  beforeAll(async () => {
    shop = await openShop({ env: { PAYMENT_CAPTURE: "manual" } });
    admin = await adminOf(shop.url);
    guest = new Client(shop.url);
    await stockMugs(admin, UNITS);
  });
  afterAll(() => shop.close());

  const place = async (token: string): Promise<Case> => {
    const { status, body, text } = await guest.buy(anOrder(token));
    if (status !== 201) throw new Error(`${status} ${text}`);
    return { order: body.id, payment: body.payment.id, charge: body.payment.nextAction?.url.split("/").at(-1) };
  };
  const declined = async (): Promise<Case> => {
    expect((await guest.buy(anOrder("tok_declined"))).status).toBe(402);
    const { data } = (await admin.get("/v1/admin/orders?limit=1")).body;
    return { order: data[0].id, payment: data[0].payment.id, charge: undefined };
  };
  const done = (answer: Reply) => {
    if (answer.status >= 300) throw new Error(`${answer.status} ${answer.text}`);
  };
  const having =
    (before: () => Promise<Case>, ...steps: Command[]) =>
    async () => {
      const made = await before();
      for (const step of steps) done(await step(made));
      return made;
    };

  type Command = (made: Case) => Promise<Reply>;
  const pay =
    (what: string, body: object = {}): Command =>
    ({ payment }) =>
      admin.post(`/v1/admin/payments/${payment}/${what}`, body);
  const refund = (amount?: number) => pay("refunds", { reason: "broken", ...(amount ? { amount } : {}) });
  const cancelOrder: Command = ({ order }) => admin.post(`/v1/orders/${order}/cancel`);
  const answerBank =
    (approve: boolean): Command =>
    ({ charge }) =>
      guest.post(`/v1/sandbox/charges/${charge ?? "ch_0123456789"}/confirm`, { approve });

  const commands = {
    "cancel the order": cancelOrder,
    "take all": pay("capture"),
    "take some": pay("capture", { amount: 100 }),
    "take more than there is": pay("capture", { amount: PRICE + 1 }),
    "give back what is reserved": pay("cancel"),
    "refund all": refund(),
    "refund some": refund(100),
    "refund more than there is": refund(PRICE + 1),
    "approve at the bank": answerBank(true),
    "decline at the bank": answerBank(false),
  } satisfies Record<string, Command>;
  type Name = keyof typeof commands;

  const takeAll = pay("capture");
  /** How to get there, and which of the commands are carried out there. All others are refused, and change nothing. */
  const states: Readonly<Record<string, [make: () => Promise<Case>, allowed: Partial<Record<Name, number>>]>> = {
    "waiting for the buyer": [
      () => place("tok_3ds"),
      {
        "cancel the order": 200,
        "give back what is reserved": 200,
        "approve at the bank": 200,
        "decline at the bank": 200,
      },
    ],
    authorized: [
      () => place("tok_visa"),
      { "cancel the order": 200, "take all": 200, "take some": 200, "give back what is reserved": 200 },
    ],
    "taken in part": [
      having(() => place("tok_visa"), pay("capture", { amount: 1000 })),
      { "cancel the order": 200, "take all": 200, "take some": 200, "refund all": 201, "refund some": 201 },
    ],
    taken: [
      having(() => place("tok_visa"), takeAll),
      { "cancel the order": 200, "refund all": 201, "refund some": 201 },
    ],
    // All of it is taken already, so taking all of it is done.
    "refunded in part": [
      having(() => place("tok_visa"), takeAll, refund(500)),
      { "cancel the order": 200, "take all": 200, "refund all": 201, "refund some": 201 },
    ],
    refunded: [having(() => place("tok_visa"), takeAll, refund()), { "cancel the order": 200 }],
    // To cancel once more changes nothing, and is no mistake.
    canceled: [
      having(() => place("tok_visa"), cancelOrder),
      { "cancel the order": 200, "give back what is reserved": 200 },
    ],
    "given back": [
      having(() => place("tok_visa"), pay("cancel")),
      { "cancel the order": 200, "give back what is reserved": 200 },
    ],
    declined: [declined, { "cancel the order": 200 }],
  };

  const seen = async ({ order, payment }: Case) => {
    const [{ body: one }, { body: other }] = await Promise.all([
      admin.get(`/v1/orders/${order}`),
      admin.get(`/v1/payments/${payment}`),
    ]);
    const { version: _v, updatedAt: _u, ...placed } = one;
    const { version, updatedAt, ...paid } = other;
    return { placed, paid };
  };

  describe.each(Object.entries(states))("%s", (_state, [make, allowed]) => {
    test.each(Object.keys(commands) as Name[])("%s", async (name) => {
      const made = await make();
      const before = await seen(made);
      const { status, body, text } = await commands[name](made);
      const wanted = allowed[name];
      if (wanted) expect([status, text]).toEqual([wanted, text]);
      else {
        const isNobodys = made.charge === undefined && name.endsWith("at the bank");
        expect([status, body.code]).toEqual(isNobodys ? [404, "not_found"] : [409, "invalid_state"]);
        expect(await seen(made)).toEqual(before);
      }
      const { paid } = await seen(made);
      expect(paid.captured.amount).toBeLessThanOrEqual(PRICE);
      expect(paid.refunded.amount).toBeLessThanOrEqual(paid.captured.amount);
    });
  });

  test("and afterwards no unit and no cent is missing", async () => {
    const { data } = (await admin.get("/v1/admin/orders?status=requires_action&limit=100")).body;
    for (const { id } of data) done(await admin.post(`/v1/orders/${id}/cancel`));
    const level = (await admin.get("/v1/admin/inventory/MUG")).body;
    expect(level).toMatchObject({ held: 0 });
    const reserved = /kept money|still has money reserved|journal of|invoices of/;
    const wrong = await until(
      async () => (await disagreements(shop, { MUG: UNITS })).filter((one) => !reserved.test(one)),
      (left) => left.length === 0,
      100,
    );
    expect(wrong).toEqual([]);
    // What is kept of an order, taken or not, is what its payment says.
    const charges = (
      await shop.call(
        "sandbox.charges",
        { limit: 100 },
        { meta: { caller: { userId: "usr_0123456789", role: "staff" } } },
      )
    ).data;
    for (const { key, captured, refunded } of charges) {
      const { body } = await admin.get(`/v1/payments/${key}`);
      expect([key, body.captured.amount, body.refunded.amount]).toEqual([key, captured, refunded]);
    }
  });
});
