import type { Report } from "../services/doctor/doctor.contract.ts";
import type { StockLevel } from "../services/inventory/inventory.contract.ts";
import type { Order } from "../services/orders/orders.contract.ts";
import type { Page } from "../services/shared/schema.ts";
import type { Client } from "../test/client.ts";
import { disagreementsSeenBy, salesOf } from "./books.ts";
import { type Purchase, paidBack, unkept } from "./notes.ts";

export interface Check {
  name: string;
  wrong: readonly string[];
}

type Staff = () => Promise<Client>;

/** Orders of which nobody knows yet how they end, and units that are still held for one. */
export async function unsettled(staff: Staff, skus: readonly string[]): Promise<number> {
  const admin = await staff();
  const orders = await admin.read<Page<Order>>("/v1/admin/orders?status=pending&limit=100");
  const levels = await Promise.all(skus.map((sku) => admin.read<StockLevel>(`/v1/admin/inventory/${sku}`)));
  return levels.reduce((units, { held }) => units + held, orders.data.length);
}

/** The examination of a large shop goes on for longer than a request may, and is given to the next who asks. */
async function doctorSays(staff: Staff): Promise<string[]> {
  const { checks } = await (await staff()).read<Report>("/v1/admin/doctor");
  return checks.flatMap(({ name, ok, detail, findings }) => {
    const found = findings.map(({ about, found, expected }) => `${about.join(", ")}: ${found}, not ${expected}`);
    return ok ? [] : [`${name}: ${detail}`, ...found];
  });
}

/** What is wrong: by the word of all who have written something down, and by what buyers were told. */
export async function verdictOf(
  staff: Staff,
  purchases: readonly Purchase[],
  opened: Readonly<Record<string, number>>,
): Promise<Check[]> {
  const theirs = unkept(purchases, await salesOf(await staff()));
  return [
    { name: "doctor finds nothing", wrong: await doctorSays(staff) },
    { name: "the books agree", wrong: await disagreementsSeenBy(await staff(), opened, paidBack(purchases)) },
    { name: "what buyers were told is so", wrong: theirs },
  ];
}
