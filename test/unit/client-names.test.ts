import type { Document } from "../../sdk/description.ts";
import { nameOf } from "../../sdk/names.ts";
import { clientOf } from "../../sdk/source.ts";

const named = (method: string, path: string, isList = false) => {
  const { isAdmins, group, name } = nameOf("", method, path, isList) ?? {};
  return group && `${isAdmins ? "admin " : ""}${group}.${name}`;
};

describe("what a call is named, by its path", () => {
  test.each([
    ["get", "/v1/products", true, "products.list"],
    ["get", "/v1/products/{idOrHandle}", false, "products.get"],
    ["post", "/v1/admin/products", false, "admin products.create"],
    ["patch", "/v1/admin/products/{id}", false, "admin products.update"],
    ["delete", "/v1/admin/webhook-endpoints/{id}", false, "admin webhookEndpoints.delete"],
    ["get", "/v1/me", false, "me.get"],
    ["get", "/v1/orders/{id}/events", true, "orders.events"],
    ["get", "/v1/orders/{id}/invoice", false, "orders.invoice"],
    ["post", "/v1/orders/{id}/cancel", false, "orders.cancel"],
    ["get", "/v1/admin/webhook-endpoints/{id}/deliveries/{deliveryId}", false, "admin webhookEndpoints.delivery"],
    ["post", "/v1/admin/webhook-endpoints/{id}/deliveries/{deliveryId}/retry", false, "admin webhookEndpoints.retry"],
    ["post", "/v1/carts/{id}/lines", false, "carts.addLine"],
    ["patch", "/v1/carts/{id}/lines/{lineId}", false, "carts.updateLine"],
    ["post", "/v1/me/addresses", false, "me.addAddress"],
    ["delete", "/v1/me/addresses/{id}", false, "me.deleteAddress"],
    ["get", "/health/live", false, undefined],
  ])("%s %s", (method, path, isList, name) => {
    expect(named(method, path, isList)).toBe(name);
  });

  const content = { "application/json": { schema: { type: "boolean" as const } } };
  const look = (operationId: string) => ({
    get: { operationId, summary: "", parameters: [], responses: { 200: { content } } },
  });
  const documentOf = (...paths: string[]): Document => ({
    paths: Object.fromEntries(paths.map((path, n) => [path, look(`things.look${n}`)])),
    components: { schemas: {}, responses: {} },
  });

  test.each([
    ["two calls of one name", ["/v1/things/{id}/look", "/v1/things/look"], "things.look"],
    ["a group that covers what the client has", ["/v1/session"], "session"],
  ])("%s are not written down", async (_, paths, complaint) => {
    await expect(clientOf(documentOf(...paths))).rejects.toThrow(complaint);
  });
});
