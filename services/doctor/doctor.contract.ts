import { contract } from "../shared/contract.ts";
import { Id, Nullable, OneOf, PageOf, paging, Shape, type Static, Time, Type } from "../shared/schema.ts";

export const Remedy = Shape("What is asked of the owner of a record, so that it does what it would have done anyway.", {
  action: OneOf(["orders.wake", "payments.mend", "inventory.release", "inventory.putOnRecord", "replay"]),
  params: Type.Record(Type.String(), Type.Unknown()),
});
export type Remedy = Static<typeof Remedy>;

export const Finding = Shape("Something that two records, or more, do not agree upon.", {
  about: Type.Array(Type.String(), { description: "The records that it is about, the one to begin with first." }),
  found: Type.String(),
  expected: Type.String(),
  remedy: Nullable(Remedy),
});
export type Finding = Static<typeof Finding>;

export const CheckResult = Shape("What one of doctor's checks has found.", {
  name: Type.String({ description: "Stable, such as `stock_movements`." }),
  ok: Type.Boolean({ description: "Nothing was found, and all that the check is about could be looked at." }),
  detail: Type.String(),
  examined: Type.Integer({ minimum: 0, description: "How much was looked at." }),
  found: Type.Integer({ minimum: 0, description: "How much of it was wrong." }),
  findings: Type.Array(Finding, { description: "The first of them." }),
  advice: Nullable(Type.String({ description: "What a person should look at." })),
});
export type CheckResult = Static<typeof CheckResult>;

export const Report = Shape("What all of doctor's checks have found.", {
  ok: Type.Boolean(),
  checks: Type.Array(CheckResult),
  startedAt: Time,
  endedAt: Time,
});
export type Report = Static<typeof Report>;

export const Repair = Shape("A finding that was repaired, or not, with what was found before and after.", {
  id: Id("rep"),
  check: Type.String(),
  about: Type.Array(Type.String()),
  before: Type.String({ description: "What was found." }),
  expected: Type.String(),
  remedy: Remedy,
  outcome: OneOf(["asked", "repaired", "still_wrong", "failed"], "`asked`: what came of it was not seen."),
  after: Nullable(Type.String({ description: "What was found after it, or why it failed; null where all is right." })),
  by: Type.String({ description: "Who has asked for it." }),
  at: Time,
});
export type Repair = Static<typeof Repair>;

export const Summary = Shape({
  ok: Type.Boolean(),
  endedAt: Time,
  found: Type.Record(Type.String(), Type.Integer(), { description: "Per check; -1 where it could not be looked at." }),
});

export const doctor = contract({
  name: "doctor",
  about: "Compares what all services have written down, with each other and with the payment provider's record.",
  actions: {
    "doctor.examine": {
      summary: "Examine the whole shop, from what is stored",
      description:
        "It may be asked while the shop sells: what looks wrong is looked at again, several times, before it is called a finding. All that was there when it was asked has been looked at. Who asks at the same time shares one examination. One that takes longer than 25 s goes on, and its report is given to the next who asks.",
      rest: { route: "GET /v1/admin/doctor", access: "staff" },
      graph: "query doctorReport",
      params: Shape({}),
      result: Report,
      refuses: ["unavailable"],
      timeoutMs: 30_000,
    },
    "doctor.repair": {
      summary: "Repair what can be repaired safely",
      description:
        "Examines, asks the owners of the records to do what they would have done anyway, and examines again. Money and stock are never made up: what would need that is named in the report, and left. Each repair leaves a record. 202: it goes on, and the records tell of it.",
      rest: { route: "POST /v1/admin/doctor/repairs", access: "admin", pendingIs202: true },
      graph: "mutation repair",
      params: Shape({}),
      result: Shape({
        status: OneOf(["done", "pending"]),
        repairs: Type.Array(Repair),
        report: Nullable(Report),
      }),
      timeoutMs: 30_000,
    },
    "doctor.repairs": {
      summary: "What was repaired, newest first",
      rest: { route: "GET /v1/admin/doctor/repairs", access: "staff" },
      graph: "query repairs",
      params: Shape({ ...paging }),
      result: PageOf(Repair),
    },
    "doctor.latest": {
      summary: "What the latest examination has found, in figures; null before the first",
      inside: "Metrics show it.",
      params: Shape({}),
      result: Nullable(Summary),
    },
  },
});
