import { mayUse, type Route } from "../../services/gateway/routes.ts";
import type { Client, Reply } from "../client.ts";
import { canaryOf, emailOf, openTown, password, type Town } from "./people.ts";
import { nameOf, nobodys, prefixOf, requestTo, routes, type Schema } from "./samples.ts";
import { calmState, stateOf } from "./state.ts";

/**
 * Whose the records behind a route are, for routes that customers and guests may use. There the door alone does not
 * decide: it lets everybody in, and the service that owns the record has to look at who asks. A route that is not
 * here does not pass.
 */
const whose: Readonly<Record<string, "everybody's" | "the asker's own" | "the owner's" | "of whoever has the id">> = {
  "GET /v1/me": "the asker's own",
  "PATCH /v1/me": "the asker's own",
  "GET /v1/products": "everybody's",
  "GET /v1/products/:idOrHandle": "everybody's",
  "GET /v1/categories": "everybody's",
  "GET /v1/inventory/:sku": "everybody's",
  "POST /v1/orders": "the asker's own",
  "GET /v1/orders": "the asker's own",
  "GET /v1/orders/:id": "the owner's",
  "GET /v1/orders/:id/events": "the owner's",
  "POST /v1/orders/:id/cancel": "the owner's",
  "GET /v1/payments/:id": "the owner's",
  "GET /v1/orders/:orderId/invoice": "the owner's",
  // A buyer's bank sends the buyer there: the id, which nobody can guess, is all that there is to know.
  "GET /v1/sandbox/charges/:id": "of whoever has the id",
  "POST /v1/sandbox/charges/:id/confirm": "of whoever has the id",
};

/** In the order of what they may: whoever is refused comes before whoever is not, and changes something. */
const actors = ["guest", "garbage", "expired", "disabled", "bea", "ana", "staff", "admin"] as const;
type Actor = (typeof actors)[number];
const roleOf: Record<Actor, "customer" | "staff" | "admin" | undefined> = {
  guest: undefined,
  garbage: undefined,
  expired: undefined,
  disabled: "customer",
  bea: "customer",
  ana: "customer",
  staff: "staff",
  admin: "admin",
};
const badTokens: readonly Actor[] = ["garbage", "expired"];
/** These know Ana's records; nobody else ever reads a word of hers. */
const insiders: readonly Actor[] = ["ana", "staff", "admin"];
const doorCodes = ["unauthenticated", "invalid_token", "forbidden"];

/** What the door says to an actor, by the route's access alone; undefined where it lets them in. */
function doorsWord({ rest: { access } }: Route, actor: Actor): [number, string] | undefined {
  if (access !== "open" && badTokens.includes(actor)) return [401, "invalid_token"];
  if (mayUse(access, roleOf[actor])) return undefined;
  return roleOf[actor] ? [403, "forbidden"] : [401, "unauthenticated"];
}

