import { ContainerRegistrationKeys, Modules } from "@medusajs/framework/utils";
import {
  createDefaultsWorkflow,
  createInventoryLevelsWorkflow,
  createProductsWorkflow,
  createRegionsWorkflow,
  createShippingOptionsWorkflow,
  createShippingProfilesWorkflow,
  createStockLocationsWorkflow,
  createTaxRegionsWorkflow,
  linkSalesChannelsToStockLocationWorkflow,
} from "@medusajs/medusa/core-flows";
import { good } from "./goods.ts";

const UNITS = 1_000_000;
/** For sales: one product each, of which there is little. */
const RARE = { products: 8, units: 50 };
const CHUNK = 50;

/** Run by `medusa exec`: a region, a warehouse, a way to ship, and the goods. */
export default async function populate({ container }) {
  const run = async (workflow, input) => (await workflow(container).run({ input })).result;
  const query = container.resolve(ContainerRegistrationKeys.QUERY);
  const all = async (entity, fields) => (await query.graph({ entity, fields })).data;

  await run(createDefaultsWorkflow);
  const [channel] = await all("sales_channel", ["id"]);
  const providers = ["pp_system_default"];
  const region = { name: "Europe", currency_code: "eur", countries: ["es"], payment_providers: providers };
  await run(createRegionsWorkflow, { regions: [region] });
  await run(createTaxRegionsWorkflow, [{ country_code: "es", provider_id: "tp_system" }]);
  const [profile] = await run(createShippingProfilesWorkflow, { data: [{ name: "Default", type: "default" }] });

  const where = { name: "Warehouse", address: { city: "Vigo", country_code: "ES", address_1: "1 Quay Street" } };
  const [warehouse] = await run(createStockLocationsWorkflow, { locations: [where] });
  await run(linkSalesChannelsToStockLocationWorkflow, { id: warehouse.id, add: [channel.id] });
  const ways = await container.resolve(Modules.FULFILLMENT).createFulfillmentSets({
    name: "Delivery",
    type: "shipping",
    service_zones: [{ name: "Europe", geo_zones: [{ country_code: "es", type: "country" }] }],
  });
  const link = container.resolve(ContainerRegistrationKeys.LINK);
  const ofWarehouse = { [Modules.STOCK_LOCATION]: { stock_location_id: warehouse.id } };
  await link.create({ ...ofWarehouse, [Modules.FULFILLMENT]: { fulfillment_provider_id: "manual_manual" } });
  await link.create({ ...ofWarehouse, [Modules.FULFILLMENT]: { fulfillment_set_id: ways.id } });
  await run(createShippingOptionsWorkflow, [
    {
      name: "Standard Shipping",
      price_type: "flat",
      provider_id: "manual_manual",
      service_zone_id: ways.service_zones[0].id,
      shipping_profile_id: profile.id,
      type: { label: "Standard", description: "In 2 to 3 days.", code: "standard" },
      prices: [{ currency_code: "eur", amount: 5 }],
      rules: [
        { attribute: "enabled_in_store", value: "true", operator: "eq" },
        { attribute: "is_return", value: "false", operator: "eq" },
      ],
    },
  ]);

  const product = ({ title, handle, about, sku, price }) => ({
    title,
    handle,
    description: about,
    status: "published",
    shipping_profile_id: profile.id,
    sales_channels: [{ id: channel.id }],
    options: [{ title: "Kind", values: ["Only"] }],
    variants: [
      { title, sku, manage_inventory: true, options: { Kind: "Only" }, prices: [{ currency_code: "eur", amount: price }] },
    ],
  });
  const rare = (n) => ({ ...good(n), title: `Rare ${n}`, handle: `rare-${n}`, sku: `RARE-${n}` });
  const goods = [
    ...Array.from({ length: 1_000 }, (_, n) => good(n)),
    ...Array.from({ length: RARE.products }, (_, n) => rare(n)),
  ];
  for (let n = 0; n < goods.length; n += CHUNK)
    await run(createProductsWorkflow, { products: goods.slice(n, n + CHUNK).map(product) });

  const levels = (await all("inventory_item", ["id", "sku"])).map(({ id, sku }) => ({
    inventory_item_id: id,
    location_id: warehouse.id,
    stocked_quantity: sku.startsWith("RARE") ? RARE.units : UNITS,
  }));
  await run(createInventoryLevelsWorkflow, { inventory_levels: levels });
}
