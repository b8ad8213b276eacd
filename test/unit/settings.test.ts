import { readSettings } from "../../services/shared/settings.ts";

describe("settings", () => {
  test("nothing has to be set", () => {
    expect(readSettings({})).toMatchObject({ port: 3000, host: "127.0.0.1", namespace: "lonja", currency: "EUR" });
  });

  test.each([
    ["PORT", "http"],
    ["PORT", "-1"],
    ["PORT", "65536"],
    ["PORT", "3e3"],
    ["SERVICES", "orders,nothing"],
    ["SERVICES", "toString"],
    ["SERVICES", "__proto__"],
    ["STORE", "oracle://x"],
    ["ORDERS_STORE", "sqlite:orders.db?mode=memory"],
    ["CORS_ORIGINS", "https://shop.example.com/"],
    ["RATE_LIMIT", "yes"],
    ["CURRENCY", "euro"],
    ["TRANSPORTER", "nats://localhost"],
  ])("%s=%s is refused in one line that names it", (name, value) => {
    expect(() => readSettings({ [name]: value })).toThrow(
      expect.objectContaining({ name: "UnusableSetting", message: expect.stringMatching(/^.* cannot be used: .*\.$/) }),
    );
    expect(() => readSettings({ [name]: value })).toThrow(`${name}=${value} cannot be used`);
  });

  test("a service that is named twice runs once", () => {
    expect(readSettings({ SERVICES: "orders, payments,orders" }).services).toEqual(["orders", "payments"]);
  });

  test.each([
    ["ADMIN_PASSWORD", "hunter2"],
    ["SMTP_URL", "imap://shop:hunter2@mail.example.com"],
    ["STORE", "mysql://shop:hunter2@db.example.com/shop"],
  ])("the secret in %s is not shown, though it cannot be used", (name, value) => {
    expect(() => readSettings({ [name]: value })).toThrow(name);
    expect(() => readSettings({ [name]: value })).not.toThrow("hunter2");
  });
});
