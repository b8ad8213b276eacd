/** What a node can be told to suffer. All of it comes from outside, over the process's own channel. */

/** Of a hundred packets that a node sends or gets, how many are lost, doubled or late, and how late at most. */
export interface Wire {
  seed: number;
  /** Only of those that it sends, or only of those that it gets. */
  only?: "sent" | "got";
  lost: number;
  doubled: number;
  late: number;
  latestMs: number;
}

/** How the payment provider behaves. */
export const manners = {
  slow: "takes its time",
  fails: "fails before it does anything",
  late: "answers after the deadline",
  charges: "takes the money and does not answer",
  webhooks: "sends its webhooks twice, late and in another order",
} as const;
export type Manner = keyof typeof manners;

export interface Orders {
  /** To die by this signal when it passes the point for the nth time from now. */
  arm: { point: string; nth: number; signal: "SIGKILL" | "SIGTERM" };
  disarm: null;
  /** To write down the points that it passes, and to tell them. */
  record: null;
  passed: null;
  /** To do nothing at all for so long, as when a calculation or a collection of garbage takes so long. */
  stall: { ms: number };
  /** To believe that it is so much later than it is. */
  clock: { ms: number };
  wire: Wire | null;
  provider: { manner: Manner; seed: number } | null;
  /** Its stores write nothing, because there is no room. */
  disk: { isFull: boolean };
}

export type Order = { [What in keyof Orders]: { what: What; how: Orders[What] } }[keyof Orders];
/** An order with a number, by which its answer is known. */
export interface Numbered {
  n: number;
  order: Order;
}
export interface Answer {
  n: number;
  answer: unknown;
}
