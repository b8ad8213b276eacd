import type { Middleware, Service } from "moleculer";
import { adminOf, anOrder, Client, stockMugs, until } from "../client.ts";
import { asGraphQL, ask, read } from "../graphql.ts";
import { openShop, type Shop } from "../shop.ts";

/** What services are asked, by whoever. */
const calls: string[] = [];
const counting: Middleware = {
  localAction(next, { name }) {
    return function (this: Service, ctx) {
      calls.push(String(name));
      return next.call(this, ctx);
    };
  },
};

let shop: Shop;
let admin: Client;
let guest: Client;
beforeAll(async () => {
  shop = await openShop({ inside: counting });
  admin = await adminOf(shop.url);
  guest = new Client(shop.url);
});
afterAll(() => shop.close());

async function customer(email: string): Promise<Client> {
  await guest.post("/v1/auth/register", { email, password: "seven salty sardines" });
  return new Client(shop.url).login(email, "seven salty sardines");
}

const PLACE = `mutation Place($input: PlaceOrderInput!, $key: String!) {
  placeOrder(input: $input, idempotencyKey: $key) {
    __typename
    ... on PlacedOrder { id number status guestToken totals { total { amount currency } } lines { sku quantity } }
    ... on Refusal { code message errors { path message } }
    ... on InsufficientStock { shortages { sku requested available } }
  }
}`;
const place = async (client: Client, input: object, key: string = crypto.randomUUID()) =>
  (await read(client, PLACE, { input, key })).placeOrder;

const ORDER = `query Order($id: ID!, $token: String) { order(id: $id, guestToken: $token) { id status email } }`;

describe("a purchase", () => {
  beforeAll(() => stockMugs(admin, 100));

  test("by GraphQL is the same order as by REST, also under the same key", async () => {
    const [input, key] = [anOrder(), "a-key-for-both-doors"];
    const placed = await place(guest, input, key);
    expect(placed).toMatchObject({
      __typename: "PlacedOrder",
      status: "CONFIRMED",
      totals: { total: { amount: 1900, currency: "EUR" } },
      lines: [{ sku: "MUG", quantity: 1 }],
    });
    expect(await place(guest, input, key)).toEqual(placed);
    const { status, body, headers } = await guest.buy(input, key);
    expect([status, body.id, headers.get("idempotent-replayed")]).toEqual([201, placed.id, "true"]);

    const other = await ask(guest, PLACE, { input: anOrder("tok_visa", 2), key });
    expect(other.errors).toEqual([expect.objectContaining({ path: ["placeOrder"] })]);
    expect(other.errors[0]?.extensions).toMatchObject({ code: "idempotency_key_reused", status: 422 });
  });

  test("that is refused on its merits is answered with the type of the refusal", async () => {
    expect(await place(guest, anOrder("tok_declined"))).toMatchObject({
      __typename: "PaymentDeclined",
      code: "PAYMENT_DECLINED",
    });
    expect(await place(guest, anOrder("tok_visa", 5_000))).toMatchObject({
      __typename: "InsufficientStock",
      shortages: [{ sku: "MUG", requested: 5_000, available: 99 }],
    });
    expect(await place(guest, { ...anOrder(), lines: [] })).toMatchObject({
      __typename: "InvalidInput",
      errors: [{ path: "lines", message: expect.any(String) }],
    });
  });

  test("without a key is not asked for at all", async () => {
    expect(await ask(guest, PLACE, { input: anOrder() })).toMatchObject({ data: undefined, errors: [{}] });
    const errors = [{ path: "Idempotency-Key", message: expect.any(String) }];
    expect(await place(guest, anOrder(), "")).toMatchObject({ __typename: "InvalidInput", errors });
  });

  test("can be seen by its guest, its customer and staff, and is nothing for everybody else", async () => {
    const { id, guestToken } = await place(guest, anOrder());
    const of = (client: Client, token?: string) => read(client, ORDER, { id, token }).then(({ order }) => order);
    expect(await of(guest)).toBeNull();
    expect(await of(guest, "wrong")).toBeNull();
    expect(await of(await customer("stranger@example.com"))).toBeNull();
    expect(await of(guest, guestToken)).toEqual({ id, status: "CONFIRMED", email: "ada@example.com" });
    expect(await of(guest.with({ "x-guest-token": guestToken }))).toMatchObject({ id });
    expect(await of(admin)).toMatchObject({ id });
    const eva = await customer("eva@example.com");
    const hers = await place(eva, anOrder());
    expect(await read(eva, ORDER, { id: hers.id })).toMatchObject({ order: { id: hers.id } });
    expect(await read(eva, "{ myOrders { nodes { id } } }")).toEqual({ myOrders: { nodes: [{ id: hers.id }] } });
  });

  test("leads to what belongs to it, as far as whoever asks may see it", async () => {
    const { id, guestToken } = await place(guest, anOrder());
    const other = await place(guest, anOrder());
    const links = "invoice { number order { id } } paymentDetails { status } lines { product { handle } }";
    const query = `query($a: ID!, $t: String, $b: ID!, $u: String) {
      mine: order(id: $a, guestToken: $t) { id ${links} }
      other: order(id: $b, guestToken: $u) { id ${links} }
    }`;
    const asked = { a: id, t: guestToken, b: other.id, u: other.guestToken };
    const both = await until(
      () => read(guest, query, asked),
      ({ mine, other }) => mine.invoice && other.invoice,
    );
    for (const [order, of] of [
      [both.mine, id],
      [both.other, other.id],
    ])
      expect(order).toEqual({
        id: of,
        invoice: { number: expect.stringMatching(/^INV-/), order: { id: of } },
        paymentDetails: { status: "CAPTURED" },
        lines: [{ product: { handle: "a-mug" } }],
      });
    const invoice = `query($id: ID!, $t: String) { invoice(orderId: $id, guestToken: $t) { number order { id } } }`;
    expect((await read(guest, invoice, { id, t: other.guestToken })).invoice).toBeNull();
  });
});

