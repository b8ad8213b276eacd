import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ServiceName } from "../../services/contracts.ts";
import { adminOf, anOrder, Client, stockMugs, until } from "../client.ts";
import { openShop } from "../shop.ts";

const withoutMail: ServiceName[] = ["users", "catalog", "inventory", "orders", "payments", "sandbox", "gateway"];

test("a confirmation is sent by a service that was not there when the order was confirmed", async () => {
  const dataDir = mkdtempSync(join(tmpdir(), "lonja-absent-"));
  const shop = await openShop({ services: withoutMail, dataDir });
  await stockMugs(await adminOf(shop.url), 5);
  const { body: order } = await new Client(shop.url).buy(anOrder());
  expect(order.status).toBe("confirmed");
  expect(await shop.call("orders.outbox", {})).toMatchObject({ waiting: 1, deadLetters: 0 });
  await shop.close();

  const whole = await openShop({ dataDir });
  const admin = await adminOf(whole.url);
  const mails = await until(
    () => admin.get("/v1/admin/mails"),
    ({ body }) => body.data[0]?.status === "sent",
  );
  expect(mails.body.data).toMatchObject([{ to: "ada@example.com", status: "sent" }]);
  expect(
    (
      await until(
        () => whole.call("orders.outbox", {}),
        ({ waiting }) => waiting === 0,
      )
    ).waiting,
  ).toBe(0);
  await whole.close();
  rmSync(dataDir, { recursive: true, force: true });
});
