import { contract } from "../shared/contract.ts";
import { Email, Id, Nullable, OneOf, PageOf, paging, Shape, type Static, Time, Type } from "../shared/schema.ts";

export const Mail = Shape({
  id: Id("mail"),
  to: Email,
  subject: Type.String(),
  template: Type.String(),
  status: OneOf(["queued", "sent", "failed"]),
  tries: Type.Integer({ minimum: 0 }),
  error: Nullable(Type.String()),
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
      rest: { route: "GET /v1/admin/mails", access: "staff" },
      params: Shape({ ...paging }),
      result: PageOf(Mail),
    },
  },
  hears: ["orders.confirmed", "orders.canceled"],
});