test("what takes no input is done as well", async () => {
  const { repair } = await read(admin, "mutation { repair { status report { ok } } }");
  expect(repair).toEqual({ status: "DONE", report: { ok: true } });
});

test("a guest sees with the order that was placed what belongs to it", async () => {
  await stockMugs(admin, 5, "NEW");
  const query = `mutation($input: PlaceOrderInput!, $key: String!) { placeOrder(input: $input, idempotencyKey: $key) {
    ... on PlacedOrder { paymentDetails { status } lines { product { handle } } } } }`;
  const { placeOrder } = await read(guest, query, { input: anOrder("tok_visa", 1, "NEW"), key: crypto.randomUUID() });
  expect(placeOrder).toEqual({ paymentDetails: { status: "CAPTURED" }, lines: [{ product: { handle: "a-new" } }] });
});

describe("who may do what", () => {
  test.each([
    ["nobody", "unauthenticated", 401, () => Promise.resolve(guest)],
    ["a customer", "forbidden", 403, () => customer("curious@example.com")],
  ])("%s may not do what is for staff", async (_, code, status, who) => {
    const { data, errors } = await ask(await who(), `{ orders { nodes { id } } categories { nodes { handle } } }`);
    expect(data).toBeUndefined();
    expect(errors[0]?.extensions).toMatchObject({ code, status });
    const changed = await ask(
      await who(),
      `mutation { adjustStock(input: { sku: "X", delta: 1, reason: "x" }) { __typename } }`,
    );
    expect(changed.errors[0]?.extensions).toMatchObject({ code });
  });

  test("a token that is none is refused, but for what is open to all", async () => {
    const wrong = guest.with({ authorization: "Bearer wrong" });
    const { errors } = await ask(wrong, "{ products { nodes { id } } }");
    expect(errors[0]?.extensions).toMatchObject({ code: "invalid_token", status: 401 });
    const login = `mutation { login(input: { email: "admin@lonja.test", password: "correct horse battery" }) {
      ... on Session { user { role } } ... on Refusal { code } } }`;
    expect(await read(wrong, login)).toEqual({ login: { user: { role: "ADMIN" } } });
  });

  test("signing in and out, and one's own account", async () => {
    const eva = await customer("eva2@example.com");
    const { me } = await read(eva, "{ me { id version } }");
    const update = `mutation($input: UpdateMeInput!) {
      updateMe(input: $input) { __typename ... on User { name version } ... on Refusal { code } } }`;
    const changed = await read(eva, update, { input: { ifVersion: me.version, name: "Eva" } });
    expect(changed.updateMe).toMatchObject({ __typename: "User", name: "Eva" });
    const late = await read(eva, update, { input: { ifVersion: me.version, name: "Eve" } });
    expect(late.updateMe).toEqual({ __typename: "VersionConflict", code: "VERSION_CONFLICT" });
    const out = `mutation { logout(input: { refreshToken: "whatever" }) { ... on Done { ok } } }`;
    expect(await read(guest, out)).toEqual({ logout: { ok: true } });
  });
});