describe("who may do what", () => {
  let town: Town;
  let clients: Record<Actor, (send: (client: Client) => Promise<Reply>) => Promise<Reply>>;

  beforeAll(async () => {
    town = await openTown();
    const { guest, admin, people, later } = town;
    const ended = await later(-700_000, () => guest.post("/v1/auth/login", { email: emailOf("bea"), password }));
    const expired = guest.with({ authorization: `Bearer ${ended.body.accessToken}` });
    const garbage = guest.with({ authorization: "Bearer eyJhbGciOiJub25lIn0.e30." });
    clients = {
      guest: (send) => send(guest),
      garbage: (send) => send(garbage),
      expired: (send) => send(expired),
      disabled: (send) => send(people.gone.client),
      bea: (send) => send(people.bea.client),
      ana: (send) => send(people.ana.client),
      staff: (send) => send(people.staff.client),
      admin: (send) => send(admin),
    };
  });
  afterAll(() => town.shop.close());

  const anas = (prefix: string) => town.anas[prefix] ?? nobodys(prefix);
  const ask = (actor: Actor, route: Route, ids = anas, headers: Record<string, string> = {}) => {
    const asked = requestTo(route, ids);
    return clients[actor]((client) =>
      client.send(route.method, asked.path, asked.body, { ...asked.headers, ...headers }),
    );
  };
  const idsIn = ({ params, pathNames }: Route) => pathNames.flatMap((name) => prefixOf(params[name] as Schema) ?? []);

  test("every route that is not for staff alone says whose its records are, and no other", () => {
    const needed = routes.filter(({ rest }) => rest.access === "anyone" || rest.access === "user").map(nameOf);
    expect(Object.keys(whose).toSorted()).toEqual(needed.toSorted());
  });

  test("of every kind of record that somebody owns there is one of Ana's", () => {
    const owned = routes.filter((route) => /owner|whoever/.test(whose[nameOf(route)] ?? "")).flatMap(idsIn);
    expect([...new Set(owned)].filter((prefix) => !(prefix in town.anas))).toEqual([]);
  });

  describe.each(routes.map((route) => [nameOf(route), route] as const))("%s", (name, route) => {
    const kind = whose[name];

    test("lets in whom its contract names, says the same to all others, and does nothing for them", async () => {
      const before = await calmState(town.shop);
      const [refused, welcome] = [
        actors.filter((one) => doorsWord(route, one)),
        actors.filter((one) => !doorsWord(route, one)),
      ];
      for (const actor of refused) {
        const { status, body, text } = await ask(actor, route);
        expect([actor, status, body?.code]).toEqual([actor, ...(doorsWord(route, actor) ?? [])]);
        expect(text).not.toMatch(/canary-of/);
      }
      expect(await stateOf(town.shop)).toEqual(before);

      for (const actor of welcome) {
        const { status, body, text } = await ask(actor, route);
        const isGone = actor === "disabled" && kind === "the asker's own" && status === 401;
        const isTurnedAway = doorCodes.includes(body?.code) && !route.contract.refuses?.includes(body.code);
        if (!isGone) expect([actor, isTurnedAway ? body.code : status < 500]).toEqual([actor, true]);
        if (!insiders.includes(actor)) expect(text).not.toContain(canaryOf("ana"));
      }
    });

    if (kind === "the owner's")
      test("is answered to a stranger as if there were no such record, and changes nothing", async () => {
        const wordless = ({ text }: Reply) => text.replace(/"requestId":"[^"]*"/, "");
        const before = await calmState(town.shop);
        for (const actor of ["guest", "disabled", "bea"] as const) {
          const [hers, nobody] = [await ask(actor, route), await ask(actor, route, nobodys)];
          expect([actor, hers.status, wordless(hers)]).toEqual([actor, 404, wordless(nobody)]);
          const comparable = ({ headers }: Reply) => [...headers.keys()].filter((key) => key !== "date").toSorted();
          expect(comparable(hers)).toEqual(comparable(nobody));
        }
        const forged = await ask("guest", route, anas, { "x-guest-token": town.anasGuestToken.replace(/.$/, "~") });
        expect(forged.status).toBe(404);
        expect(await stateOf(town.shop)).toEqual(before);

        for (const actor of insiders) expect((await ask(actor, route)).status).toBeLessThan(300);
        expect((await ask("guest", route, anas, { "x-guest-token": town.anasGuestToken })).status).toBeLessThan(300);
        // A guest token opens its own order, and no other.
        const { body } = await town.people.bea.client.get("/v1/orders");
        const beas = (prefix: string) =>
          ({ ord: body.data[0].id, pay: body.data[0].payment.id })[prefix] ?? nobodys(prefix);
        expect((await ask("guest", route, beas, { "x-guest-token": town.anasGuestToken })).status).toBe(404);
      });

    if (kind === "the asker's own")
      test("is about who asks, whoever else is named", async () => {
        const mine = await ask("bea", route);
        expect(mine.status).toBeLessThan(300);
        const named = route.method === "GET" ? `?customerId=${town.people.ana.id}` : "";
        const asked = requestTo(route);
        const body = asked.body && JSON.stringify({ ...JSON.parse(asked.body), userId: town.people.ana.id });
        const other = await town.people.bea.client.send(route.method, asked.path + named, body, asked.headers);
        expect([other.status, other.body.code]).toEqual([422, "invalid_input"]);
      });
  });

  test("lists of one's own hold one's own, to the last page", async () => {
    for (const route of routes.filter((one) => whose[nameOf(one)] === "the asker's own" && one.method === "GET")) {
      const { text } = await ask("bea", route);
      expect(text).toContain(canaryOf("bea"));
    }
    // Ana's cursor takes Bea to a place in Bea's own list.
    for (let n = 0; n < 2; n++) await ask("ana", routes.find((one) => nameOf(one) === "POST /v1/orders") as Route);
    const { body } = await town.people.ana.client.get("/v1/orders?limit=1");
    const { status, text } = await town.people.bea.client.get(`/v1/orders?limit=100&cursor=${body.nextCursor}`);
    expect([status, text.includes(canaryOf("ana"))]).toEqual([200, false]);
  });

  test("somebody who was disabled gets no new token, and what is left of the old one ends within ten minutes", async () => {
    const { gone } = town.people;
    const answers = [
      await town.guest.post("/v1/auth/refresh", { refreshToken: gone.refreshToken }),
      await town.guest.post("/v1/auth/login", { email: emailOf("gone"), password }),
      await town.later(606_000, () => gone.client.get("/v1/orders")),
    ];
    expect(answers.map(({ status, body }) => [status, body.code])).toEqual([
      [401, "invalid_token"],
      [401, "invalid_credentials"],
      [401, "invalid_token"],
    ]);
  });
});
