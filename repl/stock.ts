import type { StockLevel } from "../services/inventory/inventory.contract.ts";
import { line, moment, success, table } from "../terminal.ts";
import { type Command, Misread, whole } from "./command.ts";
import type { Desk } from "./desk.ts";

const LATEST = 10;

/** The first hundred of the catalogue: enough for a Tab. */
export async function skus({ broker }: Desk): Promise<string[]> {
  const { data } = await broker.call("catalog.list", { limit: 100, sort: "title" }, { timeout: 1_000 });
  return data.flatMap(({ variants }) => variants.map(({ sku }) => sku));
}

export const stock: Command = {
  name: "stock",
  params: ["sku"],
  about: "How much of a SKU there is, and what has come and gone",
  example: "stock MUG-SALT",
  complete: { sku: skus },
  async run(desk, { params: { sku = "" } }) {
    const level = await desk.call("inventory.level", { sku });
    const { data } = await desk.call("inventory.movements", { sku, limit: LATEST });
    showLevel(level);
    table(
      data.map(({ at, kind, delta, onHandAfter, orderId, reason, actorId }) => ({
        at: moment(at),
        movement: kind,
        units: signed(delta),
        "on hand after": onHandAfter,
        about: orderId ?? reason ?? "",
        by: actorId ?? "",
      })),
    );
    line();
  },
};

export const adjust: Command = {
  name: "adjust",
  params: ["sku", "delta", "reason…"],
  about: "Correct the stock on hand",
  more: "delta is what came (12) or left (-3). A SKU that is not known yet is opened.",
  example: 'adjust MUG-SALT -3 "broken in the store"',
  complete: { sku: skus },
  async run(desk, { params: { sku = "", delta: typed = "", reason = "" } }) {
    const delta = whole(typed, "delta");
    if (delta === 0) throw new Misread("A delta of 0 changes nothing.");
    const level = await desk.callOnce("inventory.adjust", { sku, delta, reason });
    success(`${signed(delta)} of ${sku}: ${reason}`);
    showLevel(level);
    line();
  },
};

const signed = (delta: number): string => (delta > 0 ? `+${delta}` : String(delta));

function showLevel({ sku, onHand, held, available }: StockLevel): void {
  table([{ sku, "on hand": onHand, held, available }]);
}
