import { contract } from "../shared/contract.ts";
import { Email, Id, Maybe, Nullable, OneOf, PageOf, paging, Shape, type Static, Time, Type } from "../shared/schema.ts";

export const Template = OneOf(["order_confirmed", "order_canceled"]);
export type Template = Static<typeof Template>;

export const Mail = Shape({
  id: Id("mail"),
  orderId: Id("ord"),
  to: Email,
  subject: Type.String(),
  template: Template,
  status: OneOf(["queued", "sent", "failed"]),
  tries: Type.Integer({ minimum: 0 }),
  error: Nullable(Type.String({ description: "What the last try ended with." })),
  createdAt: Time,
  sentAt: Nullable(Time),
});
export type Mail = Static<typeof Mail>;

export const notifications = contract({
  name: "notifications",
  about: "Mail to customers.",
  actions: {
    "notifications.mails": {
      summary: "List mails, newest first",
      description:
        "A mail is written when an order is confirmed or canceled, and tried for about a day. It may arrive twice, then with the same Message-ID.",
      rest: { route: "GET /v1/admin/mails", access: "staff" },
      params: Shape({ orderId: Maybe(Id("ord")), ...paging }),
      result: PageOf(Mail),
    },
  },
  hears: ["orders.confirmed", "orders.canceled"],
});
