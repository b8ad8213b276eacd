import { adminOf, anOrder, Client, stockMugs, until } from "../client.ts";
import { Listener } from "../listener.ts";
import { openShop, type Shop } from "../shop.ts";

let shop: Shop;
let admin: Client;
let guest: Client;
const listeners: Listener[] = [];
beforeAll(async () => {
  shop = await openShop({ env: { DOCTOR_EVERY_MINUTES: "0" } });
  admin = await adminOf(shop.url);
  guest = new Client(shop.url);
  await stockMugs(admin, 100);
});
afterAll(async () => {
  for (const listener of listeners) listener.drop();
  await shop.close();
});

/** Subscribes as a browser's EventSource would. */
async function subscribe(query: string, variables: object, headers: Record<string, string> = {}): Promise<Listener> {
  const asked = new URLSearchParams({ query, variables: JSON.stringify(variables) });
  const accept = { accept: "text/event-stream", ...headers };
  const listener = await Listener.open(`${shop.url}/graphql?${asked}`, accept);
  listeners.push(listener);
  return listener;
}

const dataOf = ({ heard }: Listener) => heard.filter(({ type }) => type === "next").map(({ data }) => data.data);

const awaiting = async () => {
  const { id, guestToken, payment } = (await guest.buy(anOrder("tok_3ds"))).body;
  const confirm = () =>
    guest.post(`/v1/sandbox/charges/${payment.nextAction.url.split("/").at(-1)}/confirm`, { approve: true });
  return { id, token: guestToken, confirm };
};

const ORDER = `subscription($id: ID!, $token: String) {
  order(id: $id, guestToken: $token) { status invoice { number } lines { product { handle } } }
}`;

test("an order is shown at once, and as often as it is another one", async () => {
  const { confirm, ...asked } = await awaiting();
  const listener = await subscribe(ORDER, asked);
  await listener.got(1);
  expect(dataOf(listener)).toEqual([
    { order: { status: "REQUIRES_ACTION", invoice: null, lines: [{ product: { handle: "a-mug" } }] } },
  ]);
  await confirm();
  await until(
    async () => dataOf(listener).at(-1).order.status,
    (status) => status === "CONFIRMED",
  );
  const last = { status: "CONFIRMED", invoice: { number: expect.stringMatching(/^INV-/) } };
  expect(dataOf(listener).at(-1).order).toMatchObject(last);
});

test("what happens to an order comes with cursors, from which it goes on without a gap or a repeat", async () => {
  const query = `subscription($id: ID!, $token: String, $after: String) {
    orderEvents(id: $id, guestToken: $token, after: $after) { cursor node { type } }
  }`;
  const { confirm, ...asked } = await awaiting();
  const listener = await subscribe(query, asked);
  await listener.got(3);
  await confirm();
  const edges = (of: Listener) => dataOf(of).map(({ orderEvents }) => orderEvents);
  await until(
    async () => edges(listener).at(-1).node.type,
    (type) => type === "payment_captured" || type === "confirmed",
  );
  const { body } = await guest.get(`/v1/orders/${asked.id}/events?token=${asked.token}&limit=100`);
  expect(edges(listener).map(({ node }) => node.type)).toEqual(body.data.map(({ type }: { type: string }) => type));
  const again = await subscribe(query, { ...asked, after: edges(listener)[1].cursor });
  await again.got(edges(listener).length - 2);
  expect(edges(again)).toEqual(edges(listener).slice(2));
});

test("stock is told to everybody who looks at it", async () => {
  const query = `subscription { availability(sku: "MUG") { available } }`;
  const both = await Promise.all([subscribe(query, {}), subscribe(query, {})]);
  await Promise.all(both.map((one) => one.got(1)));
  const before = dataOf(both[0] as Listener)[0].availability.available;
  await guest.buy(anOrder());
  await Promise.all(both.map((one) => one.got(2)));
  for (const one of both) expect(dataOf(one)[1]).toEqual({ availability: { available: before - 1 } });
});

test.each([
  ["somebody else's order", ORDER, async () => ({ id: (await awaiting()).id })],
  ["no order", ORDER, async () => ({ id: "ord_01jd0000000000000000000000" })],
])("%s is not followed", async (_, query, asked) => {
  const listener = await subscribe(query, await asked());
  await listener.ended;
  const [{ data } = { data: {} }] = listener.heard;
  expect(data.errors[0].extensions).toMatchObject({ code: "not_found", status: 404 });
});

test("what staff follow ends with their rights", async () => {
  const email = "clerk@example.com";
  const { body } = await guest.post("/v1/auth/register", { email, password: "seven salty sardines" });
  await admin.send("PATCH", `/v1/admin/users/${body.user.id}`, { role: "staff" });
  const clerk = await guest.post("/v1/auth/login", { email, password: "seven salty sardines" });
  const headers = { authorization: `Bearer ${clerk.body.accessToken}` };
  const { id } = await awaiting();
  const listener = await subscribe(ORDER, { id }, headers);
  await listener.got(1);
  expect(dataOf(listener)[0].order.status).toBe("REQUIRES_ACTION");
  await admin.send("PATCH", `/v1/admin/users/${body.user.id}`, { role: "customer" });
  await listener.ended;
});

test("a shop that stops lets nobody wait", async () => {
  const other = await openShop({ services: ["gateway", "inventory", "users"] });
  const boss = await adminOf(other.url);
  await boss.post("/v1/admin/inventory/TIN/adjustments", { delta: 5, reason: "delivery" });
  const query = encodeURIComponent(`subscription { availability(sku: "TIN") { available } }`);
  const listener = await Listener.open(`${other.url}/graphql?query=${query}`, { accept: "text/event-stream" });
  await listener.got(1);
  await other.close();
  await listener.ended;
  expect(dataOf(listener)).toEqual([{ availability: { available: 5 } }]);
});