describe("lists", () => {
  const SKUS = Array.from({ length: 100 }, (_, n) => `LIST-${String(n).padStart(3, "0")}`);
  beforeAll(async () => {
    for (const sku of SKUS) await stockMugs(admin, 50, sku);
    for (const sku of SKUS.slice(0, 30)) await place(guest, anOrder("tok_visa", 1, sku));
  });

  const callsOf = async (client: Client, query: string, variables: object): Promise<string[]> => {
    await read(client, query, variables);
    calls.length = 0;
    await read(client, query, variables);
    return calls.filter((name) => !/^(gateway|users\.standing)/.test(name)).toSorted();
  };

  test("of products with variants, prices and stock cost the same calls, however long", async () => {
    const query = `query($first: Int!) { products(first: $first, sort: CREATED_AT_DESC) { edges { cursor node {
      id title description images { url alt } options { name values } categories
      variants { sku title price { amount currency } compareAtPrice { amount } available } } } pageInfo { hasNextPage } } }`;
    const [one, many] = [await callsOf(guest, query, { first: 1 }), await callsOf(guest, query, { first: 100 })];
    expect(many).toEqual(one);
    expect(many).toEqual(["catalog.list", "inventory.availability"]);
  });

  test("of orders with what belongs to them cost the same calls, however long", async () => {
    const query = `query($first: Int!) { orders(first: $first) { nodes {
      number invoice { number } paymentDetails { status refunds { id } } lines { product { title variants { available } } } } } }`;
    const [one, many] = [await callsOf(admin, query, { first: 1 }), await callsOf(admin, query, { first: 30 })];
    expect(many).toEqual(one);
    expect(many).toHaveLength(7);
  });

  test("go on behind every edge, also while others are added", async () => {
    const query = `query($first: Int!, $after: String) {
      orders(first: $first, after: $after) { edges { cursor node { id } } pageInfo { hasNextPage endCursor startCursor } } }`;
    const all = (await read(admin, query, { first: 100 })).orders.edges;
    await place(guest, anOrder("tok_visa", 1, SKUS[0]));
    for (const place of [0, 7, all.length - 2]) {
      const { orders } = await read(admin, query, { first: 100, after: all[place].cursor });
      expect(orders.edges).toEqual(all.slice(place + 1));
    }
    const { orders } = await read(admin, query, { first: 3, after: all[3].cursor });
    expect(orders.pageInfo).toEqual({
      hasNextPage: true,
      startCursor: orders.edges[0].cursor,
      endCursor: orders.edges[2].cursor,
    });
    const wrong = await ask(admin, query, { first: 3, after: "nonsense" });
    expect(wrong.errors[0]?.extensions).toMatchObject({ code: "invalid_input" });
  });
});

