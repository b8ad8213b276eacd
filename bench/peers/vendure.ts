import { handleOf, skuOf } from "../goods.ts";
import { SOLD } from "../works.ts";
import { draw, guest, type OpenPeer, outcome, PAGE, type Peer, PRODUCTS, RARE, Refusal, rareSku } from "./peer.ts";

type Variables = Record<string, unknown>;
type Answered = { __typename?: string; errorCode?: string };

const product = "id name slug description variants { id sku priceWithTax currencyCode stockLevel }";
const queries = {
  list: `query ($skip: Int) { products(options: { take: ${PAGE}, skip: $skip }) { items { ${product} } } }`,
  search: `query ($skip: Int) { search(input: { take: ${PAGE}, skip: $skip, groupByProduct: true }) {
    items { productId productName slug description sku currencyCode inStock priceWithTax { ... on PriceRange { min max } } } } }`,
  get: `query ($slug: String!) { product(slug: $slug) { ${product} } }`,
};

const step = (name: string, variables: string, args: string) =>
  `mutation (${variables}) { done: ${name}(${args}) { __typename ... on ErrorResult { errorCode } } }`;
const steps = {
  add: step("addItemToOrder", "$id: ID!", "productVariantId: $id, quantity: 1"),
  customer: step("setCustomerForOrder", "$input: CreateCustomerInput!", "input: $input"),
  address: step("setOrderShippingAddress", "$input: CreateAddressInput!", "input: $input"),
  methods: "{ done: eligibleShippingMethods { id } }",
  method: step("setOrderShippingMethod", "$id: [ID!]!", "shippingMethodId: $id"),
  arrange: step("transitionOrderToState", "", 'state: "ArrangingPayment"').replace("()", ""),
  pay: step("addPaymentToOrder", "", 'input: { method: "standard-payment", metadata: {} }').replace("()", ""),
};

/** One who is known by the token that the first answer brings. */
class Visitor {
  readonly #url: string;
  #token = "";
  constructor(url: string) {
    this.#url = url;
  }

  async ask<T>(query: string, variables: Variables = {}): Promise<T> {
    const authorization = this.#token && { authorization: `Bearer ${this.#token}` };
    const headers = { "content-type": "application/json", ...authorization };
    const reply = await fetch(this.#url, { method: "POST", headers, body: JSON.stringify({ query, variables }) });
    this.#token = reply.headers.get("vendure-auth-token") ?? this.#token;
    const { data, errors } = (await reply.json()) as { data: T; errors?: { message: string }[] };
    if (errors) throw new Refusal(errors[0]?.message);
    return data;
  }

  async do<T extends Answered>(query: string, variables?: Variables): Promise<T> {
    const { done } = await this.ask<{ done: T }>(query, variables);
    if (done.errorCode) throw new Refusal(done.errorCode);
    return done;
  }
}

async function open(url: string): Promise<OpenPeer> {
  const office = new Visitor(`${url}/admin-api`);
  await office.ask('mutation { login(username: "bench", password: "counts-orders") { __typename } }');
  const skus = [
    ...Array.from({ length: SOLD }, (_, n) => skuOf(n)),
    ...Array.from({ length: RARE }, (_, n) => rareSku(n)),
  ];
  const { variants } = await office.ask<{ variants: { items: { id: string; sku: string }[] } }>(
    "query ($skus: [String!]) { variants: productVariants(options: { filter: { sku: { in: $skus } } }) { items { id sku } } }",
    { skus },
  );
  const ids = new Map(variants.items.map(({ id, sku }) => [sku, id]));
  const asked = (query: string, variables: Variables) => ({
    method: "POST" as const,
    path: "/shop-api",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ query, variables }),
  });
  const page = () => ({ skip: draw(PRODUCTS / PAGE) * PAGE });
  return {
    reads: {
      list: { products: PAGE, next: () => asked(queries.list, page()) },
      search: { products: PAGE, next: () => asked(queries.search, page()) },
      get: { products: 1, next: () => asked(queries.get, { slug: handleOf(draw(PRODUCTS)) }) },
    },
    buy: (sku) =>
      outcome(async () => {
        const visitor = new Visitor(`${url}/shop-api`);
        const { email, address } = guest();
        const [firstName, lastName] = address.name.split(" ");
        await visitor.do(steps.add, { id: ids.get(sku) });
        await visitor.do(steps.customer, { input: { firstName, lastName, emailAddress: email } });
        const { name: fullName, line1: streetLine1, country: countryCode, city, postalCode } = address;
        await visitor.do(steps.address, { input: { fullName, streetLine1, city, postalCode, countryCode } });
        const [method] = await visitor.do<Answered & { id: string }[]>(steps.methods);
        await visitor.do(steps.method, { id: [method?.id] });
        await visitor.do(steps.arrange);
        await visitor.do(steps.pay);
      }),
    async orders() {
      const { orders } = await office.ask<{ orders: { totalItems: number } }>(
        "{ orders(options: { take: 1, filter: { active: { eq: false } } }) { totalItems } }",
      );
      return orders.totalItems;
    },
  };
}

export const vendure: Peer = { program: ["vendure.mjs", "serve"], open };
