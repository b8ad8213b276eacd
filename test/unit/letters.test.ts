import { lettersOf, ownerOf } from "../../services/gateway/letters.ts";
import type { DeadLetter } from "../../services/shared/delivery.ts";

const kept: Record<string, number> = { orders: 3, payments: 0, users: 2, inventory: 101 };
const idsOf = (service: string) => Array.from({ length: kept[service] ?? 0 }, (_, n) => `${service}:x:${n}`);

/** As services answer; catalog is away. */
const ask = async (service: string, { limit, cursor }: { limit: number; cursor?: string }) => {
  if (service === "catalog") return undefined;
  const ids = idsOf(service);
  const start = cursor ? ids.indexOf(cursor) + 1 : 0;
  const data = ids.slice(start, start + limit).map((id) => ({ id }) as DeadLetter);
  return { data, nextCursor: start + limit < ids.length ? (data.at(-1)?.id ?? null) : null };
};
const services = ["catalog", "orders", "payments", "users"];

async function readAll(limit: number): Promise<string[][]> {
  const pages: string[][] = [];
  let cursor: string | undefined;
  do {
    const page = await lettersOf(services, { limit, cursor }, ask);
    pages.push(page.data.map(({ id }) => id));
    cursor = page.nextCursor ?? undefined;
  } while (cursor);
  return pages;
}

describe("dead letters of all services", () => {
  test.each([1, 2, 3, 4, 5, 100])("in pages of %d each comes once, and no page is empty", async (limit) => {
    const pages = await readAll(limit);

    expect(pages.flat()).toEqual([...idsOf("orders"), ...idsOf("users")]);
    expect(pages.map((page) => page.length)).toEqual(
      Array.from({ length: Math.ceil(5 / limit) }, (_, n) => Math.min(limit, 5 - n * limit)),
    );
  });

  test("any letter's cursor leads to those behind it, of its own service and of the others", async () => {
    const whole = await lettersOf(services, { limit: 100, cursors: true }, ask);

    expect(whole.cursors).toHaveLength(5);
    for (const [place, cursor] of (whole.cursors ?? []).entries()) {
      const { data } = await lettersOf(services, { cursor }, ask);
      expect(data).toEqual(whole.data.slice(place + 1));
    }
    const page = await lettersOf(services, { limit: 4, cursors: true }, ask);
    expect(page.cursors).toEqual(whole.cursors?.slice(0, 4));
    expect(page.nextCursor).toBe(page.cursors?.at(-1));
    expect(await lettersOf(services, { limit: 4 }, ask)).not.toHaveProperty("cursors");
  });

  test("the longest page there is knows that there is more, though no service can be asked for one more", async () => {
    const { data, nextCursor } = await lettersOf(["inventory"], { limit: 100 }, ask);

    expect([data.length, nextCursor]).toEqual([100, "inventory:x:99"]);
  });

  test.each(["", "nonsense", "bank:x:1", "orders"])("%j is no cursor", async (cursor) => {
    await expect(lettersOf(services, { limit: 5, cursor }, ask)).rejects.toMatchObject({
      type: "invalid_input",
      data: { errors: [{ path: "cursor" }] },
    });
  });

  test("a letter names its service", () => {
    expect(ownerOf("orders:orders:ord_1:evt_1:notifications")).toBe("orders");
    expect(ownerOf("nonsense")).toBe("");
  });
});
