import { skuOf } from "../goods.ts";
import { SOLD } from "../works.ts";
import { draw, guest, type OpenPeer, outcome, PAGE, type Peer, PRODUCTS, RARE, Refusal, rareSku } from "./peer.ts";

type Body = Record<string, unknown>;

/** Speaks with these headers; what is not an answer of 2xx is a refusal. */
const asking =
  (url: string, headers: Record<string, string>) =>
  async <T>(path: string, body?: Body): Promise<T> => {
    const request = body && { method: "POST", body: JSON.stringify(body) };
    const reply = await fetch(url + path, { headers: { "content-type": "application/json", ...headers }, ...request });
    const text = await reply.text();
    if (!reply.ok) throw new Refusal(`${reply.status} ${text.slice(0, 80)}`);
    return JSON.parse(text) as T;
  };

interface Completed {
  type: "order" | "cart";
  error?: { message: string };
}

async function open(url: string): Promise<OpenPeer> {
  const password = { email: "bench@example.com", password: "counts-orders" };
  const { token } = await asking(url, {})<{ token: string }>("/auth/user/emailpass", password);
  const office = asking(url, { authorization: `Bearer ${token}` });
  const { api_keys } = await office<{ api_keys: { token: string }[] }>("/admin/api-keys?type=publishable");
  const headers = { "x-publishable-api-key": api_keys[0]?.token ?? "" };
  const shop = asking(url, headers);
  const { regions } = await shop<{ regions: { id: string }[] }>("/store/regions");
  const region_id = regions[0]?.id ?? "";

  const skus = [
    ...Array.from({ length: SOLD }, (_, n) => skuOf(n)),
    ...Array.from({ length: RARE }, (_, n) => rareSku(n)),
  ];
  const filter = skus.map((sku) => `sku[]=${sku}`).join("&");
  const { variants } = await office<{ variants: { id: string; sku: string }[] }>(
    `/admin/product-variants?limit=100&fields=id,sku&${filter}`,
  );
  const ids = new Map(variants.map(({ id, sku }) => [sku, id]));

  const listed = await office<{ products: { id: string }[] }>(`/admin/products?limit=${PRODUCTS}&fields=id`);
  const fields = "id,handle,title,description,*variants.calculated_price,+variants.inventory_quantity";
  const asked = (path: string) => ({ path: `/store/products${path}region_id=${region_id}&fields=${fields}`, headers });
  return {
    reads: {
      list: { products: PAGE, next: () => asked(`?limit=${PAGE}&offset=${draw(PRODUCTS / PAGE) * PAGE}&`) },
      get: { products: 1, next: () => asked(`/${listed.products[draw(PRODUCTS)]?.id}?`) },
    },
    buy: (sku) =>
      outcome(async () => {
        const { email, address } = guest();
        const [first_name, last_name] = address.name.split(" ");
        const { line1: address_1, city, postalCode: postal_code, country } = address;
        const shipping_address = {
          first_name,
          last_name,
          address_1,
          city,
          postal_code,
          country_code: country.toLowerCase(),
        };
        const { cart } = await shop<{ cart: { id: string } }>("/store/carts", { region_id });
        const path = `/store/carts/${cart.id}`;
        await shop(`${path}/line-items`, { variant_id: ids.get(sku), quantity: 1 });
        await shop(path, { email, shipping_address });
        const ways = await shop<{ shipping_options: { id: string }[] }>(`/store/shipping-options?cart_id=${cart.id}`);
        await shop(`${path}/shipping-methods`, { option_id: ways.shipping_options[0]?.id });
        const payment = await shop<{ payment_collection: { id: string } }>("/store/payment-collections", {
          cart_id: cart.id,
        });
        const sessions = `/store/payment-collections/${payment.payment_collection.id}/payment-sessions`;
        await shop(sessions, { provider_id: "pp_system_default" });
        const { type, error } = await shop<Completed>(`${path}/complete`, {});
        if (type !== "order") throw new Refusal(error?.message ?? "no order");
      }),
    orders: async () => (await office<{ count: number }>("/admin/orders?limit=1&fields=id")).count,
  };
}

export const medusa: Peer = { program: ["node_modules/@medusajs/cli/cli.js", "start"], open };
