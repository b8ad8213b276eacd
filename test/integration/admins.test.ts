import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Loggers, type LogLevels, ServiceBroker, type ServiceSchema } from "moleculer";
import { brokerOptions } from "../../moleculer.config.ts";
import { readSettings } from "../../services/shared/settings.ts";
import type { TypedBroker } from "../../services/shared/typed.ts";
import { realWorld } from "../../services/shared/world.ts";
import users from "../../services/users/users.service.ts";
import { openShop, type Shop } from "../shop.ts";

const admin = { email: "admin@lonja.test", password: "correct horse battery" };

describe("admins", () => {
  let shop: Shop;
  let first: string;

  beforeEach(async () => {
    shop = await openShop({ services: ["users"] });
    first = (await shop.call("users.login", admin)).user.id;
  });
  afterEach(() => shop.close());

  const open = async (name: string) =>
    (await shop.call("users.register", { email: `${name}@lonja.test`, password: "seven salty sardines" })).user.id;
  const change = (id: string, to: { role?: "customer" | "staff" | "admin"; disabled?: boolean; ifVersion?: number }) =>
    shop.call("users.change", { id, ...to });
  const enabledAdmins = async () =>
    (await shop.call("users.list", { role: "admin" })).data.filter(({ disabled }) => !disabled).map(({ id }) => id);

  test.each([{ role: "staff" as const }, { disabled: true }])("the last one stays: %j", async (to) => {
    await expect(change(first, to)).rejects.toMatchObject({ type: "invalid_state", code: 409 });
    expect(await shop.call("users.login", admin)).toMatchObject({ user: { role: "admin", disabled: false } });
  });

  test("a disabled one does not count", async () => {
    const second = await open("second");
    await change(second, { role: "admin" });
    await change(second, { disabled: true });

    await expect(change(first, { disabled: true })).rejects.toMatchObject({ type: "invalid_state" });
    await change(second, { disabled: false });
    expect(await change(first, { disabled: true })).toMatchObject({ role: "admin", disabled: true });
    expect(await enabledAdmins()).toEqual([second]);
  });

  test.each(Array.from({ length: 10 }, (_, n) => n))("two who remove each other at once leave one (%i)", async () => {
    const second = await open("second");
    await change(second, { role: "admin" });
    const outcomes = await Promise.allSettled([
      change(first, { role: "customer" }),
      change(second, { disabled: true }),
      change(first, { role: "staff" }),
    ]);

    expect(await enabledAdmins()).toHaveLength(1);
    for (const one of outcomes) if (one.status === "rejected") expect(one.reason).toMatchObject({ code: 409 });
  });

  test("promoting and removing one admin at the same time never leaves none", async () => {
    const ids = [first, await open("a"), await open("b")];
    for (let round = 0; round < 15; round++) {
      await Promise.allSettled(
        ids.flatMap((id) => [
          change(id, { role: "admin" }),
          change(id, { role: "staff" }),
          change(id, { disabled: false }),
        ]),
      );
      const users = (await shop.call("users.list", {})).data;
      const admins = users.filter(({ role, disabled }) => role === "admin" && !disabled).map(({ id }) => id);
      expect(admins.length).toBeGreaterThan(0);
      expect(await enabledAdmins()).toEqual(admins);
    }
  });

  test("a change of an older version is refused and changes nothing", async () => {
    const second = await open("second");
    const { version } = await change(second, { role: "admin" });
    await expect(change(second, { role: "customer", ifVersion: version - 1 })).rejects.toMatchObject({
      type: "version_conflict",
    });

    expect((await enabledAdmins()).sort()).toEqual([first, second].sort());
    await expect(change("usr_00000000000000000000000000", { role: "staff" })).rejects.toMatchObject({
      type: "not_found",
    });
  });

  test("accounts are listed newest first, page by page, and found by address and role", async () => {
    const ids = [first, await open("a"), await open("b")];
    const page = await shop.call("users.list", { limit: 2 });
    const rest = await shop.call("users.list", { limit: 2, cursor: page.nextCursor ?? "" });

    expect([...page.data, ...rest.data].map(({ id }) => id).sort()).toEqual(ids.sort());
    expect(rest.nextCursor).toBeNull();
    expect((await shop.call("users.list", { email: "A@lonja.test" })).data).toMatchObject([{ email: "a@lonja.test" }]);
    expect((await shop.call("users.list", { role: "admin" })).data).toMatchObject([{ id: first }]);
  });
});

describe("the first admin", () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "lonja-"));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  /** A node whose log can be read, with as many users services as wanted on one store. */
  async function node(count: number, env: Record<string, string>) {
    const lines: string[] = [];
    class Lines extends Loggers.Base<object> {
      override getLogHandler() {
        return (_level: LogLevels, args: unknown[]) => void lines.push(args.join(" "));
      }
    }
    const settings = readSettings({ DATA_DIR: folder, ADMIN_EMAIL: "Boss@lonja.test", ...env });
    const logger = new Lines() as never;
    const broker = new ServiceBroker(await brokerOptions({ settings, world: realWorld, checkResults: true, logger }));
    for (let n = 0; n < count; n++) broker.createService(users as unknown as ServiceSchema);
    await broker.start();
    const { call } = broker as unknown as TypedBroker;
    return { lines, call: call.bind(broker) as TypedBroker["call"], stop: () => broker.stop() };
  }
  const passwordIn = (lines: string[]) =>
    lines.flatMap((line) => /boss@lonja\.test.* password is (\S+) /.exec(line)?.[1] ?? []);

  test("gets a password that is shown once, however often and on however many nodes the shop starts", async () => {
    const together = await node(2, {});
    const [password = "", ...more] = passwordIn(together.lines);
    expect(more).toEqual([]);
    const keys = await together.call("users.keys", {});
    await together.stop();

    const later = await node(1, { ADMIN_PASSWORD: "another password" });
    const signedIn = await later.call("users.login", { email: "boss@lonja.test", password });
    const { data } = await later.call("users.list", {});
    expect(signedIn.user.role).toBe("admin");
    expect(data).toHaveLength(1);
    expect(await later.call("users.keys", {})).toEqual(keys);
    expect(later.lines.join("\n")).not.toMatch(/boss@lonja\.test|another password/);
    await later.stop();
  });

  test("has the password that the operator chose, which is not shown", async () => {
    const { lines, call, stop } = await node(1, { ADMIN_PASSWORD: admin.password });

    expect(await call("users.login", { email: "boss@lonja.test", password: admin.password })).toBeTruthy();
    expect(lines.join("\n")).toContain("boss@lonja.test");
    expect(lines.join("\n")).not.toContain(admin.password);
    await stop();
  });
});
