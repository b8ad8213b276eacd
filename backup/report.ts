import { count } from "../moving/progress.ts";
import { moneyWriter } from "../services/shared/money.ts";
import type { Difference, Kind, Reconciliation } from "./reconciliation.ts";

const headings: Record<Kind, string> = {
  money_without_order: "Paid, and not here",
  reserved_without_order: "Reserved, and not here",
  nothing_without_order: "Begun, without money, and not here",
  given_back: "Given back since",
  moved_on: "Moved on since",
  not_there: "Unknown to the provider",
};
const invoice = (sequence: number) => `INV-${String(sequence).padStart(6, "0")}`;

/** For whoever has to decide what to do before the shop opens. */
export function reportOf(found: Reconciliation): string[] {
  return [...moneyLines(found), ...underWayLines(found), ...invoiceLines(found)];
}

function moneyLines({ at, compared, notCompared, differences }: Reconciliation): string[] {
  if (!compared) return [`Nothing was compared with the payment provider: ${notCompared}`];
  const all = `${count(compared.payments)} payments of the backup with ${count(compared.charges)} charges of the provider`;
  if (differences.length === 0) return [`Compared ${all}: they agree.`];
  const byKind = Map.groupBy(differences, ({ kind }) => kind);
  return [
    `Compared ${all}: ${count(differences.length)} differ, since the backup is of ${at}.`,
    ...(Object.keys(headings) as Kind[]).flatMap((kind) => {
      const some = byKind.get(kind) ?? [];
      return some.length > 0
        ? [`${headings[kind]} (${count(some.length)}). ${some[0]?.advice}`, ...some.map(lineOf)]
        : [];
    }),
  ];
}

function lineOf({ amount, orderId, orderNumber, paymentId, email, here, there, at }: Difference): string {
  const write = moneyWriter(amount.currency);
  const money = (minorUnits: number) => write({ ...amount, amount: minorUnits });
  const side = (what: string, one: Difference["here"]) =>
    one &&
    `${what}: ${one.status}${one.captured ? `, ${money(one.captured)} taken` : ""}${one.refunded ? `, ${money(one.refunded)} given back` : ""}`;
  const who = [orderNumber ?? orderId ?? "order unknown", paymentId, email ?? "e-mail unknown", at];
  return `  ${write(amount)}  ${[...who, side("here", here), side("provider", there)].filter((part) => part).join("  ")}`;
}

function underWayLines({ underWay }: Reconciliation): string[] {
  if (underWay.length === 0) return [];
  return [
    `Under way at that moment (${count(underWay.length)}). The shop brings them to an end when it opens: confirmed, or canceled and the money given back. Their buyers may have been told otherwise since.`,
    ...underWay.map(({ number, orderId, status }) => `  ${number}  ${orderId}  ${status}`),
  ];
}

function invoiceLines({ invoices: { last, highestPossible, next } }: Reconciliation): string[] {
  const here = `The last invoice of the backup is ${last ? invoice(last) : "none"}; the next will be ${invoice(next)}.`;
  if (highestPossible === null)
    return [`${here} Which numbers were given out since cannot be known here: look at the last invoice that was sent.`];
  if (highestPossible < next)
    return [next > last + 1 ? `${here} ${invoice(last + 1)} to ${invoice(next - 1)} are left out: note why.` : here];
  return [
    `${here} ${invoice(next)} to ${invoice(highestPossible)} may have been given to others since, and would be given again: restore with --next-invoice ${highestPossible + 1}, and note in the books why numbers are missing.`,
  ];
}
