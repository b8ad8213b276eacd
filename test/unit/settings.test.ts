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
    ["HEALTH_PORT", "on"],
    ["HEALTH_PORT", "65536"],
    ["SERVICES", "orders,nothing"],
    ["SERVICES", "toString"],
    ["SERVICES", "__proto__"],
    ["STORE", "oracle://x"],
    ["ORDERS_STORE", "sqlite:orders.db?mode=memory"],
    ["CORS_ORIGINS", "https://shop.example.com/"],
    ["RATE_LIMIT", "yes"],
    ["CURRENCY", "euro"],
    ["WEBHOOK_ALLOW", "on"],
    ["WEBHOOK_ALLOW", "*"],
    ["WEBHOOK_ALLOW", "10.0.0.0/8"],
    ["WEBHOOK_ALLOW", "http://erp.lan:8080"],
    ["TRANSPORTER", "smtp://localhost"],
  ])("%s=%s is refused in one line that names it", (name, value) => {
    expect(() => readSettings({ [name]: value })).toThrow(
      expect.objectContaining({ name: "UnusableSetting", message: expect.stringMatching(/^.* cannot be used: .*\.$/) }),
    );
    expect(() => readSettings({ [name]: value })).toThrow(`${name}=${value} cannot be used`);
  });

  test.each(["a,b", "short", "0123456789abcdef,"])("BUS_SECRET=%s is refused and not shown", (value) => {
    expect(() => readSettings({ BUS_SECRET: value })).toThrow("BUS_SECRET cannot be used");
  });

  test("a node that is to talk to others has to be able to sign", () => {
    const TRANSPORTER = "nats://shop:hunter2@127.0.0.1:4222,127.0.0.1:4223";
    expect(() => readSettings({ TRANSPORTER })).toThrow("BUS_SECRET is needed");
    expect(readSettings({ TRANSPORTER, NODE_ENV: "development" }).transporter).toBe(TRANSPORTER);
    expect(
      readSettings({ TRANSPORTER, BUS_SECRET: "a new secret of mine, the old secret of mine" }).busSecrets,
    ).toEqual(["a new secret of mine", "the old secret of mine"]);
  });

  test("each service may have a store of its own kind", () => {
    const mongo = "mongodb://shop:a%2Fb@one:27017,two:27017/shop?replicaSet=rs&tlsCAFile=/ca.pem";
    for (const postgres of ["postgres://db/shop", "postgresql://shop:a@b:c@db:5432", "postgres:///shop?host=/tmp"]) {
      const { stores } = readSettings({ STORE: postgres, CATALOG_STORE: mongo });
      expect([stores.orders, stores.catalog]).toEqual([postgres, mongo]);
    }
  });

  test.each([
    "postgres://db/shop",
    "postgresql://shop:p%40ss%2Fword@db:5432/shop?sslmode=verify-full&sslrootcert=/path",
    "postgres:///shop?host=/run/postgresql",
    "postgres://shop@[::1]:5432/shop",
    "mongodb://shop:secret@one:27017,two:27017/shop?replicaSet=rs0",
    "mongodb+srv://shop:secret@cluster.example.com/shop",
  ])("a store at %s", (url) => expect(readSettings({ STORE: url }).stores.orders).toBe(url));

  test("nobody is told of a node's health unless a port is given", () => {
    expect(readSettings({}).healthPort).toBe(0);
    expect(readSettings({ HEALTH_PORT: "3001" }).healthPort).toBe(3001);
  });

  test("webhooks go to nobody inside who is not named with their port", () => {
    expect(readSettings({}).webhookAllow).toEqual([]);
    expect(readSettings({ WEBHOOK_ALLOW: "ERP.lan:8080, [fd00::1]:443" }).webhookAllow).toEqual([
      "erp.lan:8080",
      "[fd00::1]:443",
    ]);
  });

  test("a service that is named twice runs once", () => {
    expect(readSettings({ SERVICES: "orders, payments,orders" }).services).toEqual(["orders", "payments"]);
  });

  test.each([
    ["ADMIN_PASSWORD", "hunter2"],
    ["SMTP_URL", "imap://shop:hunter2@mail.example.com"],
    ["STORE", "mysql://shop:hunter2@db.example.com/shop"],
    ["STORE", "postgres://shop:hunter2/of/mine@db.example.com/shop"],
    ["ORDERS_STORE", "mongodb://shop:hunter2?of=mine@db.example.com/shop"],
    ["STORE", "postgres://shop:hunter2/x@db.example.com/shop"],
    ["STORE", "postgres://shop:12/hunter2@db.example.com/shop"],
    ["STORE", "postgres://shop:hunter2@db.example.com:port/shop"],
    ["ORDERS_STORE", "mongodb://shop:12/hunter2@one,two/shop"],
    ["ORDERS_STORE", "mongodb://shop:12?hunter2@one,two/shop"],
    ["SMTP_URL", "smtp:shop:hunter2@mail.example.com"],
    ["SMTP_URL", "shop:hunter2@mail.example.com"],
    ["TRANSPORTER", "nats:/shop:hunter2@nats:4222"],
    ["STORE", "postgres:shop:hunter2@db.example.com/shop"],
    ["STORE", "postgresql//shop:hunter2@db.example.com/shop"],
    ["STORE", "postgres://db.example.com/shop?user=shop&password=hunter2#x"],
    ["STORE", "mongodb://db.example.com/shop?tlsCertificateKeyFilePassword=hunter2#x"],
    ["STORE", "mongodb://shop:hunter2\n@db.example.com/shop"],
  ])("the secret in %s is not shown, though it cannot be used", (name, value) => {
    expect(() => readSettings({ [name]: value })).toThrow(name);
    expect(() => readSettings({ [name]: value })).not.toThrow("hunter2");
  });
});
