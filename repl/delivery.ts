import { contracts, type ServiceName } from "../services/contracts.ts";
import { ownerOf } from "../services/gateway/letters.ts";
import type { DeadLetter } from "../services/shared/delivery.ts";
import { careful, duration, line, moment, remark, shortened, success, table } from "../terminal.ts";
import { type Command, Misread } from "./command.ts";
import type { Desk } from "./desk.ts";
import { sentence } from "./sentence.ts";

/** They are asked one by one, not by way of the gateway: dead letters are looked at when something is away. */
const keepers = (Object.keys(contracts) as ServiceName[]).filter((name) => name !== "gateway");
const MOST_OF_ONE = 100;

interface Answer<T> {
  service: ServiceName;
  value?: T;
  /** Why there is none. */
  why?: string;
}

const askAll = <T>(ask: (service: ServiceName) => Promise<T>): Promise<Answer<T>[]> =>
  Promise.all(
    keepers.map((service) =>
      ask(service).then(
        (value) => ({ service, value }),
        (error) => ({ service, why: sentence(error) }),
      ),
    ),
  );

/** Who is away is named, so that a list that lacks something does not look whole. */
function nameThoseAway(answers: readonly Answer<unknown>[]): void {
  for (const { service, why } of answers) if (why) remark(careful(`${service} could not be asked: ${why}`));
}

export const outbox: Command = {
  name: "outbox",
  about: "Facts that wait for a delivery, per service: how many, and for how long",
  example: "outbox",
  async run(desk) {
    const answers = await askAll((service) => desk.broker.call(`${service}.outbox`, {}, { timeout: 2_000 }));
    table(
      answers.map(({ service, value }) => ({
        service,
        waiting: value?.waiting ?? "-",
        "dead letters": value?.deadLetters ?? "-",
        lag: value?.oldestAt ? duration(desk.world.now() - Date.parse(value.oldestAt)) : "-",
      })),
    );
    nameThoseAway(answers);
    line();
    if (answers.some(({ value }) => value === undefined)) throw new Misread("Not all services have answered.");
  },
};

async function lettersOf(desk: Desk): Promise<Answer<{ data: DeadLetter[]; nextCursor: string | null }>[]> {
  const answers = await askAll((service) => desk.call(`${service}.deadLetters`, { limit: MOST_OF_ONE }));
  desk.seen.letters = answers.flatMap(({ value }) => value?.data.map(({ id }) => id) ?? []);
  return answers;
}

export const letters: Command = {
  name: "letters",
  about: "Dead letters: facts that could not be delivered",
  more: "The number in front names a letter to replay, until they are listed anew.",
  example: "letters",
  async run(desk) {
    const answers = await lettersOf(desk);
    const all = answers.flatMap(({ value }) => value?.data ?? []);
    if (all.length > 0)
      table(
        all.map(({ from, to, event, tries, parkedAt, error, id }, at) => ({
          "#": at + 1,
          from,
          to,
          fact: event.type,
          about: event.subject,
          tries,
          at: moment(parkedAt),
          error: desk.secrets.hide(shortened(error, 60)),
          id,
        })),
      );
    else remark("There are no dead letters.");
    if (answers.some(({ value }) => value?.nextCursor))
      remark(`There are more: ${MOST_OF_ONE} of a service are shown.`);
    nameThoseAway(answers);
    line();
  },
};

export const replay: Command = {
  name: "replay",
  params: ["letter"],
  about: "Deliver a dead letter once more, or all of them",
  more: "By its id, by its number in the last list, or all. It leaves the list at once, and comes back when it fails again.",
  example: "replay 1",
  complete: { letter: ({ seen }) => ["all", ...seen.letters] },
  async run(desk, { params: { letter = "" } }) {
    const ids = letter === "all" ? await allIds(desk) : [idOf(desk, letter)];
    for (const id of ids) {
      const { event, to } = await desk.call(`${keeperOf(id)}.replay`, { id });
      success(`${event.type} of ${event.subject} goes to ${to} once more.`);
    }
    line();
  },
};

async function allIds(desk: Desk): Promise<string[]> {
  await lettersOf(desk);
  if (desk.seen.letters.length === 0) remark("There are no dead letters.");
  return desk.seen.letters;
}

function idOf({ seen }: Desk, letter: string): string {
  if (!/^\d{1,6}$/.test(letter)) return letter;
  const id = seen.letters[Number(letter) - 1];
  if (!id) throw new Misread(`There is no letter ${letter} in the last list: look at letters.`);
  return id;
}

function keeperOf(id: string): ServiceName {
  const keeper = keepers.find((name) => name === ownerOf(id));
  if (!keeper) throw new Misread(`${shortened(id, 80)} is no dead letter: letters lists them.`);
  return keeper;
}
