import { Maybe, Nothing, PageOf, paging, Shape, type Static, Text, Time, Type } from "./schema.ts";

export const Envelope = Shape("A fact on its way to one service that hears it.", {
  id: Type.String({ pattern: "^evt_[0-9a-z]{10,40}$", description: "Equal for every delivery of the same fact." }),
  type: Type.String({ description: "Such as `orders.confirmed`." }),
  at: Time,
  subject: Type.String({ description: "The id of the record that it is about. Order is kept per subject." }),
  data: Type.Unknown(),
});
export type Envelope = Static<typeof Envelope>;

export const DeadLetter = Shape("A fact that could not be delivered.", {
  id: Type.String({ description: "Names the letter in a replay." }),
  from: Type.String({ description: "The service that told it." }),
  to: Type.String({ description: "The service that could not take it." }),
  event: Envelope,
  tries: Type.Integer({ minimum: 1 }),
  error: Type.String({ description: "What the last try ended with." }),
  parkedAt: Time,
});
export type DeadLetter = Static<typeof DeadLetter>;

const inside = "The house itself asks it.";

/** What every service that keeps data can be asked by the house itself, as `<service>.<key>`. */
export const houseActions = {
  hear: { inside, summary: "Take a fact; the answer is the acknowledgement", params: Envelope, result: Nothing },
  deadLetters: {
    inside,
    summary: "Facts of this service that could not be delivered",
    params: Shape({ ...paging }),
    result: PageOf(DeadLetter),
  },
  replay: {
    inside,
    summary: "Deliver a dead letter once more",
    params: Shape({ id: Text(1, 200) }),
    result: DeadLetter,
  },
  outbox: {
    inside,
    summary: "How many records wait for a delivery, and since when",
    params: Shape({}),
    result: Shape({
      waiting: Type.Integer({ minimum: 0 }),
      deadLetters: Type.Integer({ minimum: 0 }),
      oldestAt: Maybe(Time),
    }),
  },
  hush: {
    inside,
    summary: "Hold back the writes of this node for a moment, for a backup that looks at a store without snapshots",
    description: "True: what was being written has ended, and nothing more is until `unhush`, or until `ms` are over.",
    params: Shape({ id: Text(1, 80), ms: Type.Integer({ minimum: 1, maximum: 10_000 }) }),
    result: Type.Boolean(),
  },
  unhush: {
    inside,
    summary: "Let the writes of this node go on; true: they have been held back until now",
    params: Shape({ id: Text(1, 80) }),
    result: Type.Boolean(),
  },
} as const;
export type HouseAction = keyof typeof houseActions;
