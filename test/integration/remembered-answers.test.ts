import { realWorld } from "../../services/shared/world.ts";
import { adminOf, anOrder, Client, stockMugs } from "../client.ts";
import { openShop, type Shop } from "../shop.ts";

/** Answers that are given again without asking must be what would be answered now. */
describe("what is shown of products, asked for again and again", () => {
  let shop: Shop;
  let admin: Client;
  let guest: Client;
  beforeEach(async () => {
    shop = await openShop();
    admin = await adminOf(shop.url);
    guest = new Client(shop.url);
    await stockMugs(admin, 1_000);
  });
  afterEach(() => shop.close());

  const paths = ["/v1/products/a-mug", "/v1/products", "/v1/products?q=mug"];
  const shown = async (path: string) => {
    const { data, ...one } = await guest.read<{ data?: { title: string; variants: { available: number }[] }[] }>(path);
    const product = (data ? data[0] : one) as { title: string; variants: { available: number }[] } | undefined;
    return { title: product?.title, available: product?.variants[0]?.available };
  };
  const seen = () => Promise.all(paths.map(shown));

  test("is never older than what somebody was told of its stock", async () => {
    for (let left = 999; left > 960; left--) {
      const { status } = await admin.post("/v1/admin/inventory/MUG/adjustments", { delta: -1, reason: "broken" });
      expect(status).toBe(200);
      for (const { available } of [...(await seen()), ...(await seen())]) expect(available).toBe(left);
    }
  });

  test("is never older than what somebody has bought", async () => {
    for (let left = 999; left > 985; left--) {
      expect((await guest.buy(anOrder())).status).toBe(201);
      for (const { available } of [...(await seen()), ...(await seen())]) expect(available).toBe(left);
    }
  });

  test("is never older than a change of the product, and gone with it", async () => {
    const { id } = await guest.read<{ id: string }>("/v1/products/a-mug");
    for (const title of ["A better mug", "The best mug"]) {
      expect((await admin.send("PATCH", `/v1/admin/products/${id}`, { title })).status).toBe(200);
      for (const one of [...(await seen()), ...(await seen())]) expect(one.title).toBe(title);
    }
    await admin.send("PATCH", `/v1/admin/products/${id}`, { status: "archived" });
    expect((await guest.get("/v1/products/a-mug")).status).toBe(404);
    expect((await guest.read<{ data: object[] }>("/v1/products")).data).toEqual([]);
  });

  test("is for everybody: what staff see is shown to nobody else", async () => {
    const { id } = await admin.read<{ id: string }>("/v1/products/a-mug");
    await admin.send("PATCH", `/v1/admin/products/${id}`, { status: "draft" });
    for (let n = 0; n < 3; n++) {
      expect((await admin.get("/v1/products/a-mug")).status).toBe(200);
      expect((await guest.get("/v1/products/a-mug")).status).toBe(404);
    }
  });

  test("has the request's own headers, and is left out where the client has it already", async () => {
    const [first, again] = [await guest.get("/v1/products/a-mug"), await guest.get("/v1/products/a-mug")];
    expect(again.text).toBe(first.text);
    expect(again.headers.get("x-request-id")).not.toBe(first.headers.get("x-request-id"));
    const etag = again.headers.get("etag") ?? "";
    expect((await guest.get("/v1/products/a-mug", { "if-none-match": etag })).status).toBe(304);
    const head = await fetch(`${shop.url}/v1/products/a-mug`, { method: "HEAD" });
    expect([head.status, await head.text(), head.headers.get("etag")]).toEqual([200, "", etag]);
  });
});

test("whoever asks too often is told so, also where the answer is known", async () => {
  const standing = { ...realWorld, now: () => Date.parse("2026-01-01T12:00:00.000Z") };
  const shop = await openShop({
    services: ["gateway", "catalog", "inventory"],
    env: { RATE_LIMIT: "on" },
    world: standing,
  });
  const guest = new Client(shop.url);
  const answers = [];
  for (let n = 0; n < 2_020; n++) answers.push((await guest.get("/v1/products")).status);
  await shop.close();
  expect([answers.filter((status) => status === 200).length, answers.at(-1)]).toEqual([2_000, 429]);
});