describe("what would cost too much is not begun", () => {
  const deep = (levels: number) => {
    const { open, close } = { open: "invoice { order { ".repeat(levels), close: "} } ".repeat(levels) };
    return `{ orders(first: 1) { nodes { ${open} id ${close} } } }`;
  };
  const again = (count: number, field: string) => Array.from({ length: count }, (_, n) => `a${n}: ${field}`).join(" ");
  const lists = again(14, "products(first: 100) { nodes { id title handle vendor type createdAt } }");
  const fragment = (level: number) => `fragment f${level} on Query { ${`...f${level + 1} `.repeat(60)} }`;
  const attacks: [string, string][] = [
    ["depth", deep(10)],
    ["cost", `{ ${lists} }`],
    ["cost by a fragment", `{ ...a } fragment a on Query { ${lists} }`],
    ["cost by a default", `query($n: Int = 100) { ${lists.replaceAll("100", "$n")} }`],
    ["aliases", `{ ${again(100, 'product(idOrHandle: "a-mug") { id }')} }`],
    ["directives", `{ products(first: 1) { nodes { id ${"@include(if: true) ".repeat(100)} } } }`],
    ["tokens", `{ ${"__typename ".repeat(5_000)} }`],
    ["the schema, again and again", `{ ${again(4, "__schema { types { name fields { name description } } }")} }`],
    ["fragments in fragments", `{ ...f0 } ${[0, 1, 2].map(fragment).join(" ")} fragment f3 on Query { __typename }`],
    ["fragments in a circle", "{ ...a } fragment a on Query { ...b } fragment b on Query { ...a }"],
    ["a list of requests", ""],
  ];
  test.each(attacks)("%s", async (what, query) => {
    calls.length = 0;
    const body = what === "a list of requests" ? [{ query: "{ me { id } }" }, { query: "{ me { id } }" }] : { query };
    const { status, body: answer } = await admin.post("/graphql", body, asGraphQL);
    expect(status).toBe(400);
    expect(answer.data).toBeUndefined();
    expect(calls.filter((name) => !/^(gateway|users\.standing)/.test(name))).toEqual([]);
  });

  test("what comes to too much as it is put together ends there", async () => {
    const [sku = ""] = ["MANY"];
    await stockMugs(admin, 10_000, sku);
    const order = { ...anOrder(), lines: Array.from({ length: 200 }, () => ({ sku, quantity: 1 })) };
    const { id, guestToken } = (await guest.buy(order)).body;
    const fields = again(6, `order(id: "${id}", guestToken: "${guestToken}") { lines { product { id } } }`);
    const { errors } = await ask(guest, `{ ${fields} }`);
    expect(errors[0]?.extensions).toMatchObject({ code: "too_costly" });
    const one = await read(
      guest,
      `{ ${again(1, `order(id: "${id}", guestToken: "${guestToken}") { lines { product { id } } }`)} }`,
    );
    expect(one.a0.lines).toHaveLength(200);
  });

  test("a change is not made by a link that somebody follows", async () => {
    const { status } = await admin.get(`/graphql?query=${encodeURIComponent("mutation { repair { status } }")}`);
    expect(status).toBe(405);
    const { status: read, body } = await guest.get(
      `/graphql?query=${encodeURIComponent("{ products(first: 1) { nodes { id } } }")}`,
    );
    expect([read, body.data.products.nodes.length]).toEqual([200, 1]);
  });
});

test("of what goes wrong inside nothing is said, and what else was asked is answered", async () => {
  await stockMugs(admin, 1, "LAST");
  const { guestToken, id } = await place(guest, anOrder("tok_visa", 1, "LAST"));
  const query = `query($id: ID!, $t: String) { order(id: $id, guestToken: $t) { id invoice { number } } products(first: 1) { nodes { id } } }`;
  const failing = await openShop({
    inside: {
      localAction: (next, { name }) =>
        name === "payments.invoicesOfOrders" ? () => Promise.reject(new Error("a secret")) : next,
    },
  });
  try {
    const here = new Client(failing.url);
    const boss = await adminOf(failing.url);
    await stockMugs(boss, 5);
    const order = await place(here, anOrder());
    const { data, errors } = await ask(here, query, { id: order.id, t: order.guestToken });
    expect(data).toMatchObject({ order: { id: order.id, invoice: null }, products: { nodes: [{}] } });
    expect(errors).toEqual([expect.objectContaining({ path: ["order", "invoice"], message: expect.any(String) })]);
    expect(errors[0]?.extensions).toMatchObject({ code: "internal_error", status: 500 });
    expect(JSON.stringify(errors)).not.toContain("secret");
  } finally {
    await failing.close();
  }
  expect(await read(guest, query, { id, t: guestToken })).toMatchObject({ order: { id } });
});

test("what is away is said to be, with the time after which it may be there", async () => {
  const alone = await openShop({ services: ["gateway", "users"] });
  const { errors } = await ask(new Client(alone.url), "{ products { nodes { id } } }");
  await alone.close();
  expect(errors[0]?.extensions).toEqual({ code: "unavailable", status: 503, retryAfterSeconds: 1 });
});

test("what is no request is told so", async () => {
  for (const body of ["{", "[]", { query: "{" }, { query: "{ nothing }" }])
    expect((await guest.post("/graphql", body, asGraphQL)).status).toBe(400);
  expect((await guest.send("POST", "/graphql", "query", { "content-type": "text/plain" })).status).toBe(415);
  expect((await guest.send("DELETE", "/graphql")).status).toBe(405);
});
