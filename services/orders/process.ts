/**
 * The checkout as a process that survives: each order carries the step that is being asked for, saved
 * before it is asked. Every ask is idempotent by the order's id, so whoever takes up an order whose
 * node died simply asks again.
 */
export interface Process {
  /** `waiting`: the buyer or the provider has to move first. */
  phase: "doing" | "waiting" | "undoing" | "done";
  step: StepName;
  /** Grows with every move, and whenever somebody takes the order up. */
  turn: number;
  tries: number;
  /** How often the provider has refused to pay back. */
  refusals?: number;
  /** After this a step that is asked for again and again and not answered is given up: what was done is undone. */
  deadlineAt: string;
  /** Until when the stock is held: longer than the process may take. */
  holdUntil: string;
}

export type StepName = "hold" | "authorize" | "commit" | "capture";
