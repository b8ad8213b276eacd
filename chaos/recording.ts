import { setTimeout as pause } from "node:timers/promises";
import { anOrder, Client } from "../test/client.ts";
import type { Passed } from "./faults.ts";
import { plenty } from "./intentions.ts";
import type { Rig } from "./rig.ts";

const QUIET_MS = 600;

/** What is bought to see what it passes: how it is answered at first, and how long its provider takes to settle. */
export const recorded = {
  tok_visa: { status: 201, settlesMs: 0 },
  tok_3ds: { status: 201, settlesMs: 0 },
  tok_async: { status: 202, settlesMs: 2_500 },
  tok_capture_fails: { status: 402, settlesMs: 0 },
} as const;
export type Recorded = keyof typeof recorded;

/** The buyer says yes to his bank: the page on which he does so names the charge. */
export function approvalOf(page: string | undefined): string | undefined {
  const [, id] = /charges\/(ch_\w+)/.exec(page ?? "") ?? [];
  return id && `/v1/sandbox/charges/${id}/confirm`;
}

/** Buys once and answers what every node passes by that, until nothing moves any more. */
export async function pointsOf(rig: Rig, token: Recorded = "tok_visa"): Promise<Passed[]> {
  const names = [...rig.places.keys()];
  await Promise.all(names.map((name) => rig.tell(name, "record", null)));
  const client = new Client(rig.urls[0] ?? "");
  const { status, body, text } = await client.buy(anOrder(token, 1, plenty[0], "recorded@example.com"));
  if (status !== recorded[token].status)
    throw new Error(`a purchase that nobody disturbed was answered ${status}: ${text}`);
  const approval = approvalOf(body.payment?.nextAction?.url);
  if (approval) await client.post(approval, { approve: true });
  await pause(recorded[token].settlesMs);
  let passed: Passed[] = [];
  for (let before = -1; before < passed.length; await pause(QUIET_MS)) {
    before = passed.length;
    const told = names.map(async (name) => {
      const passed = (await rig.tell(name, "passed", null))?.answer as string[] | undefined;
      return (passed ?? []).map((point) => ({ by: name.replace(/-\d+$/, ""), point }));
    });
    passed = (await Promise.all(told)).flat();
  }
  return passed;
}
