import { Maybe, Nothing, PageOf, paging, Shape, type Static, Text, Time, Type } from "./schema.ts";

/** A fact on its way to one service that hears it. */
export const Envelope = Shape({
  id: Type.String({ pattern: "^evt_[0-9a-z]{10,40}$", description: "Equal for every delivery of the same fact." }),
  type: Type.String({ description: "Such as `orders.confirmed`." }),
  at: Time,
  subject: Type.String({ description: "The id of the record that it is about. Order is kept per subject." }),
  data: Type.Unknown(),
});
export type Envelope = Static<typeof Envelope>;

export const DeadLetter = Shape({
  id: Type.String({ description: "Names the letter in a replay." }),
  from: Type.String({ description: "The service that told it." }),
  to: Type.String({ description: "The service that could not take it." }),
  event: Envelope,
  tries: Type.Integer({ minimum: 1 }),
  error: Type.String({ description: "What the last try ended with." }),
  parkedAt: Time,
});
export type DeadLetter = Static<typeof DeadLetter>;

/** What every service that keeps data can be asked by the house itself, as `<service>.<key>`. */
export const houseActions = {
  hear: { summary: "Take a fact; the answer is the acknowledgement", params: Envelope, result: Nothing },
  deadLetters: {
    summary: "Facts of this service that could not be delivered",
    params: Shape({ ...paging }),
    result: PageOf(DeadLetter),
  },
  replay: { summary: "Deliver a dead letter once more", params: Shape({ id: Text(1, 200) }), result: DeadLetter },
  outbox: {
    summary: "How many records wait for a delivery, and since when",
    params: Shape({}),
    result: Shape({
      waiting: Type.Integer({ minimum: 0 }),
      deadLetters: Type.Integer({ minimum: 0 }),
      oldestAt: Maybe(Time),
    }),
  },
} as const;
export type HouseAction = keyof typeof houseActions;
