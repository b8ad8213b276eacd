import "../with-reviews.ts";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { adminOf, anOrder, Client, stockMugs, until } from "../client.ts";
import { describedApi } from "../description.ts";
import { read } from "../graphql.ts";
import { startShop } from "../process.ts";
import { openShop, type Shop } from "../shop.ts";

const email = (name: string) => `${name}@example.com`;
const signUp = async (url: string, name: string) => {
  const account = { email: email(name), password: "seven salty sardines", name };
  await new Client(url).post("/v1/auth/register", account);
  return new Client(url).login(account.email, account.password);
};

describe("a service in a folder of its own", () => {
  let shop: Shop;
  let product: string;
  let eva: Client;
  const reviews = () => `/v1/products/${product}/reviews`;
  const opinion = { rating: 4, text: "Keeps the tea warm." };

  beforeAll(async () => {
    shop = await openShop();
    await stockMugs(await adminOf(shop.url), 50);
    product = (await new Client(shop.url).get("/v1/products/a-mug")).body.id;
    eva = await signUp(shop.url, "eva");
    await eva.buy(anOrder("tok_visa", 1, "MUG", email("eva")));
  });
  afterAll(() => shop.close());

  /** A fact is there within moments. */
  const reviewed = (client: Client, body: object, key: string) =>
    until(
      () => client.post(reviews(), body, { "idempotency-key": key }),
      ({ status }) => status !== 403,
    );

  test("hears of what others do: who has bought may review, once, and a repeat is the same review", async () => {
    const first = await reviewed(eva, opinion, "evas-opinion");
    const repeat = await eva.post(reviews(), opinion, { "idempotency-key": "evas-opinion" });
    const second = await eva.post(reviews(), { rating: 1 });

    expect(first).toMatchObject({ status: 201, body: { author: "eva", productId: product, ...opinion } });
    expect(repeat.text).toBe(first.text);
    expect(second).toMatchObject({ status: 409, body: { code: "already_exists" } });
    expect((await new Client(shop.url).get(reviews())).body).toEqual({ data: [first.body], nextCursor: null });
    expect((await new Client(shop.url).get(`${reviews()}?cursors=true`)).body.cursors).toEqual([expect.any(String)]);
  });

  test("has tokens, contracts and refusals like every other", async () => {
    const stranger = await signUp(shop.url, "stranger");
    const codeOf = async (asked: Promise<{ body: { code: string } }>) => (await asked).body.code;

    expect(await codeOf(new Client(shop.url).post(reviews(), opinion))).toBe("unauthenticated");
    expect(await codeOf(stranger.post(reviews(), opinion))).toBe("forbidden");
    expect(await codeOf(stranger.post(reviews(), { rating: 6 }))).toBe("invalid_input");
    expect(await codeOf(stranger.post("/v1/products/prod_0123456789abcdefghjkmnpqrs/reviews", opinion))).toBe(
      "not_found",
    );
  });

  test("counts a fact of its own once, however often it is told", async () => {
    await signUp(shop.url, "noa").then(async (noa) => {
      await noa.buy(anOrder("tok_visa", 1, "MUG", email("noa")));
      await reviewed(noa, { rating: 1 }, "noas-opinion");
    });
    const rating = await until(
      () => eva.get(`/v1/products/${product}/rating`),
      ({ body }) => body.reviews === 2,
    );
    const [review] = (await eva.get(reviews())).body.data;
    const fact = { id: "evt_0123456789abcdefghjkmnpqrs", at: review.createdAt, subject: review.id };
    const told = { ...fact, type: "reviews.added", data: { review } };
    for (const _ of ["first", "again"]) await shop.broker.call("reviews.hear", told);

    expect(rating.body).toEqual({ productId: product, reviews: 2, average: 2.5 });
    expect((await eva.get(`/v1/products/${product}/rating`)).body).toMatchObject({ reviews: 3 });
  });

  test("is in the reference of the shop, with the names of its schemas", async () => {
    const { body } = await eva.get("/openapi.json");

    expect(body.paths["/v1/products/{productId}/reviews"].post.operationId).toBe("reviews.add");
    expect(body.components.schemas).toMatchObject({ Review: expect.anything(), Rating: expect.anything() });
    expect({ ...body, info: null }).toEqual({ ...describedApi, info: null });
  });

  test("has fields in GraphQL, and refuses there what it refuses elsewhere", async () => {
    const asked = `query($productId: ID!) {
      reviews(productId: $productId) { nodes { author rating } } rating(productId: $productId) { average }
    }`;
    const { reviews, rating } = await read(eva, asked, { productId: product });
    expect([reviews.nodes.at(-1), typeof rating.average]).toEqual([
      { author: "eva", rating: opinion.rating },
      "number",
    ]);
    const add = `mutation($input: AddReviewInput!) { addReview(input: $input) { ... on Refusal { code } } }`;
    const again = await read(eva, add, { input: { productId: product, rating: 1 } });
    expect(again).toEqual({ addReview: { code: "ALREADY_EXISTS" } });
  });

  test("is examined by doctor with all others", async () => {
    const admin = await adminOf(shop.url);
    const { body } = await until(
      () => admin.get("/v1/admin/doctor"),
      ({ body }) => body.ok,
      5,
    );

    expect(body).toMatchObject({ ok: true });
  });
});

test.each([
  ["examples/nothing", "there is no examples/nothing/nothing.contract.ts"],
  ["services/orders", "there is a service orders already"],
  ["test/with-reviews", "with-reviews is no name of a service: it is made of small letters"],
])("EXTENSIONS=%s does not start, and says why in one line", async (EXTENSIONS, reason) => {
  const folder = mkdtempSync(join(tmpdir(), "lonja-extension-"));
  const shop = await startShop(folder, { EXTENSIONS });
  rmSync(folder, { recursive: true, force: true });

  expect(shop.child.exitCode).toBe(2);
  expect(shop.output()).toBe(`EXTENSIONS cannot be used: ${reason}.\n`);
});
